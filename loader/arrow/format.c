/* The format strings of the C Data Interface. See field.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/field.h"

#include <stdlib.h>

/* A number in decimal at *text, which is moved past it; -1: no number, or too large. */
static int64_t number(const char **text)
{
    int64_t value = 0;
    if (**text < '0' || **text > '9')
        return -1;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        value = value * 10 + (**text - '0');
        if (value > INT32_MAX)
            return -1;
    }
    return value;
}

static bool set(struct fl_field *field, enum fl_class class, int64_t width)
{
    field->class = class;
    field->width = width;
    return true;
}

/* "d:precision,scale[,bits]" */
static bool read_decimal(struct fl_field *field, const char *text)
{
    static const struct {
        int64_t bits, precision;
    } WIDTHS[] = {{32, 9}, {64, 18}, {128, 38}, {256, 76}};
    int64_t precision = number(&text), bits = 128;
    if (*text++ != ',')
        return false;
    text += *text == '-';
    if (number(&text) < 0)
        return false;
    if (*text == ',') {
        text++;
        bits = number(&text);
    }
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++)
        if (bits == WIDTHS[i].bits)
            return !*text && precision >= 1 && precision <= WIDTHS[i].precision &&
                   set(field, FL_CLASS_FIXED, bits / 8);
    return false;
}

/* "w:length" and "+w:length" */
static bool read_width(struct fl_field *field, enum fl_class class, const char *text)
{
    int64_t width = number(&text);
    return !*text && width >= 0 && set(field, class, width);
}

/* "id,id..." */
static bool read_union(struct fl_field *field, enum fl_class class, const char *text)
{
    size_t count = 0;
    field->child_of = malloc(128);
    if (!field->child_of)
        return false;
    memset(field->child_of, -1, 128);
    while (*text) {
        int64_t id = number(&text);
        if (id < 0 || id > 127 || field->child_of[id] >= 0)
            return false;
        field->child_of[id] = (int8_t)count++;
        if (*text && (*text++ != ',' || !*text))
            return false;
    }
    return (int64_t)count == field->schema->n_children && set(field, class, 1);
}

static bool read_integer(struct fl_field *field, int64_t width, bool is_signed)
{
    field->is_integer = true;
    field->is_signed = is_signed;
    return set(field, FL_CLASS_FIXED, width);
}

static bool read_map(struct fl_field *field)
{
    field->is_map = true;
    return set(field, FL_CLASS_LIST, 4);
}

/* The formats without parameters, and "ts?:zone", whose zone is anything. */
static bool read_plain(struct fl_field *field, const char *format)
{
    static const struct {
        const char *format;
        enum fl_class class;
        int64_t width;
    } FORMATS[] = {
        {"n", FL_CLASS_NULL, 0},        {"b", FL_CLASS_BOOLEAN, 0},  {"e", FL_CLASS_FIXED, 2},
        {"f", FL_CLASS_FIXED, 4},       {"g", FL_CLASS_FIXED, 8},    {"z", FL_CLASS_BINARY, 4},
        {"u", FL_CLASS_BINARY, 4},      {"Z", FL_CLASS_BINARY, 8},   {"U", FL_CLASS_BINARY, 8},
        {"vz", FL_CLASS_VIEW, 16},      {"vu", FL_CLASS_VIEW, 16},   {"tdD", FL_CLASS_FIXED, 4},
        {"tdm", FL_CLASS_FIXED, 8},     {"tts", FL_CLASS_FIXED, 4},  {"ttm", FL_CLASS_FIXED, 4},
        {"ttu", FL_CLASS_FIXED, 8},     {"ttn", FL_CLASS_FIXED, 8},  {"tDs", FL_CLASS_FIXED, 8},
        {"tDm", FL_CLASS_FIXED, 8},     {"tDu", FL_CLASS_FIXED, 8},  {"tDn", FL_CLASS_FIXED, 8},
        {"tiM", FL_CLASS_FIXED, 4},     {"tiD", FL_CLASS_FIXED, 8},  {"tin", FL_CLASS_FIXED, 16},
        {"+l", FL_CLASS_LIST, 4},       {"+L", FL_CLASS_LIST, 8},    {"+vl", FL_CLASS_LIST_VIEW, 4},
        {"+vL", FL_CLASS_LIST_VIEW, 8}, {"+s", FL_CLASS_STRUCT, 0},  {"+r", FL_CLASS_RUN_END, 0},
        {"tss:", FL_CLASS_FIXED, 8},    {"tsm:", FL_CLASS_FIXED, 8}, {"tsu:", FL_CLASS_FIXED, 8},
        {"tsn:", FL_CLASS_FIXED, 8},
    };
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        size_t length = strlen(FORMATS[i].format);
        if (strncmp(format, FORMATS[i].format, length) == 0 &&
            (!format[length] || FORMATS[i].format[length - 1] == ':'))
            return set(field, FORMATS[i].class, FORMATS[i].width);
    }
    return false;
}

bool fl_field_read_format(struct fl_field *field, const char *format)
{
    static const char INTEGERS[] = "cCsSiIlL";
    const char *integer = *format && !format[1] ? strchr(INTEGERS, *format) : NULL;
    if (integer)
        return read_integer(field, 1 << ((integer - INTEGERS) / 2), (integer - INTEGERS) % 2 == 0);
    if (strncmp(format, "d:", 2) == 0)
        return read_decimal(field, format + 2);
    if (strncmp(format, "w:", 2) == 0)
        return read_width(field, FL_CLASS_FIXED, format + 2);
    if (strncmp(format, "+w:", 3) == 0)
        return read_width(field, FL_CLASS_FIXED_LIST, format + 3);
    if (strncmp(format, "+ud:", 4) == 0)
        return read_union(field, FL_CLASS_DENSE_UNION, format + 4);
    if (strncmp(format, "+us:", 4) == 0)
        return read_union(field, FL_CLASS_SPARSE_UNION, format + 4);
    if (strcmp(format, "+m") == 0)
        return read_map(field);
    return read_plain(field, format);
}
