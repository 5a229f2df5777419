"""Resume tokens. SPDX-License-Identifier: Apache-2.0"""

import copy
import json
import pickle
import random
import re
import sys
from pathlib import Path

import numpy
import pyarrow
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "python"))

from forkpolicy.loader import Permutation, Token, fingerprint, permutation_builder  # noqa: E402
from forkpolicy.loader.token import probe  # noqa: E402

TEXT = "fl1:3:1024000:9f3c6a-1b2c3d-4e5f6a"
PRINT = "9f3c6a-1b2c3d-4e5f6a"


def test_text():
    token = Token.parse(TEXT)
    assert (token.epoch, token.units, token.fingerprint) == (3, 1024000, PRINT)
    assert str(token) == TEXT and Token(3, 1024000, PRINT) == token and hash(token) is not None
    assert eval(repr(token)) == token


def test_round_trips():
    chance = random.Random(1)
    for _ in range(2000):
        epoch, units = (chance.choice([0, 1, 1 << 63, chance.getrandbits(63)]) for _ in range(2))
        of = fingerprint(chance.random(), {"seed": chance.random()}, None)
        token = Token(epoch, units, of)
        assert len(str(token)) <= 64 and str(token).isascii()
        for again in (
            Token.parse(str(token)),
            Token.parse(f" {token}\n"),
            pickle.loads(pickle.dumps(token)),
            copy.deepcopy(token),
        ):
            assert again == token and (again.epoch, again.units) == (epoch, units)
    assert len(str(Token(1 << 63, 1 << 63, PRINT))) == 64


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "'' is no token: it must begin with fl1:, the version"),
        ("hello", "'hello' is no token: it must begin with fl1:"),
        ("3:1024000:" + PRINT, "it must begin with fl1:"),
        ("fl2:3:0:" + PRINT, "the token is of version fl2; this release reads fl1"),
        ("fl12:more:of:what:we:know", "the token is of version fl12; this release reads fl1"),
        ("fl1:3:1024000", "it has 3 fields, not the 4 of version:epoch:units:fingerprint"),
        (TEXT + ":1", "it has 5 fields"),
        ("fl1:x:1:" + PRINT, "epoch 'x', from character 5 on, must be a whole number"),
        ("fl1::1:" + PRINT, "epoch '', from character 5 on, must be a whole number"),
        ("fl1:33:-1:" + PRINT, "units '-1', from character 8 on, must be a whole number"),
        ("fl1:3:1_0:" + PRINT, "units '1_0', from character 7 on, must be a whole number"),
        ("fl1:3:\u0661:" + PRINT, "from character 7 on, must be a whole number"),
        (f"fl1:3:{(1 << 63) + 1}:{PRINT}", "from character 7 on, must be 2^63 at most"),
        (f"fl1:{'9' * 5000}:0:{PRINT}", "from character 5 on, must be 2^63 at most"),
        ("fl1:3:10:" + PRINT[:-1], "fingerprint '9f3c6a-1b2c3d-4e5f6', from character 10 on, must"),
        ("fl1:3:10:" + PRINT.upper(), "from character 10 on, must be three times six"),
    ],
)
def test_no_token(text, said):
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        Token.parse(text)
    assert len(str(caught.value)) < 300


def test_any_change_is_read_or_refused():
    chance = random.Random(2)
    for _ in range(3000):
        text = list(TEXT)
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = chance.choice("0123456789abcdefz:-+ \u00e9")
        text = "".join(text)
        try:
            token = Token.parse(text)
        except ValueError:
            continue
        assert str(token) == re.sub(r":0+(?=\d)", ":", text.strip())


def test_arguments():
    with pytest.raises(TypeError, match="a token is a str, not bytes"):
        Token.parse(TEXT.encode())
    for arguments, said in [
        ((-1, 0, PRINT), "epoch must be at least 0"),
        ((0, (1 << 63) + 1, PRINT), "units must be less than"),
        ((0, 0, "abc"), "fingerprint must be three times six hexadecimal digits"),
        ((0, 0, None), "fingerprint must be three times six hexadecimal digits"),
    ]:
        with pytest.raises(ValueError, match=said):
            Token(*arguments)
    with pytest.raises(AttributeError, match="never changes"):
        Token.parse(TEXT).units = 3


def test_skip():
    token = Token.parse(TEXT)
    assert str(token.skip(1024)) == TEXT.replace("1024000", "1025024") and token.units == 1024000
    assert token.skip(0) == token != token.skip(1)
    with pytest.raises(ValueError, match="units must be at least 0, not -1"):
        token.skip(-1)
    with pytest.raises(ValueError, match="units must be less than"):
        token.skip(1 << 63)


DESCRIBED = {
    "source": {"rows": 1000, "columns": {"id": "int64", "text": "string"}},
    "order": {"seed": 1, "shuffle": [2, 1], "split": None},
    "units": {"length": 2048, "eos": 0.5},
}
DIFFER = {
    "source": "of another source: its rows, columns or values differ",
    "order": "of another order: its seed, shuffle, split, weights or locality differ",
    "units": "of another making of units: its packing or mixture differs",
}


def test_a_foreign_token_is_refused_with_the_reason():
    mine = fingerprint(**DESCRIBED)
    token = Token(0, 0, mine)
    token.check(mine)
    for mask in range(1, 8):
        changed = [name for place, name in enumerate(DESCRIBED) if mask >> place & 1]
        other = {
            name: {**part, "more": 1} if name in changed else part
            for name, part in DESCRIBED.items()
        }
        said = "the token is " + "; ".join(DIFFER[name] for name in changed)
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            token.check(fingerprint(**other))


def test_fingerprints():
    assert fingerprint(1, 2, 3) == "00997c-98fbb7-7967f2"  # the same in every release
    assert fingerprint(**DESCRIBED) == fingerprint(**json.loads(json.dumps(DESCRIBED)))
    turned = {"columns": DESCRIBED["source"]["columns"], "rows": 1000}
    assert fingerprint(turned, 0, 0) == fingerprint(DESCRIBED["source"], 0, 0)
    assert len(set(fingerprint(1, 1, 1).split("-"))) == 3
    parts = {fingerprint(i, 0, 0) for i in range(1000)}
    assert len(parts) == 1000
    with pytest.raises(TypeError, match="the description of order: .*ndarray"):
        fingerprint(1, numpy.arange(3), 2)
    with pytest.raises(ValueError, match="the description of units: "):
        fingerprint(1, 2, float("nan"))


def test_probes_tell_orders_apart():
    table = pyarrow.table({"id": range(3000)})
    whole = Permutation.identity(table)
    orders = [whole.shuffle(seed) for seed in range(20)] + [whole, whole.with_take(2000)]
    orders += [whole.shuffle(1, **how) for how in ({"clump_size": 3}, {"shard": 30, "window": 300})]
    orders += [whole.weighted("id", seed=seed) for seed in (1, 2)]
    orders += [whole.weighted(numpy.ones(3000), seed=1), whole.with_repeat(2)]
    for split in range(2):
        made = permutation_builder(table).split_random(ratios=[0.5, 0.5], seed=1).execute()
        orders.append(Permutation.from_tables(table, made, split))
    prints = {fingerprint(0, probe(order._rows), 0) for order in orders}
    assert len(prints) == len(orders)
    later = whole.shuffle(1)
    later.set_epoch(5)
    assert probe(later._rows) == probe(orders[1]._rows)  # of no epoch
    for few in range(3):
        assert probe(whole.with_take(few)._rows)["rows"] == few
