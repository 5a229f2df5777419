/* Functions of our own, where SQLite's differ from the SQL standard. See value.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/value.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define FUNCTION(name) static void name(sqlite3_context *context, int count, sqlite3_value **values)

/* NaN is NULL. */
FUNCTION(number)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    (void)count;
    fl_result_or_null(api, context, fl_number_of(api, values[0]));
}

FUNCTION(is_nan)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = fl_number_of(api, values[0]);
    (void)count;
    if (value.kind == FL_NUMBER_NONE)
        api->result_null(context);
    else
        api->result_int64(context, value.kind == FL_NUMBER_REAL && isnan(value.real));
}

FUNCTION(absolute)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = fl_number_of(api, values[0]);
    (void)count;
    if (value.kind == FL_NUMBER_INT && value.integer < 0)
        value = fl_number_of_wide(-(__int128)value.integer);
    if (value.kind == FL_NUMBER_BIG && value.big == (uint64_t)1 << 63) {
        struct fl_number was = fl_number_of(api, values[0]);
        if (was.kind == FL_NUMBER_INT) /* -2^63: what SQLite's own minus gives */
            value = fl_number_of_real(9223372036854775808.0);
    }
    if (value.kind == FL_NUMBER_REAL)
        value.real = fabs(value.real);
    fl_result_or_null(api, context, value);
}

static void rounded(sqlite3_context *context, sqlite3_value *argument, double (*round_it)(double))
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = fl_number_of(api, argument);
    if (value.kind != FL_NUMBER_NONE)
        value = fl_number_of_real(round_it(fl_number_real(&value)));
    fl_result_or_null(api, context, value);
}

FUNCTION(floor_of)
{
    (void)count;
    rounded(context, values[0], floor);
}

FUNCTION(ceil_of)
{
    (void)count;
    rounded(context, values[0], ceil);
}

/* Half away from zero, to so many digits after the decimal point. */
FUNCTION(round_of)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = fl_number_of(api, values[0]), digits = {.kind = FL_NUMBER_INT};
    double power, scaled;
    if (count > 1)
        digits = fl_number_of(api, values[1]);
    if (value.kind == FL_NUMBER_NONE || digits.kind != FL_NUMBER_INT) {
        api->result_null(context);
        return;
    }
    value = fl_number_of_real(fl_number_real(&value));
    if (digits.integer > 300 || digits.integer < -300)
        digits.integer = digits.integer > 0 ? 300 : -300;
    power = pow(10, fabs((double)digits.integer));
    scaled = digits.integer < 0 ? round(value.real / power) : round(value.real * power);
    if (isfinite(scaled))
        value.real = digits.integer < 0 ? scaled * power : scaled / power;
    fl_result_or_null(api, context, value);
}

/* Characters of text, to its end and not to a NUL in it; bytes of binary. */
FUNCTION(length)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    const unsigned char *text;
    int bytes, characters = 0;
    (void)count;
    switch (api->value_type(values[0])) {
    case SQLITE_TEXT:
        text = api->value_text(values[0]);
        bytes = api->value_bytes(values[0]);
        for (int i = 0; i < bytes; i++)
            characters += (text[i] & 0xC0) != 0x80;
        api->result_int64(context, characters);
        break;
    case SQLITE_BLOB:
        api->result_int64(context, api->value_bytes(values[0]));
        break;
    default:
        api->result_null(context);
    }
}

FUNCTION(text_of)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = fl_number_of(api, values[0]);
    char text[FL_NUMBER_TEXT_MOST];
    int bytes;
    (void)count;
    if (api->value_type(values[0]) == SQLITE_TEXT) {
        bytes = api->value_bytes(values[0]);
        api->result_text64(context, (const char *)api->value_text(values[0]), (sqlite3_uint64)bytes,
                           SQLITE_TRANSIENT, SQLITE_UTF8);
        return;
    }
    if (value.kind == FL_NUMBER_NONE) {
        api->result_null(context);
        return;
    }
    bytes = fl_number_text(&value, text);
    api->result_text64(context, text, (sqlite3_uint64)bytes, SQLITE_TRANSIENT, SQLITE_UTF8);
}

FUNCTION(bool_text)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    (void)count;
    if (api->value_type(values[0]) == SQLITE_INTEGER)
        api->result_text64(context, api->value_int64(values[0]) ? "true" : "false",
                           api->value_int64(values[0]) ? 4 : 5, SQLITE_STATIC, SQLITE_UTF8);
    else
        text_of(context, count, values);
}

/* A number from a number or all of a text. */
static struct fl_number parsed(const struct fl_sqlite *api, sqlite3_value *value, bool whole)
{
    const char *text;
    if (api->value_type(value) != SQLITE_TEXT)
        return fl_number_of(api, value);
    text = (const char *)api->value_text(value);
    return text ? fl_number_parse(text, (size_t)api->value_bytes(value), whole) : fl_number_none();
}

FUNCTION(cast_int)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = parsed(api, values[0], true);
    (void)count;
    if (value.kind == FL_NUMBER_REAL) {
        double whole = trunc(value.real);
        bool fits = whole >= -9223372036854775808.0 && whole < 9223372036854775808.0;
        value = fits ? fl_number_of_wide((__int128)whole) : fl_number_none();
    }
    fl_result_number(api, context, &value);
}

FUNCTION(cast_real)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = parsed(api, values[0], false);
    (void)count;
    if (value.kind != FL_NUMBER_NONE)
        value = fl_number_of_real(fl_number_real(&value));
    fl_result_number(api, context, &value);
}

FUNCTION(cast_bool)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number value = fl_number_of(api, values[0]);
    (void)count;
    if (api->value_type(values[0]) == SQLITE_TEXT) {
        const char *text = (const char *)api->value_text(values[0]);
        bool yes = text && !strcasecmp(text, "true"), no = text && !strcasecmp(text, "false");
        if (yes || no)
            api->result_int64(context, yes);
        else
            api->result_null(context);
    } else if (value.kind == FL_NUMBER_NONE) {
        api->result_null(context);
    } else {
        api->result_int64(context, value.kind == FL_NUMBER_BIG || fl_number_real(&value) != 0);
    }
}

int fl_sql_functions(const struct fl_sqlite *api, sqlite3 *db)
{
    static const struct {
        const char *name;
        void (*function)(sqlite3_context *, int, sqlite3_value **);
        int count;
    } FUNCTIONS[] = {
        {"fl_arithmetic", fl_sql_arithmetic, 3},
        {"fl_compare", fl_sql_compare, 2},
        {"fl_number", number, 1},
        {"fl_isnan", is_nan, 1},
        {"fl_abs", absolute, 1},
        {"fl_floor", floor_of, 1},
        {"fl_ceil", ceil_of, 1},
        {"fl_round", round_of, -1},
        {"fl_length", length, 1},
        {"fl_text", text_of, 1},
        {"fl_bool_text", bool_text, 1},
        {"fl_cast_int", cast_int, 1},
        {"fl_cast_real", cast_real, 1},
        {"fl_cast_bool", cast_bool, 1},
        {"fl_like", fl_sql_like, -1},
        {"fl_ilike", fl_sql_ilike, -1},
    };
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        code = api->create_function_v2(db, FUNCTIONS[i].name, FUNCTIONS[i].count,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                       FUNCTIONS[i].function, NULL, NULL, NULL);
    return code;
}
