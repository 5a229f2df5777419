/* Decimals, dates and times as text. See cell.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strtod_l */
#include "loader/cell/cell.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, DAY = 86400 };

/* 0000-01-01 and 9999-12-31, in days since 1970-01-01. */
enum { FIRST_DAY = -719528, LAST_DAY = 2932896 };

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

void fl_cell_seconds(int64_t count, int64_t per_second, int64_t *seconds, uint32_t *nanoseconds)
{
    *seconds = floor_divide(count, per_second);
    count %= per_second;
    *nanoseconds = (uint32_t)((count < 0 ? count + per_second : count) * (1000000000 / per_second));
}

int64_t fl_cell_days(const struct fl_cell *cell)
{
    int64_t unit = cell->type->per_second;
    return unit ? floor_divide(cell->integer, unit * DAY) : cell->integer;
}

/* The days since 1970-01-01 in the Gregorian calendar; false: no year of four digits. */
static bool put_date(int64_t days, char *text)
{
    int64_t era, year;
    unsigned of_era, year_of_era, day, month;
    if (days < FIRST_DAY || days > LAST_DAY)
        return false;
    days += 719468; /* since 0000-03-01: the leap day comes last */
    era = floor_divide(days, 146097);
    of_era = (unsigned)(days - era * 146097);
    year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    day = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month += month < 10 ? 3 : (unsigned)-9;
    year = era * 400 + year_of_era + (month <= 2);
    snprintf(text, FL_CELL_TEXT_MOST, "%04d-%02u-%02u", (int)year, month, day + 1);
    return true;
}

static size_t put_clock(int64_t seconds, uint32_t nanoseconds, char *text)
{
    int length = snprintf(text, 40, "%02d:%02d:%02d", (int)(seconds / 3600 % 1000000),
                          (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (nanoseconds) {
        length += snprintf(text + length, 16, ".%09u", nanoseconds);
        while (text[length - 1] == '0')
            text[--length] = '\0';
    }
    return (size_t)length;
}

static size_t put_stamp(const struct fl_cell *cell, char *text)
{
    int64_t seconds, days;
    uint32_t nanoseconds;
    fl_cell_seconds(cell->integer, cell->type->per_second, &seconds, &nanoseconds);
    days = floor_divide(seconds, DAY);
    if (!put_date(days, text))
        return (size_t)sprintf(text, days < 0 ? "-infinity" : "infinity");
    text[10] = ' ';
    return 11 + put_clock(seconds - days * DAY, nanoseconds, text + 11);
}

static size_t put_time(const struct fl_cell *cell, char *text)
{
    int64_t seconds;
    uint32_t nanoseconds;
    fl_cell_seconds(cell->integer, cell->type->per_second, &seconds, &nanoseconds);
    if (seconds < 0)
        return (size_t)sprintf(text, "-infinity");
    return put_clock(seconds, nanoseconds, text);
}

/* Divides by ten; the remainder. */
static unsigned divide(uint32_t *words, int *count)
{
    uint64_t rest = 0;
    for (int i = *count; i-- > 0;) {
        rest = rest << 32 | words[i];
        words[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
    while (*count && !words[*count - 1])
        --*count;
    return (unsigned)rest;
}

/* The digits, last first; returns their count. */
static int decimal_digits(const struct fl_cell *cell, char *digits, bool *negative)
{
    uint32_t words[WORDS] = {0};
    int count = (int)cell->length / 4, total = 0;
    memcpy(words, cell->bytes, cell->length);
    *negative = words[count - 1] >> 31;
    if (*negative) {
        uint64_t carry = 1;
        for (int i = 0; i < count; i++) {
            carry += (uint32_t)~words[i];
            words[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    while (count && !words[count - 1])
        count--;
    while (count)
        digits[total++] = (char)('0' + divide(words, &count));
    return total;
}

static size_t put_decimal(const struct fl_cell *cell, char *text)
{
    enum { DIGITS = 80 };
    char digits[DIGITS];
    bool negative;
    int scale = cell->type->scale, total = decimal_digits(cell, digits, &negative);
    char *at = text;
    if (negative)
        *at++ = '-';
    if (scale < 0 || scale > 77) { /* no plain form that fits */
        if (!total)
            digits[total++] = '0';
        while (total)
            *at++ = digits[--total];
        return (size_t)(at - text) + (size_t)sprintf(at, "e%d", -scale);
    }
    while (total <= scale)
        digits[total++] = '0';
    while (total) {
        if (total == scale)
            *at++ = '.';
        *at++ = digits[--total];
    }
    *at = '\0';
    return (size_t)(at - text);
}

size_t fl_cell_text(const struct fl_cell *cell, char text[FL_CELL_TEXT_MOST])
{
    int64_t days;
    switch (cell->type->meaning) {
    case FL_DECIMAL:
        return put_decimal(cell, text);
    case FL_STAMP:
        return put_stamp(cell, text);
    case FL_TIME:
        return put_time(cell, text);
    case FL_DATE:
        days = fl_cell_days(cell);
        if (!put_date(days, text))
            return (size_t)sprintf(text, days < 0 ? "-infinity" : "infinity");
        return 10;
    default:
        text[0] = '\0';
        return 0;
    }
}

struct fl_cell_span fl_cell_span(const struct fl_type *type)
{
    switch (type->meaning) {
    case FL_DATE:
        return (struct fl_cell_span){FIRST_DAY, LAST_DAY};
    case FL_STAMP:
        return (struct fl_cell_span){(__int128)FIRST_DAY * DAY * type->per_second,
                                     ((__int128)LAST_DAY + 1) * DAY * type->per_second - 1};
    default:
        return (struct fl_cell_span){0, INT64_MAX};
    }
}

double fl_cell_decimal(const struct fl_cell *cell)
{
    char text[FL_CELL_TEXT_MOST];
    put_decimal(cell, text);
    return strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
}
