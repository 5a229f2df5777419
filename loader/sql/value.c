/* See value.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strtod_l, uselocale */
#include "loader/sql/value.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char NOT_A_NUMBER[9] = {255, 255, 255, 255, 255, 255, 255, 255, 255};

struct fl_number fl_number_of_blob(const void *blob, int length)
{
    struct fl_number number = {.kind = FL_NUMBER_NONE};
    if (length == 8) {
        memcpy(&number.big, blob, 8);
        number.big = __builtin_bswap64(number.big);
        number.kind = FL_NUMBER_BIG;
    } else if (length == 9) {
        number.real = (double)NAN;
        number.kind = FL_NUMBER_REAL;
    }
    return number;
}

struct fl_number fl_number_of(const struct fl_sqlite *api, sqlite3_value *value)
{
    struct fl_number number = {.kind = FL_NUMBER_NONE};
    switch (api->value_type(value)) {
    case SQLITE_INTEGER:
        number.kind = FL_NUMBER_INT;
        number.integer = api->value_int64(value);
        break;
    case SQLITE_FLOAT:
        number.kind = FL_NUMBER_REAL;
        number.real = api->value_double(value);
        break;
    case SQLITE_BLOB:
        return fl_number_of_blob(api->value_blob(value), api->value_bytes(value));
    default:
        break;
    }
    return number;
}

double fl_number_real(const struct fl_number *number)
{
    switch (number->kind) {
    case FL_NUMBER_INT:
        return (double)number->integer;
    case FL_NUMBER_BIG:
        return (double)number->big;
    default:
        return number->real;
    }
}

static int order(bool less, bool greater)
{
    return (int)greater - (int)less;
}

static int compare_whole(const struct fl_number *a, const struct fl_number *b)
{
    if (a->kind != b->kind)
        return a->kind == FL_NUMBER_BIG ? 1 : -1;
    if (a->kind == FL_NUMBER_BIG)
        return order(a->big<b->big, a->big> b->big);
    return order(a->integer<b->integer, a->integer> b->integer);
}

/* Exactly: a double of this size is whole, or its whole part decides. */
static int compare_with_real(const struct fl_number *whole, double real)
{
    struct fl_number part;
    int result;
    if (isnan(real) || real >= 18446744073709551616.0)
        return -1;
    if (real < -9223372036854775808.0)
        return 1;
    if (real >= 9223372036854775808.0)
        part = (struct fl_number){.kind = FL_NUMBER_BIG, .big = (uint64_t)real};
    else
        part = (struct fl_number){.kind = FL_NUMBER_INT, .integer = (int64_t)floor(real)};
    result = compare_whole(whole, &part);
    return result ? result : order(floor(real) < real, false);
}

int fl_number_compare(const struct fl_number *a, const struct fl_number *b)
{
    if (a->kind != FL_NUMBER_REAL && b->kind != FL_NUMBER_REAL)
        return compare_whole(a, b);
    if (a->kind != FL_NUMBER_REAL)
        return compare_with_real(a, b->real);
    if (b->kind != FL_NUMBER_REAL)
        return -compare_with_real(b, a->real);
    if (isnan(a->real) || isnan(b->real))
        return order(!isnan(a->real), !isnan(b->real));
    return order(a->real<b->real, a->real> b->real);
}

static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant of libc */
}

int fl_number_text(const struct fl_number *number, char text[FL_NUMBER_TEXT_MOST])
{
    locale_t host;
    int length = 0;
    if (number->kind == FL_NUMBER_INT)
        return snprintf(text, FL_NUMBER_TEXT_MOST, "%" PRId64, number->integer);
    if (number->kind == FL_NUMBER_BIG)
        return snprintf(text, FL_NUMBER_TEXT_MOST, "%" PRIu64, number->big);
    if (isnan(number->real)) /* its sign says nothing */
        return snprintf(text, FL_NUMBER_TEXT_MOST, "NaN");
    host = uselocale(c_locale());
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(text, FL_NUMBER_TEXT_MOST, "%.*g", digits, number->real);
        if (strtod(text, NULL) == number->real)
            break;
    }
    uselocale(host);
    if (!strpbrk(text, ".enN")) /* 2.0, not 2; infinity stays */
        length += snprintf(text + length, 3, ".0");
    return length;
}

struct fl_number fl_number_parse(const char *text, size_t length, bool whole)
{
    struct fl_number number = {.kind = FL_NUMBER_NONE};
    char *end;
    if (!length || strlen(text) != length || strspn(text, "+-.0123456789eEinfINFtyaA") != length)
        return number;
    errno = 0;
    number.integer = strtoll(text, &end, 10);
    if (!*end && !errno) {
        number.kind = FL_NUMBER_INT;
    } else if (errno == ERANGE && *text != '-' && !*end) {
        errno = 0;
        number.big = strtoull(text, &end, 10);
        number.kind = errno ? FL_NUMBER_NONE : FL_NUMBER_BIG;
    }
    if (whole)
        return number;
    number.real = strtod_l(text, &end, c_locale());
    number.kind = *end || end == text ? FL_NUMBER_NONE : FL_NUMBER_REAL;
    return number;
}

void fl_result_number(const struct fl_sqlite *api, sqlite3_context *context,
                      const struct fl_number *number)
{
    unsigned char bytes[8];
    switch (number->kind) {
    case FL_NUMBER_NONE:
        api->result_null(context);
        break;
    case FL_NUMBER_INT:
        api->result_int64(context, number->integer);
        break;
    case FL_NUMBER_BIG:
        for (int i = 0; i < 8; i++)
            bytes[i] = (unsigned char)(number->big >> (56 - 8 * i));
        api->result_blob(context, bytes, sizeof bytes, SQLITE_TRANSIENT);
        break;
    case FL_NUMBER_REAL:
        if (isnan(number->real))
            api->result_blob(context, NOT_A_NUMBER, sizeof NOT_A_NUMBER, SQLITE_STATIC);
        else
            api->result_double(context, number->real);
        break;
    }
}

static void result_decimal(const struct fl_sqlite *api, sqlite3_context *context,
                           const struct fl_cell *cell)
{
    int64_t whole = 0;
    size_t length = cell->length;
    bool fits = cell->type->scale == 0;
    uint8_t sign = cell->bytes[length - 1] >> 7 ? 255 : 0;
    for (size_t i = 8; i < length; i++)
        fits = fits && cell->bytes[i] == sign;
    if (fits) {
        memcpy(&whole, cell->bytes, length < 8 ? length : 8);
        if (length == 4)
            whole = (int32_t)whole;
        fits = (whole < 0) == (sign != 0);
    }
    if (fits)
        api->result_int64(context, whole);
    else
        api->result_double(context, fl_cell_decimal(cell));
}

static void result_when(const struct fl_sqlite *api, sqlite3_context *context,
                        const struct fl_cell *cell)
{
    char text[FL_CELL_TEXT_MOST];
    size_t length = fl_cell_text(cell, text);
    api->result_text64(context, text, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void fl_result_cell(const struct fl_sqlite *api, sqlite3_context *context,
                    const struct fl_cell *cell)
{
    struct fl_number number;
    switch (cell->kind) {
    case FL_CELL_NULL:
        api->result_null(context);
        break;
    case FL_CELL_BOOL:
        api->result_int64(context, cell->truth);
        break;
    case FL_CELL_INT:
        if (cell->type->meaning == FL_INT || cell->type->meaning == FL_DURATION)
            api->result_int64(context, cell->integer);
        else
            result_when(api, context, cell);
        break;
    case FL_CELL_UINT:
        number.kind = cell->natural > INT64_MAX ? FL_NUMBER_BIG : FL_NUMBER_INT;
        number.big = cell->natural;
        fl_result_number(api, context, &number);
        break;
    case FL_CELL_DOUBLE:
        number.kind = FL_NUMBER_REAL;
        number.real = cell->real;
        fl_result_number(api, context, &number);
        break;
    case FL_CELL_BYTES:
        if (cell->type->meaning == FL_TEXT)
            api->result_text64(context, (const char *)cell->bytes, cell->length, SQLITE_STATIC,
                               SQLITE_UTF8);
        else if (cell->type->meaning == FL_DECIMAL)
            result_decimal(api, context, cell);
        else if (cell->type->meaning == FL_BYTES && cell->length <= INT32_MAX)
            api->result_blob(context, cell->bytes, (int)cell->length, SQLITE_STATIC);
        else
            api->result_int64(context, 1);
        break;
    case FL_CELL_OTHER:
        api->result_int64(context, 1);
        break;
    }
}
