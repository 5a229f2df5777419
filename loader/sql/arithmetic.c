/* What SQLite's own operators do not get right. See value.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/value.h"

#include <math.h>

struct fl_number fl_number_of_wide(__int128 wide)
{
    if (wide >= INT64_MIN && wide <= INT64_MAX)
        return (struct fl_number){.kind = FL_NUMBER_INT, .integer = (int64_t)wide};
    if (wide > 0 && wide <= UINT64_MAX)
        return (struct fl_number){.kind = FL_NUMBER_BIG, .big = (uint64_t)wide};
    return fl_number_of_real((double)wide);
}

static __int128 wide_of(const struct fl_number *number)
{
    return number->kind == FL_NUMBER_BIG ? (__int128)number->big : (__int128)number->integer;
}

static struct fl_number whole_arithmetic(char operation, __int128 a, __int128 b)
{
    switch (operation) {
    case '+':
        return fl_number_of_wide(a + b);
    case '-':
        return fl_number_of_wide(a - b);
    case '*': /* 2^128 does not fit */
        return fabs((double)a * (double)b) > 1e38 ? fl_number_of_real((double)a * (double)b)
                                                  : fl_number_of_wide(a * b);
    case '/':
        return b ? fl_number_of_wide(a / b) : fl_number_none();
    default:
        return b ? fl_number_of_wide(a % b) : fl_number_none();
    }
}

static struct fl_number real_arithmetic(char operation, double a, double b)
{
    switch (operation) {
    case '+':
        return fl_number_of_real(a + b);
    case '-':
        return fl_number_of_real(a - b);
    case '*':
        return fl_number_of_real(a * b);
    case '/':
        return b != 0 ? fl_number_of_real(a / b) : fl_number_none();
    default:
        return b != 0 ? fl_number_of_real(fmod(a, b)) : fl_number_none();
    }
}

void fl_result_or_null(const struct fl_sqlite *api, sqlite3_context *context,
                       struct fl_number number)
{
    if (number.kind == FL_NUMBER_REAL && isnan(number.real))
        number = fl_number_none();
    fl_result_number(api, context, &number);
}

void fl_sql_arithmetic(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    char operation = (char)api->value_text(values[0])[0];
    struct fl_number a = fl_number_of(api, values[1]), b = fl_number_of(api, values[2]);
    (void)count;
    if (a.kind == FL_NUMBER_NONE || b.kind == FL_NUMBER_NONE)
        api->result_null(context);
    else if (a.kind == FL_NUMBER_REAL || b.kind == FL_NUMBER_REAL)
        fl_result_or_null(api, context,
                          real_arithmetic(operation, fl_number_real(&a), fl_number_real(&b)));
    else
        fl_result_or_null(api, context, whole_arithmetic(operation, wide_of(&a), wide_of(&b)));
}

void fl_sql_compare(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct fl_number a = fl_number_of(api, values[0]), b = fl_number_of(api, values[1]);
    (void)count;
    if (a.kind == FL_NUMBER_NONE || b.kind == FL_NUMBER_NONE)
        api->result_null(context);
    else
        api->result_int64(context, fl_number_compare(&a, &b));
}
