# SPDX-License-Identifier: Apache-2.0
"""Functions of texts. Capitals are those of the 26 letters, lengths count characters."""

import hashlib

import pyarrow
import pyarrow.compute as compute

from .values import BYTES, INT, NULL, TEXT, NotHere, Value, condition, literal_of
from .values import null_condition, nothing, rows_only


def _needs_text(*values):
    for value in values:
        if value.kind != TEXT:
            raise NotHere(f"text is needed, and this is {value.kind}")


def mapped(function, value, kind=TEXT, arrow=None, **options):
    """A function of one text."""
    if value.kind == NULL:
        return nothing()
    _needs_text(value)
    get = value.get
    return Value(
        kind, lambda columns: function(get(columns), **options), arrow or value.arrow
    )


def tested(function, value, **options):
    """A condition on one text."""
    if value.kind == NULL:
        return null_condition()
    _needs_text(value)
    get = value.get
    return condition(lambda columns: function(get(columns), **options))


def like(value, pattern, escape, ignore_case):
    """LIKE, in which pyarrow's own escape is a backslash."""
    pattern = literal_of(pattern, TEXT, "a pattern")
    made, characters = "", iter(pattern)
    for character in characters:
        if character == escape:
            character = next(characters, None)
            if character is None or character not in ("%", "_", escape):
                raise NotHere("an escape of nothing")
            made += f"\\{character}" if character in "%_\\" else character
        else:
            made += "\\\\" if character == "\\" else character
    if ignore_case:
        value, made = mapped(compute.ascii_lower, value), _ascii_lower(made)
    return tested(compute.match_like, value, pattern=made)


def _ascii_lower(text):
    return "".join(character.lower() if character.isascii() else character for character in text)


def pattern_of(value, flags=None):
    """The options of a regular expression (RE2, as pyarrow's and LanceDB's are by origin)."""
    flags = "" if flags is None else literal_of(flags, TEXT, "flags")
    if set(flags) - {"i"}:
        raise NotHere(f"the flags {flags} of a regular expression")
    return {"pattern": literal_of(value, TEXT, "a pattern"), "ignore_case": "i" in flags}


def matches(value, pattern, flags=None):
    return tested(compute.match_substring_regex, value, **pattern_of(pattern, flags))


def replaced_by_pattern(value, pattern, replacement, flags=None):
    flags = "" if flags is None else literal_of(flags, TEXT, "flags")
    new = literal_of(replacement, TEXT, "a replacement")
    if set(flags) - {"g"} or "\\" in new or "$" in new:
        raise NotHere("groups in a replacement")
    options = {"pattern": literal_of(pattern, TEXT, "a pattern"), "replacement": new}
    if "g" not in flags:
        options["max_replacements"] = 1
    return mapped(compute.replace_substring_regex, value, **options)


def contains(value, part, function=compute.match_substring):
    return tested(function, value, pattern=literal_of(part, TEXT, "a text to look for"))


def replaced(value, old, new):
    old = literal_of(old, TEXT, "a text to replace")
    if not old:
        raise NotHere("a replacement of nothing")
    new = literal_of(new, TEXT, "a replacement")
    return mapped(compute.replace_substring, value, pattern=old, replacement=new)


def trimmed(value, characters, where):
    function = {
        "LEADING": compute.utf8_ltrim, "TRAILING": compute.utf8_rtrim,
    }.get(where, compute.utf8_trim)  # fmt: skip
    wanted = " " if characters is None else literal_of(characters, TEXT, "characters")
    return mapped(function, value, characters=wanted)


def part_of(value, start, length=None):
    start = literal_of(start, INT, "a place")
    if start < 1:
        raise NotHere("a place before the first character")
    options = {"start": start - 1}
    if length is not None:
        length = literal_of(length, INT, "a length")
        if length < 0:
            raise NotHere("a negative length")
        options["stop"] = start - 1 + length
    return mapped(compute.utf8_slice_codeunits, value, **options)


def length(value):
    if value.kind == BYTES:
        get = value.get
        return Value(
            INT, lambda columns: compute.cast(compute.binary_length(get(columns)), pyarrow.int64()),
            pyarrow.int64(),
        )  # fmt: skip
    made = mapped(compute.utf8_length, value, INT, pyarrow.int32())
    return made


def place_of(value, part):
    """The place, from 1 on, of the first character; 0: it is not there."""
    part = literal_of(part, TEXT, "a text to look for")
    if not part:
        raise NotHere("the place of nothing")

    def place(found):
        rows_only(found)
        split = compute.split_pattern(found, part, max_splits=1)
        before = compute.utf8_length(compute.list_element(split, 0))
        is_there = compute.match_substring(found, part)
        return compute.if_else(is_there, compute.add(before, 1), 0).cast(pyarrow.int64())

    return mapped(place, value, INT, pyarrow.int64())


def split_part(value, delimiter, number):
    delimiter = literal_of(delimiter, TEXT, "a delimiter")
    number = literal_of(number, INT, "a number")
    if not delimiter or not 1 <= number <= 1000:
        raise NotHere("a part of that number")

    def part(found):
        """With so many more delimiters behind it each text has as many parts."""
        rows_only(found)
        more = compute.binary_join_element_wise(found, delimiter * (number - 1), "")
        return compute.list_element(compute.split_pattern(more, delimiter), number - 1)

    return mapped(part, value)


def joined(values, skip_nulls):
    """CONCAT, which leaves NULL out, and ||, which does not. Integers become texts."""
    if NULL in {value.kind for value in values} and not skip_nulls:
        return nothing()
    getters = [as_text(value).get for value in values if value.kind != NULL]
    handling = "skip" if skip_nulls else "emit_null"

    def get(columns):
        found = [getter(columns) for getter in getters]
        kinds = {one.type for one in found if hasattr(one, "type")}
        if len(kinds) > 1:
            found = [one.cast(pyarrow.large_string()) for one in found]
        return compute.binary_join_element_wise(*found, "", null_handling=handling)

    return Value(TEXT, get)


def as_text(value):
    if value.kind == TEXT:
        return value
    if value.kind != INT:
        raise NotHere(f"{value.kind} as text")
    get = value.as_int().get
    return Value(TEXT, lambda columns: compute.cast(get(columns), pyarrow.string()), pyarrow.string())


def digest(name, value):
    """Of the bytes of each text, in hexadecimal digits."""

    def digests(found):
        rows_only(found)
        texts = found.to_pylist() if isinstance(found, pyarrow.Array) else [found.as_py()]
        made = [
            None if text is None else hashlib.new(name, text.encode()).hexdigest() for text in texts
        ]
        return pyarrow.array(made, pyarrow.string())

    return mapped(digests, value, arrow=pyarrow.string())
