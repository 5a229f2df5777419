/* See value.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/value.h"

struct text {
    const unsigned char *at, *end;
};

/* One character: its first byte and the continuation bytes. */
static size_t width(const struct text *text)
{
    size_t length = 1;
    while (text->at + length < text->end && (text->at[length] & 0xC0) == 0x80)
        length++;
    return length;
}

static unsigned char folded(unsigned char c, bool fold)
{
    return fold && c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Never backtracks before the last `%`: the work is the product of the lengths at most. */
static bool matches(struct text text, struct text pattern, int escape, bool fold)
{
    struct text star = {0}, from = text;
    for (;;) {
        struct text now = pattern;
        bool literal = now.at < now.end && escape >= 0 && *now.at == escape;
        if (literal && ++now.at == now.end)
            return false;
        if (!literal && now.at < now.end && *now.at == '%') {
            pattern.at++;
            star = pattern;
            from = text;
            if (star.at == star.end)
                return true;
            continue;
        }
        if (now.at < now.end && text.at < text.end) {
            if (!literal && *now.at == '_') {
                text.at += width(&text);
                pattern.at++;
                continue;
            }
            if (folded(*now.at, fold) == folded(*text.at, fold)) {
                text.at++;
                pattern.at = now.at + 1;
                continue;
            }
        }
        if (now.at == now.end && text.at == text.end)
            return true;
        if (!star.at || from.at == from.end)
            return false;
        from.at += width(&from);
        text = from;
        pattern = star;
    }
}

static struct text text_of(const struct fl_sqlite *api, sqlite3_value *value)
{
    struct text text = {0};
    if (api->value_type(value) == SQLITE_TEXT && (text.at = api->value_text(value)))
        text.end = text.at + api->value_bytes(value);
    return text;
}

static void like(sqlite3_context *context, int count, sqlite3_value **values, bool fold)
{
    const struct fl_sqlite *api = fl_sqlite_open();
    struct text text = text_of(api, values[0]), pattern = text_of(api, values[1]), escape;
    int c = -1;
    if (!text.at || !pattern.at) {
        api->result_null(context);
        return;
    }
    if (count > 2) {
        escape = text_of(api, values[2]);
        if (escape.end - escape.at != 1) {
            api->result_error(context, "ESCAPE takes one ASCII character", -1);
            return;
        }
        c = *escape.at;
    }
    api->result_int64(context, matches(text, pattern, c, fold));
}

void fl_sql_like(sqlite3_context *context, int count, sqlite3_value **values)
{
    like(context, count, values, false);
}

void fl_sql_ilike(sqlite3_context *context, int count, sqlite3_value **values)
{
    like(context, count, values, true);
}
