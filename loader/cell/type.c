/* Reads a schema's formats. See cell.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/base/error.h"
#include "loader/cell/cell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

struct format {
    const char *text; /* the whole format, or up to its ':' */
    enum fl_form form;
    enum fl_meaning meaning;
    int width;
    bool sign;
    int64_t per_second;
};

static const struct format FORMATS[] = {
    {"n", FL_FORM_NULL, FL_NULL, 0, false, 0},
    {"b", FL_FORM_BOOL, FL_BOOL, 0, false, 0},
    {"c", FL_FORM_INT, FL_INT, 1, true, 0},
    {"C", FL_FORM_UINT, FL_INT, 1, false, 0},
    {"s", FL_FORM_INT, FL_INT, 2, true, 0},
    {"S", FL_FORM_UINT, FL_INT, 2, false, 0},
    {"i", FL_FORM_INT, FL_INT, 4, true, 0},
    {"I", FL_FORM_UINT, FL_INT, 4, false, 0},
    {"l", FL_FORM_INT, FL_INT, 8, true, 0},
    {"L", FL_FORM_UINT, FL_INT, 8, false, 0},
    {"e", FL_FORM_FLOAT, FL_FLOAT, 2, true, 0},
    {"f", FL_FORM_FLOAT, FL_FLOAT, 4, true, 0},
    {"g", FL_FORM_FLOAT, FL_FLOAT, 8, true, 0},
    {"z", FL_FORM_OFFSETS32, FL_BYTES, 0, false, 0},
    {"Z", FL_FORM_OFFSETS64, FL_BYTES, 0, false, 0},
    {"vz", FL_FORM_VIEW, FL_BYTES, 0, false, 0},
    {"w:", FL_FORM_FIXED, FL_BYTES, 0, false, 0},
    {"u", FL_FORM_OFFSETS32, FL_TEXT, 0, false, 0},
    {"U", FL_FORM_OFFSETS64, FL_TEXT, 0, false, 0},
    {"vu", FL_FORM_VIEW, FL_TEXT, 0, false, 0},
    {"d:", FL_FORM_FIXED, FL_DECIMAL, 16, true, 0},
    {"tdD", FL_FORM_INT, FL_DATE, 4, true, 0},
    {"tdm", FL_FORM_INT, FL_DATE, 8, true, 1000},
    {"tts", FL_FORM_INT, FL_TIME, 4, true, 1},
    {"ttm", FL_FORM_INT, FL_TIME, 4, true, 1000},
    {"ttu", FL_FORM_INT, FL_TIME, 8, true, 1000000},
    {"ttn", FL_FORM_INT, FL_TIME, 8, true, 1000000000},
    {"tss:", FL_FORM_INT, FL_STAMP, 8, true, 1},
    {"tsm:", FL_FORM_INT, FL_STAMP, 8, true, 1000},
    {"tsu:", FL_FORM_INT, FL_STAMP, 8, true, 1000000},
    {"tsn:", FL_FORM_INT, FL_STAMP, 8, true, 1000000000},
    {"tDs", FL_FORM_INT, FL_DURATION, 8, true, 1},
    {"tDm", FL_FORM_INT, FL_DURATION, 8, true, 1000},
    {"tDu", FL_FORM_INT, FL_DURATION, 8, true, 1000000},
    {"tDn", FL_FORM_INT, FL_DURATION, 8, true, 1000000000},
    {"tiM", FL_FORM_FIXED, FL_INTERVAL, 4, true, 0},
    {"tiD", FL_FORM_FIXED, FL_INTERVAL, 8, true, 0},
    {"tin", FL_FORM_FIXED, FL_INTERVAL, 16, true, 0},
    {"+l", FL_FORM_LIST32, FL_LIST, 0, false, 0},
    {"+L", FL_FORM_LIST64, FL_LIST, 0, false, 0},
    {"+vl", FL_FORM_LIST_VIEW32, FL_LIST, 0, false, 0},
    {"+vL", FL_FORM_LIST_VIEW64, FL_LIST, 0, false, 0},
    {"+w:", FL_FORM_FIXED_LIST, FL_LIST, 0, false, 0},
    {"+m", FL_FORM_LIST32, FL_MAP, 0, false, 0},
    {"+s", FL_FORM_STRUCT, FL_STRUCT, 0, false, 0},
    {"+us:", FL_FORM_SPARSE_UNION, FL_UNION, 0, false, 0},
    {"+ud:", FL_FORM_DENSE_UNION, FL_UNION, 0, false, 0},
    {"+r", FL_FORM_RUNS, FL_NULL, 0, false, 0},
};

static const struct format *find(const char *text)
{
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        size_t length = strlen(FORMATS[i].text);
        if (FORMATS[i].text[length - 1] == ':' ? !strncmp(text, FORMATS[i].text, length)
                                               : !strcmp(text, FORMATS[i].text))
            return &FORMATS[i];
    }
    return NULL;
}

/* "w:16", "+w:128", "d:38,9", "d:76,9,256": the numbers that say how wide. */
static bool read_numbers(struct fl_type *type, const char *text)
{
    char *end;
    long number = strtol(strchr(text, ':') + 1, &end, 10);
    if (type->meaning != FL_DECIMAL) {
        type->width = (int)number;
        return !*end && number >= 0 && number <= INT32_MAX;
    }
    if (*end != ',')
        return false;
    type->scale = (int)strtol(end + 1, &end, 10);
    number = 128;
    if (*end == ',')
        number = strtol(end + 1, &end, 10);
    type->width = (int)number / 8;
    return !*end && (number == 32 || number == 64 || number == 128 || number == 256) &&
           type->scale >= -1000 && type->scale <= 1000;
}

static int read_type(struct fl_type *type, const struct ArrowSchema *schema, int depth,
                     struct forkloader_error *error)
{
    const struct format *format = find(schema->format);
    size_t count = schema->dictionary ? 1 : (size_t)schema->n_children;
    *type = (struct fl_type){.schema = schema};
    if (!format)
        return fl_fail(error, EINVAL, "column `%.100s`: `%.100s` is not an Arrow format",
                       schema->name ? schema->name : "", schema->format);
    if (depth == DEEPEST)
        return fl_fail(error, EINVAL, "column `%.100s`: nested deeper than %d",
                       schema->name ? schema->name : "", DEEPEST);
    type->form = format->form;
    type->meaning = format->meaning;
    type->width = format->width;
    type->sign = format->sign;
    type->per_second = format->per_second;
    if ((type->form == FL_FORM_FIXED && strchr(schema->format, ':') && !schema->dictionary) ||
        type->form == FL_FORM_FIXED_LIST) {
        if (!read_numbers(type, schema->format))
            return fl_fail(error, EINVAL, "column `%.100s`: `%.100s` is not an Arrow format",
                           schema->name ? schema->name : "", schema->format);
    }
    if (schema->dictionary)
        type->form = FL_FORM_DICTIONARY;
    if (!count)
        return 0;
    type->children = calloc(count, sizeof *type->children);
    if (!type->children)
        return fl_fail(error, ENOMEM, "no memory for the types of %zu columns", count);
    type->count = count;
    for (size_t i = 0; i < count; i++) {
        int code = read_type(&type->children[i],
                             schema->dictionary ? schema->dictionary : schema->children[i],
                             depth + 1, error);
        if (code)
            return code;
    }
    if (type->form == FL_FORM_DICTIONARY)
        type->meaning = type->children[0].meaning;
    if (type->form == FL_FORM_RUNS && count == 2)
        type->meaning = type->children[1].meaning;
    return 0;
}

int fl_type_read(struct fl_type *type, const struct ArrowSchema *schema,
                 struct forkloader_error *error)
{
    return read_type(type, schema, 0, error);
}

void fl_type_free(struct fl_type *type)
{
    for (size_t i = 0; i < type->count; i++)
        fl_type_free(&type->children[i]);
    free(type->children);
    type->children = NULL;
    type->count = 0;
}

const struct fl_type *fl_type_plain(const struct fl_type *type)
{
    while (type->form == FL_FORM_DICTIONARY || type->form == FL_FORM_RUNS)
        type = &type->children[type->form == FL_FORM_RUNS];
    return type;
}
