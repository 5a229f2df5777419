# SPDX-License-Identifier: Apache-2.0
"""Functions by the names that SQL has for them."""

import pyarrow.compute as compute

from . import choice, lists, texts, times
from .arithmetic import absolute, negated, of_real
from .values import INT, NULL, REAL, STAMP, TEXT, NotHere, Value, condition, literal_of
from .values import null_condition, rows_only


def _real(function):
    return lambda *values: of_real(function, *values)


def _rounded(value, digits=None):
    if digits is not None and literal_of(digits, INT, "digits") != 0:
        raise NotHere("digits of ROUND")
    if value.kind == NULL:
        return value
    return of_real(lambda found: compute.round(found, round_mode="half_towards_infinity"), value)


def _is_nan(value):
    if value.kind == NULL:
        return null_condition()
    if value.kind not in (INT, REAL):
        raise NotHere("isnan of no number")
    get = value.as_real(exactly=False).get

    def is_nan(columns):
        found = get(columns)
        rows_only(found)
        return compute.is_nan(found)

    return condition(is_nan)


def _left(value, count):
    return texts.part_of(value, Value(INT, None, literal=1), count)


def _part(name):
    return lambda value: times.part(name, value)


def _date_part(name, value):
    return times.part(literal_of(name, TEXT, "a part of a time"), value)


def _date_trunc(name, value):
    return times.truncated(literal_of(name, TEXT, "a part of a time"), value)


def _to_timestamp(value):
    return times.read(literal_of(value, TEXT, "a timestamp"), STAMP)


def _has(value, *options):
    return lists.contains(value, _options(options))


def _has_all(value, *options):
    return lists.contains(value, _options(options), all_of_them=True)


def _options(values):
    return [one for value in values for one in (value.literal if value.kind == "ARRAY" else [value])]


def _element(value, place):
    number = literal_of(place, INT, "a place in a list")
    return lists.element(value, Value(INT, None, literal=number - 1))


CALLS = {
    "abs": absolute,
    "sqrt": _real(compute.sqrt),
    "exp": _real(compute.exp),
    "ln": _real(compute.ln),
    "log10": _real(compute.log10),
    "log2": _real(compute.log2),
    "sign": _real(compute.sign),
    "sin": _real(compute.sin),
    "cos": _real(compute.cos),
    "tan": _real(compute.tan),
    "trunc": _real(compute.trunc),
    "floor": _real(compute.floor),
    "ceil": _real(compute.ceil),
    "power": _real(compute.power),
    "pow": _real(compute.power),
    "negative": negated,
    "round": _rounded,
    "isnan": _is_nan,
    "length": texts.length,
    "char_length": texts.length,
    "character_length": texts.length,
    "lower": lambda value: texts.mapped(compute.ascii_lower, value),
    "upper": lambda value: texts.mapped(compute.ascii_upper, value),
    "reverse": lambda value: texts.mapped(compute.utf8_reverse, value),
    "starts_with": lambda value, part: texts.contains(value, part, compute.starts_with),
    "ends_with": lambda value, part: texts.contains(value, part, compute.ends_with),
    "contains": texts.contains,
    "regexp_like": texts.matches,
    "regexp_match": texts.matches,  # a condition, as in LanceDB
    "regexp_replace": texts.replaced_by_pattern,
    "replace": texts.replaced,
    "strpos": texts.place_of,
    "instr": texts.place_of,
    "btrim": lambda value, characters=None: texts.trimmed(value, characters, "BOTH"),
    "substr": texts.part_of,
    "left": _left,
    "split_part": texts.split_part,
    "concat": lambda *values: texts.joined(values, skip_nulls=True),
    "md5": lambda value: texts.digest("md5", value),
    "sha1": lambda value: texts.digest("sha1", value),
    "sha256": lambda value: texts.digest("sha256", value),
    "coalesce": choice.coalesce,
    "nullif": choice.nullif,
    "greatest": lambda *values: choice.extreme("ge", values),
    "least": lambda *values: choice.extreme("le", values),
    "date_part": _date_part,
    "date_trunc": _date_trunc,
    "to_timestamp": _to_timestamp,
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "array_has": _has,
    "array_contains": _has,
    "list_contains": _has,
    "array_has_any": _has,
    "array_has_all": _has_all,
    "array_length": lists.length,
    "cardinality": lists.length,
    "array_element": _element,
}
