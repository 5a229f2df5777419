"""Schedules: the shares of the ranks in an epoch. SPDX-License-Identifier: Apache-2.0"""

import pickle
import random

import numpy
import pytest

from forkpolicy.loader import Schedule

RANKS = range(1, 8)


def global_batches(units, batch, last, start):
    """What the batches are to be, in plain Python."""
    order = list(range(start, units))
    batches = [order[at : at + batch] for at in range(0, len(order), batch)]
    if batches and len(batches[-1]) < batch:
        if last == "drop":
            batches.pop()
        elif last == "pad":
            missing = batch - len(batches[-1])
            batches[-1] += [i % units for i in range(missing)]
    return batches


def random_cases(count, seed):
    chance = random.Random(seed)
    for _ in range(count):
        units = chance.choice([0, 1, 2, 5, 64, chance.randrange(300)])
        batch = chance.choice([1, 2, 7, 64, chance.randrange(1, 400)])
        yield units, batch, chance.choice(["short", "drop", "pad"]), chance.randrange(units + 1)


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_the_global_batch_for_every_world_size(seed):
    for units, batch, last, start in random_cases(60, seed):
        expected = global_batches(units, batch, last, start)
        for world_size in RANKS:
            ranks = [Schedule(units, batch, last, rank, world_size) for rank in range(world_size)]
            assert {schedule.steps_from(start) for schedule in ranks} == {len(expected)}
            for step, units_of_step in enumerate(expected):
                shares = [schedule.share(step, start) for schedule in ranks]
                assert all(share.dtype == numpy.int64 for share in shares)
                assert numpy.concatenate(shares).tolist() == units_of_step
                lengths = [len(share) for share in shares]
                assert max(lengths) - min(lengths) <= 1
                for schedule in ranks:
                    assert schedule.batch_of(step, start) == len(units_of_step)
                    assert schedule.consumed(step, start) == min(units, start + (step + 1) * batch)


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_the_share(seed):
    for units, batch, last, start in random_cases(60, seed):
        for rank, world_size in (0, 1), (1, 3), (4, 5):
            schedule = Schedule(units, batch, last, rank, world_size)
            for step in range(schedule.steps_from(start)):
                runs = schedule.runs(step, start)
                flat = [first + i for first, count in runs for i in range(count)]
                assert flat == schedule.share(step, start).tolist()
                assert all(count > 0 and first + count <= units for first, count in runs)
                if start + (step + 1) * batch <= units:
                    assert len(runs) == (1 if flat else 0)


@pytest.mark.parametrize("last", ["short", "drop", "pad"])
def test_every_unit_once(last):
    for units in 1, 6, 7, 100:
        for batch in 1, 3, 7, 40, 150:
            for world_size in RANKS:
                seen = [
                    unit
                    for rank in range(world_size)
                    for schedule in [Schedule(units, batch, last, rank, world_size)]
                    for step in range(len(schedule))
                    for unit in schedule.share(step).tolist()
                ]
                whole_batches = units // batch * batch
                if last == "short":
                    assert sorted(seen) == list(range(units))
                elif last == "drop":
                    assert sorted(seen) == list(range(whole_batches))
                else:
                    padded = -(-units // batch) * batch
                    assert sorted(seen) == sorted(unit % units for unit in range(padded))


def test_resumed_elsewhere_with_other_batches():
    chance = random.Random(1)
    for _ in range(100):
        units, start, seen = chance.randrange(1, 500), 0, []
        while start < units:  # each piece of the epoch in another topology
            world_size, batch = chance.randrange(1, 8), chance.randrange(1, 90)
            ranks = [
                Schedule(units, batch, "short", rank, world_size) for rank in range(world_size)
            ]
            steps = chance.randrange(1, ranks[0].steps_from(start) + 1)
            for step in range(steps):
                seen += numpy.concatenate([rank.share(step, start) for rank in ranks]).tolist()
            start = ranks[0].consumed(steps - 1, start)
        assert seen == list(range(units)) and start == units


def test_a_tail_shorter_than_the_ranks():
    shares = [Schedule(9, 8, "short", rank, 4).share(1).tolist() for rank in range(4)]
    assert shares == [[], [], [], [8]]
    assert Schedule(9, 8, "short", 0, 4).runs(1) == []


def test_pad_goes_around():
    assert Schedule(3, 8, "pad").share(0).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert Schedule(3, 8, "pad").runs(0) == [(0, 3), (0, 3), (0, 2)]
    assert Schedule(3, 8, "pad", 1, 2).runs(0) == [(1, 2), (0, 2)]
    assert Schedule(10, 4, "pad").share(2).tolist() == [8, 9, 0, 1]
    assert Schedule(10, 4, "pad").share(0, start=9).tolist() == [9, 0, 1, 2]


def test_large():
    schedule = Schedule(1 << 61, 1 << 20, rank=3, world_size=1000)
    assert len(schedule) == 1 << 41
    (run,) = schedule.runs(len(schedule) - 1)
    assert run[0] + run[1] < 1 << 61 and run[1] in (1048, 1049)
    assert schedule.share(len(schedule) - 1)[0] == run[0]


@pytest.mark.parametrize(
    "arguments, kind, said",
    [
        ((-1, 2), ValueError, "units must be at least 0"),
        ((5, 0), ValueError, "batch must be at least 1"),
        ((5, 2.5), TypeError, "batch must be an int"),
        ((5, 2, "keep"), ValueError, "last must be one of short, drop, pad, not 'keep'"),
        ((5, 2, "drop", 2, 2), ValueError, "rank must be less than 2, not 2"),
        ((5, 2, "drop", 0, 0), ValueError, "world_size must be at least 1"),
    ],
)
def test_arguments(arguments, kind, said):
    with pytest.raises(kind, match=said):
        Schedule(*arguments)


def test_no_such_step():
    schedule = Schedule(10, 4)
    for step, start in (3, 0), (-1, 0), (1, 6), (0, 10):
        with pytest.raises(IndexError, match=f"step {step} is out of range"):
            schedule.share(step, start)
    with pytest.raises(ValueError, match="start must be less than 11, not 11"):
        schedule.steps_from(11)
    assert len(Schedule(0, 4, "pad")) == len(Schedule(3, 4, "drop")) == 0


def test_pickle():
    schedule = Schedule(100, 7, "pad", 2, 3)
    again = pickle.loads(pickle.dumps(schedule))
    assert repr(again) == repr(schedule) == "Schedule(100, 7, 'pad', rank=2, world_size=3)"
    assert again.share(14).tolist() == schedule.share(14).tolist()
