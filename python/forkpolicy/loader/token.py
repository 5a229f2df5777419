# SPDX-License-Identifier: Apache-2.0
"""Resume tokens: where a run is, in 64 characters at most.

    fl1:3:1024000:9f3c6a-1b2c3d-4e5f6a

is, one after the other: the version; the epoch; how many units of it are consumed; fingerprints of
the source, of the order of its rows, and of how units are made of them. Anyone may edit the epoch
and the units. Nothing in it depends on the batch, the ranks or the workers.
"""

import hashlib
import json
import re

import numpy

from ._check import whole

VERSION = "fl1"
NUMBER_END = (1 << 63) + 1  # 19 digits: the longest token has 64 characters
FIELDS = "version", "epoch", "units", "fingerprint"
FINGERPRINT = re.compile(r"[0-9a-f]{6}-[0-9a-f]{6}-[0-9a-f]{6}")
PARTS = {  # of a fingerprint: what differs, in words
    "source": "its rows, columns or values differ",
    "order": "its seed, shuffle, split, weights or locality differ",
    "units": "its packing or mixture differs",
}
PROBES = 64


def fingerprint(source, order, units):
    """The fingerprint of three descriptions: 20 characters.

    Each is of what JSON has: dicts (in any order), lists, texts, numbers, None. source: rows and
    columns; order: seed, shuffle, split, weights, locality; units: packing, mixture. Raises
    TypeError, ValueError for NaN and infinity, naming the description.
    """
    return "-".join(
        _part(name, description) for name, description in zip(PARTS, (source, order, units))
    )


def _part(name, description):
    try:
        text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"the description of {name}: {error}") from None
    return hashlib.blake2b(f"{name}:{text}".encode(), digest_size=3).hexdigest()


def probe(rows):
    """A description of the order of any rows, by what it does: how many they are and which ones are
    at 64 places of epoch 0. Another seed, split, weight or locality gives other ones."""
    rows = rows.with_epoch(0)
    found = rows.at(numpy.array(probes(len(rows)), numpy.int64))
    return {"rows": len(rows), "probes": found.tolist()}


def probes(count):
    """64 places of so many, the first and the last among them."""
    return [place * (count - 1) // (PROBES - 1) for place in range(PROBES if count else 0)]


class Token:
    """A place in a run: `units` of the epoch are consumed. It never changes."""

    __slots__ = ("epoch", "units", "fingerprint")

    def __init__(self, epoch, units, fingerprint):
        if not isinstance(fingerprint, str) or not FINGERPRINT.fullmatch(fingerprint):
            raise ValueError(
                f"fingerprint must be three times six hexadecimal digits, as in"
                f" 9f3c6a-1b2c3d-4e5f6a, not {fingerprint!r}"
            )
        object.__setattr__(self, "epoch", whole("epoch", epoch, 0, NUMBER_END))
        object.__setattr__(self, "units", whole("units", units, 0, NUMBER_END))
        object.__setattr__(self, "fingerprint", fingerprint)

    def __setattr__(self, name, value):
        raise AttributeError(f"a Token never changes: make another one ({name})")

    def __reduce__(self):
        return Token, (self.epoch, self.units, self.fingerprint)

    def __eq__(self, other):
        return isinstance(other, Token) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def __str__(self):
        return f"{VERSION}:{self.epoch}:{self.units}:{self.fingerprint}"

    def __repr__(self):
        return f"Token.parse({str(self)!r})"

    @classmethod
    def parse(cls, text):
        """The Token that str() gave, or somebody wrote; space around it is left out.

        Raises ValueError: what is wrong, and at which character; another version.
        """
        if not isinstance(text, str):
            raise TypeError(f"a token is a str, not {type(text).__name__}")
        fields = text.strip().split(":")
        said = f"{text.strip()!r:.80} is no token: "
        if not re.fullmatch("fl[0-9]+", fields[0]):
            raise ValueError(f"{said}it must begin with {VERSION}:, the version")
        if fields[0] != VERSION:
            raise ValueError(f"the token is of version {fields[0]}; this release reads {VERSION}")
        if len(fields) != len(FIELDS):
            wanted = ":".join(FIELDS)
            raise ValueError(
                f"{said}it has {len(fields)} fields, not the {len(FIELDS)} of {wanted}"
            )
        place = len(VERSION) + 2
        for name, field in zip(FIELDS[1:3], fields[1:3]):
            at = f"{name} {field!r:.40}, from character {place} on,"
            if not re.fullmatch("[0-9]+", field):
                raise ValueError(f"{said}{at} must be a whole number")
            if len(field.lstrip("0")) > 19 or int(field) >= NUMBER_END:
                raise ValueError(f"{said}{at} must be 2^63 at most")
            place += len(field) + 1
        if not FINGERPRINT.fullmatch(fields[3]):
            raise ValueError(
                f"{said}fingerprint {fields[3]!r:.40}, from character {place} on, must be three"
                " times six hexadecimal digits with a - between them"
            )
        return cls(int(fields[1]), int(fields[2]), fields[3])

    def skip(self, units):
        """The token of so many units later in the same epoch."""
        return Token(self.epoch, self.units + whole("units", units), self.fingerprint)

    def check(self, fingerprint):
        """ValueError, naming what differs, where the token is not of this fingerprint's run."""
        mine, theirs = self.fingerprint.split("-"), fingerprint.split("-")
        wrong = [
            f"of another {'making of units' if name == 'units' else name}: {differ}"
            for (name, differ), here, there in zip(PARTS.items(), mine, theirs)
            if here != there
        ]
        if wrong:
            raise ValueError(f"the token is {'; '.join(wrong)}")
