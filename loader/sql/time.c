/* Dates and times in text, as cells write them. See tree.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400 };

struct moment {
    int64_t seconds;
    char fraction[11]; /* ".5", or nothing */
    bool clock;
};

/* So many digits; -1: they are not there. */
static int digits(const char **text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++, ++*text) {
        if (**text < '0' || **text > '9')
            return -1;
        value = 10 * value + (**text - '0');
    }
    return value;
}

static bool skip(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

static int64_t days_before(int year, int month, int day)
{
    int64_t shifted = year - (month <= 2) + 400, of_year;
    of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719468 - 146097;
}

static bool read_date(const char **text, struct moment *moment)
{
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(text, 4), month, day, most;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 0 || !skip(text, '-') || (month = digits(text, 2)) < 1 || month > 12 ||
        !skip(text, '-') || (day = digits(text, 2)) < 1)
        return false;
    most = LENGTHS[month - 1] + (month == 2 && leap);
    moment->seconds = days_before(year, month, day) * DAY;
    return day <= most;
}

static bool read_clock(const char **text, struct moment *moment)
{
    int hour = digits(text, 2), minute, second = 0;
    size_t length = 0;
    if (hour < 0 || hour > 23 || !skip(text, ':') || (minute = digits(text, 2)) < 0 || minute > 59)
        return false;
    if (skip(text, ':') && ((second = digits(text, 2)) < 0 || second > 59))
        return false;
    if (**text == '.' && (*text)[1] >= '0' && (*text)[1] <= '9') {
        while (length < 10 && (**text == '.' || (**text >= '0' && **text <= '9')))
            moment->fraction[length++] = *(*text)++;
        while (length &&
               (moment->fraction[length - 1] == '0' || moment->fraction[length - 1] == '.'))
            moment->fraction[--length] = '\0';
    }
    moment->clock = true;
    moment->seconds += (int64_t)3600 * hour + (int64_t)60 * minute + second;
    return true;
}

/* Z, +01:00, +0100, +01 */
static bool read_zone(const char **text, struct moment *moment)
{
    int sign = **text == '-' ? -1 : 1, hours, minutes = 0;
    if (skip(text, 'Z') || !**text)
        return true;
    if ((!skip(text, '+') && !skip(text, '-')) || (hours = digits(text, 2)) < 0 || hours > 23)
        return false;
    skip(text, ':');
    if (**text && ((minutes = digits(text, 2)) < 0 || minutes > 59))
        return false;
    moment->seconds -= (int64_t)sign * (3600 * hours + 60 * minutes);
    return true;
}

static bool read_moment(const char *text, struct moment *moment)
{
    *moment = (struct moment){0};
    if (!read_date(&text, moment))
        return false;
    if (!*text)
        return true;
    return (skip(&text, ' ') || skip(&text, 'T')) && read_clock(&text, moment) &&
           read_zone(&text, moment) && !*text;
}

bool fl_sql_has_clock(const struct fl_node *node)
{
    struct moment moment;
    return read_moment(node->text, &moment) && moment.clock;
}

/* Of ".5", or of nothing. */
static uint32_t nanoseconds(const char *fraction)
{
    uint32_t value = 0;
    for (int i = 1; i < 10; i++)
        value = 10 * value + (*fraction && *++fraction ? (uint32_t)(*fraction - '0') : 0);
    return value;
}

bool fl_sql_read_time(struct fl_node *node, unsigned type)
{
    struct fl_type unit = {.meaning = FL_STAMP, .per_second = 1};
    struct fl_cell cell = {.kind = FL_CELL_INT, .type = &unit};
    struct moment moment = {0};
    const char *at = node->text;
    char *text;
    if (!strcmp(at, "infinity") || !strcmp(at, "-infinity")) {
        node->types = type;
        return type != FL_SQL_TIME;
    }
    if (type == FL_SQL_TIME ? !read_clock(&at, &moment) || *at : !read_moment(at, &moment))
        return false;
    if (type == FL_SQL_DATE && moment.clock)
        return false;
    if (type != FL_SQL_STAMP)
        unit.meaning = type == FL_SQL_DATE ? FL_DATE : FL_TIME;
    cell.integer = moment.seconds;
    node->is_moment = true;
    node->integer = moment.seconds;
    node->nanoseconds = nanoseconds(moment.fraction);
    text = malloc(FL_CELL_TEXT_MOST + sizeof moment.fraction);
    if (!text)
        return false;
    memcpy(text + fl_cell_text(&cell, text), moment.fraction, sizeof moment.fraction);
    free(node->text);
    node->text = text;
    node->length = strlen(text);
    node->types = type;
    return true;
}
