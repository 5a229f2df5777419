# SPDX-License-Identifier: Apache-2.0
"""Arguments: each error names the one that is wrong."""

import operator
import os

WORD_END = 1 << 64


def whole(name, value, least=0, end=WORD_END):
    """An int in [least, end)."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}") from None
    if not least <= number < end:
        wanted = f"at least {least}" if number < least else f"less than {end}"
        raise ValueError(f"{name} must be {wanted}, not {number}")
    return number


def seed_of(value):
    """The seed given, or one of the system's entropy."""
    return int.from_bytes(os.urandom(8), "little") if value is None else whole("seed", value)


def clump_of(value):
    return 1 if value is None else whole("clump_size", value, 1)


def texts(name, value):
    """A list of strings, not one string."""
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a list of strings")
    return list(value)


def names_of(value, count=None):
    """split_names: None, or as many different ones as there are splits."""
    if value is None:
        return None
    names = texts("split_names", value)
    if len(set(names)) != len(names):
        raise ValueError(f"split_names has a name twice: {names}")
    if count is not None and len(names) != count:
        raise ValueError(
            f"split_names must be as many as there are splits: {len(names)} of {count}"
        )
    return names


def exactly_one(ratios, counts, fixed):
    """("ratios", [...]), ("counts", [...]) or ("fixed", number)."""
    given = {"ratios": ratios, "counts": counts, "fixed": fixed}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise ValueError("Exactly one of 'ratios', 'counts', or 'fixed' must be provided")
    ((name, value),) = given.items()
    if name == "fixed":
        return name, whole(name, value, 1)
    value = [float(item) for item in value] if name == "ratios" else [
        whole(name, item) for item in value
    ]  # fmt: skip
    if not value:
        raise ValueError(f"{name} must not be empty")
    return name, value


def weights_of(split_weights, discard_weight):
    if discard_weight is None:
        raise ValueError("discard_weight must be an int, 0 to discard nothing, not None")
    weights = [whole("split_weights", item) for item in split_weights]
    if not weights:
        raise ValueError("split_weights: Hash strategy requires at least one split weight")
    if 0 in weights:
        raise ValueError("split_weights: Split weights must be greater than 0")
    return weights, whole("discard_weight", discard_weight)


def columns_of(columns):
    columns = texts("columns", columns)
    if not columns:
        raise ValueError("columns: Hash strategy requires at least one column")
    return columns
