# SPDX-License-Identifier: Apache-2.0
"""Dates, timestamps and times in SQL: literals, parts, intervals."""

import re
from datetime import date
from fractions import Fraction

import pyarrow
import pyarrow.compute as compute

from .values import DATE, INT, STAMP, TIME, NotHere, Value, moment, rows_only

DAY = 86400
CLOCK = r"(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?"
MOMENT = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:[ T]{CLOCK}(Z|[+-]\d\d(?::?\d\d)?)?)?")
FIXED = {
    "microsecond": Fraction(1, 10**6), "millisecond": Fraction(1, 1000), "second": 1,
    "minute": 60, "hour": 3600, "day": DAY, "week": 7 * DAY,
}  # fmt: skip
PARTS = {
    "year": compute.year, "month": compute.month, "day": compute.day, "hour": compute.hour,
    "minute": compute.minute, "second": compute.second, "quarter": compute.quarter,
    "week": compute.iso_week, "doy": compute.day_of_year, "dayofyear": compute.day_of_year,
}  # fmt: skip
TRUNCATED = {"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"}


def read(text, kind):
    """The literal that a text is; NotHere for a text that is none."""
    if kind == TIME:
        found = re.fullmatch(CLOCK, text)
        if found:
            return moment(_clock(*found.groups()), TIME)
    else:
        found = MOMENT.fullmatch(text)
        if found and (kind == STAMP or found.group(4) is None):
            try:
                day = date(*map(int, found.groups()[:3]))
            except ValueError:
                raise NotHere(f"`{text}` is no date") from None
            seconds = (day - date(1970, 1, 1)).days * DAY
            if found.group(4) is not None:
                seconds += _clock(*found.groups()[3:7]) - _offset(found.group(8))
            return moment(seconds, kind)
    raise NotHere(f"`{text}` is no {kind.lower()}")


def has_clock(text):
    found = MOMENT.fullmatch(text)
    return found is not None and found.group(4) is not None


def _clock(hours, minutes, seconds, fraction):
    hours, minutes, seconds = int(hours), int(minutes), int(seconds or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise NotHere("no time of a day")
    return hours * 3600 + minutes * 60 + seconds + Fraction(f"0{fraction or ''}")


def _offset(text):
    if text is None or text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds


def part(name, value):
    """EXTRACT(name FROM value)"""
    name = name.lower().rstrip("s") if name.lower().rstrip("s") in PARTS else name.lower()
    if value.kind not in (DATE, STAMP, TIME):
        raise NotHere(f"a part of {value.kind}")
    get = in_utc(value)
    if name in ("dow", "dayofweek"):
        options = {"count_from_zero": True, "week_start": 7}
        return Value(INT, lambda columns: compute.day_of_week(get(columns), **options))
    if name not in PARTS:
        raise NotHere(f"the part {name} of a time")
    return Value(INT, lambda columns: compute.cast(PARTS[name](get(columns)), pyarrow.int64()),
                 pyarrow.int64())  # fmt: skip


def truncated(name, value):
    """DATE_TRUNC(name, value)"""
    name = name.lower()
    if value.kind not in (DATE, STAMP) or value.is_literal or name not in TRUNCATED:
        raise NotHere(f"date_trunc of {value.kind} to {name}")
    get = in_utc(value)

    def floor(columns):
        found = get(columns)
        rows_only(found)
        return compute.floor_temporal(found, unit=name)

    zoneless = pyarrow.timestamp(value.arrow.unit) if value.kind == STAMP else value.arrow
    return Value(value.kind, floor, zoneless)


def shifted(value, count, unit, sign):
    """value + INTERVAL 'count unit'"""
    unit = unit.lower().rstrip("s")
    if unit not in FIXED or value.kind not in (DATE, STAMP):
        raise NotHere(f"an interval of {unit}")
    seconds = sign * Fraction(count) * FIXED[unit]
    if value.is_literal:
        return moment(value.literal + seconds, STAMP)
    precise = value.kind == STAMP and value.arrow.unit in ("us", "ns")
    kind = pyarrow.timestamp(value.arrow.unit if precise else "us")
    step = seconds * (10**9 if kind.unit == "ns" else 10**6)
    if step.denominator != 1:
        raise NotHere("an interval finer than the column")
    get, step = in_utc(value), pyarrow.scalar(int(step), pyarrow.duration(kind.unit))
    return Value(
        STAMP, lambda columns: compute.add_checked(compute.cast(get(columns), kind), step), kind
    )


def in_utc(value):
    """Without a time zone, whose own clock pyarrow's functions would read."""
    if value.is_literal:
        raise NotHere("a function of a literal time")
    get = value.get
    if value.kind != STAMP or value.arrow.tz is None:
        return get
    zoneless = pyarrow.timestamp(value.arrow.unit)

    def convert(columns):
        found = get(columns)
        rows_only(found)
        return found.view(zoneless)

    return convert
