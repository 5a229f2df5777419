# SPDX-License-Identifier: Apache-2.0
"""splitmix64, the numbers of perm v1 (docs/perm-v1.md): keys, and numbers at random by position."""

import numpy

STEP = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MASK = (1 << 64) - 1


def mix(state):
    """The first number of a state: of an int, an int."""
    z = (state + STEP) & MASK
    z = (z ^ (z >> 30)) * FIRST & MASK
    z = (z ^ (z >> 27)) * SECOND & MASK
    return z ^ (z >> 31)


def key(name, *numbers):
    """One number for a use, whose name has 8 ASCII letters at most, and some 64-bit numbers."""
    state = mix(int.from_bytes(name.encode(), "little"))
    for number in numbers:
        state = mix(state ^ number)
    return state


def numbers_at(state, positions):
    """The numbers at any positions (an int64 array) of a state's stream: a uint64 array."""
    z = (positions.astype(numpy.uint64) + numpy.uint64(1)) * numpy.uint64(STEP)
    z += numpy.uint64(state)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(FIRST)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(SECOND)
    return z ^ (z >> numpy.uint64(31))
