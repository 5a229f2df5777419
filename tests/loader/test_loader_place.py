"""The Loader's place: resume, skip, tokens. SPDX-License-Identifier: Apache-2.0"""

import itertools
import pickle

import pyarrow
import pytest
from loaders import ROWS, flat, ids_of, table
from small_loaders import EITHER

from forkpolicy.loader import Loader, Token

pytestmark = pytest.mark.timeout(180)


# Its place


@EITHER
def test_resume_at_any_step(workers):
    loader = Loader(table(), 10, shuffle=True, workers=workers)
    epochs = [ids_of(loader), ids_of(loader)]
    for stop in range(0, 12, 1 if not workers else 3):
        loader.set_epoch(0)
        found, iteration = [], iter(loader)
        found += ids_of(itertools.islice(iteration, stop))
        state = loader.state_dict()
        assert len(state["token"]) <= 64 and state == pickle.loads(pickle.dumps(state))
        other = Loader(table(), 10, shuffle=True, workers=workers)
        other.load_state_dict(state)
        assert str(other.token()) == state["token"]
        if stop < 11:
            assert found + ids_of(other) == epochs[0]
        assert other.epoch == 1 and ids_of(other) == epochs[1]


def test_epochs():
    loader = Loader(table(), 10, shuffle=True, epoch=3)
    assert loader.epoch == 3
    third = ids_of(loader)
    fourth = ids_of(loader)
    assert loader.epoch == 5
    loader.set_epoch(4)
    assert loader.epoch == 4 and ids_of(loader) == fourth
    loader.set_epoch(3)
    assert ids_of(loader) == third


def test_break_and_begin_again():
    loader = Loader(table(), 10, shuffle=True)
    for step, batch in enumerate(loader):
        if step == 4:
            break
    assert loader.epoch == 0 and loader.token().units == 50
    first = ids_of(loader)
    assert sorted(flat(first)) == list(range(ROWS)) and loader.epoch == 1
    for _ in loader:
        break
    loader.resume(loader.token())
    rest = ids_of(loader)
    loader.set_epoch(1)
    assert ids_of(loader)[1:] == rest


def test_the_last_batch_ends_the_epoch():
    """Who saves the token within the last step goes on with the next epoch."""
    loader = Loader(table(), 10)
    tokens = [str(loader.token()) for _ in loader]
    assert tokens[-1].startswith("fl1:1:0:") and tokens[-2].startswith("fl1:0:100:")


def test_skip():
    loader = Loader(table(), 10, shuffle=True)
    every = ids_of(loader)
    loader.set_epoch(0)
    loader.skip(3)
    loader.skip(2)
    assert loader.token().units == 50 and ids_of(loader) == every[5:]
    loader.set_epoch(0)
    loader.skip(100)
    assert loader.epoch == 1 and loader.token().units == 0
    dropping = Loader(table(), 10, drop_last=True)
    dropping.skip(10)
    assert dropping.epoch == 1


def test_two_iterations_at_once():
    for workers in 0, 2:
        loader = Loader(table(), 10, shuffle=True, workers=workers)
        expected = ids_of(loader)
        loader.set_epoch(0)
        pairs = list(zip(iter(loader), iter(loader)))
        assert ids_of(a for a, _ in pairs) == ids_of(b for _, b in pairs) == expected


@EITHER
def test_an_iteration_ends_once(workers):
    loader = Loader(table(), 50, workers=workers)
    iteration = iter(loader)
    assert len(iteration) == len(list(iteration)) == 3
    assert next(iteration, None) is None
    iteration = iter(loader)
    next(iteration)
    iteration.close()
    iteration.close()
    assert next(iteration, None) is None


def test_another_batch_size_on_resume():
    loader = Loader(table(), 10, shuffle=True)
    every = flat(ids_of(loader))
    loader.set_epoch(0)
    next(iter(loader))
    other = Loader(table(), 7, shuffle=True, workers=2)
    other.resume(str(loader.token()))
    assert flat(ids_of(other)) == every[10:]


def refused(loader, token):
    with pytest.raises(ValueError) as raised:
        loader.resume(token)
    return str(raised.value)


def test_foreign_tokens():
    loader = Loader(table(), 10, shuffle=True)
    token = loader.token()
    source, order = "its rows, columns or values differ", "its seed, shuffle"
    units = "its packing or mixture"
    said = refused(Loader(table(), 10, shuffle=True, seed=1), token)
    assert order in said and source not in said and units not in said
    assert source in refused(Loader(table(), 10, shuffle=True, columns=["id"]), token)
    assert source in refused(Loader(table(104), 10, shuffle=True), token)
    assert order in refused(Loader(table(), 10), token)
    documents = pyarrow.table({"t": [[1, 2, 3]] * 10})
    packed = Loader(documents, 1, pack_sequences="t", sequence_length=4)
    said = refused(Loader(documents, 1, pack_sequences="t", sequence_length=5), packed.token())
    assert units in said and source not in said and order not in said


def test_edited_tokens():
    loader = Loader(table(), 10, shuffle=True)
    token = loader.token()
    loader.resume(f"fl1:2:20:{token.fingerprint}")
    assert (loader.epoch, len(iter(loader))) == (2, 9)
    loader.resume(token.skip(7))
    assert len(flat(ids_of(loader))) == ROWS - 7
    loader.resume(Token(2**63, ROWS - 1, token.fingerprint))
    assert loader.epoch == 2**63 and len(flat(ids_of(loader))) == 1
    assert "unit 104 of an epoch of 103" in refused(loader, token.skip(104))
    assert "of version fl2" in refused(loader, str(token).replace("fl1", "fl2"))
    assert "fingerprint" in refused(loader, str(token)[:-1])
    assert "whole number" in refused(loader, f"fl1:-1:0:{token.fingerprint}")
    with pytest.raises(TypeError, match="a token is a str, not bytes"):
        loader.resume(str(token).encode())
    with pytest.raises(KeyError, match="token"):
        loader.load_state_dict({})
