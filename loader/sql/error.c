/* See error.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/error.h"

#include "loader/base/error.h"
#include "loader/sql/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The bytes of the UTF-8 character at `at`; 0: invalid. */
static size_t character(const unsigned char *at)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80   ? 1
                    : *at < 0xC0 ? 0
                    : *at < 0xE0 ? 2
                    : *at < 0xF0 ? 3
                    : *at < 0xF8 ? 4
                                 : 0;
    unsigned code = length == 1 ? *at : *at & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3F);
    }
    if (!length || code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return 0;
    return length;
}

/* What would break the line or the terminal: C0, DEL, C1, and Unicode's line and paragraph ends. */
static bool breaks(const unsigned char *at, size_t length)
{
    return *at < 32 || *at == 127 || (length == 2 && *at == 0xC2 && at[1] < 0xA0) ||
           (length == 3 && *at == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9));
}

/* One line of UTF-8, whatever was quoted in it or cut off. */
void fl_sql_clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at;) {
        size_t length = character(at);
        if (!length)
            *at++ = '?';
        else if (breaks(at, length))
            for (; length; length--)
                *at++ = ' ';
        else
            at += length;
    }
}

bool fl_sql_fail(struct fl_sql *sql, size_t at, const char *format, ...)
{
    char what[sizeof sql->error->message];
    size_t place = 1;
    va_list arguments;
    if (sql->code)
        return false;
    sql->code = EINVAL;
    va_start(arguments, format);
    vsnprintf(what, sizeof what - 40, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < at; i++)
        place += (sql->text[i] & 0xC0) != 0x80;
    fl_fail(sql->error, EINVAL, "SQL at character %zu: %s", place, what);
    if (sql->error)
        fl_sql_clean(sql->error->message);
    return false;
}

bool fl_sql_no_memory(struct fl_sql *sql)
{
    if (!sql->code)
        sql->code = fl_fail(sql->error, ENOMEM, "no memory for the SQL expression");
    return false;
}

void *fl_sql_grow(struct fl_sql *sql, void *array, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? 2 * *room : 64;
    void *grown;
    if (array && count < *room)
        return array;
    grown = realloc(array, more * size);
    if (!grown) {
        fl_sql_no_memory(sql);
        return NULL;
    }
    *room = more;
    return grown;
}
