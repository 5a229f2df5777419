/* The shape of arrays. See check.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/check.h"

static int check_length(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    int64_t end, bytes;
    int64_t element = checked->field->class == FL_CLASS_FIXED_LIST ? 1 : checked->field->width;
    if (array->length < 0)
        return fl_check_failed(checked, "the length is %lld", (long long)array->length);
    if (array->offset < 0)
        return fl_check_failed(checked, "the offset is %lld", (long long)array->offset);
    if (__builtin_add_overflow(array->offset, array->length, &end) || end == INT64_MAX ||
        __builtin_mul_overflow(end + 1, element ? element : 1, &bytes))
        return fl_check_failed(checked, "offset %lld and length %lld are too large together",
                               (long long)array->offset, (long long)array->length);
    if (array->null_count < -1 || array->null_count > array->length)
        return fl_check_failed(checked, "the null count is %lld, of %lld values",
                               (long long)array->null_count, (long long)array->length);
    return 0;
}

/* How many buffers there must be; of views, at least. */
static int64_t expected_buffers(enum fl_class class)
{
    switch (class) {
    case FL_CLASS_NULL:
    case FL_CLASS_RUN_END:
        return 0;
    case FL_CLASS_STRUCT:
    case FL_CLASS_FIXED_LIST:
    case FL_CLASS_SPARSE_UNION:
        return 1;
    case FL_CLASS_BINARY:
    case FL_CLASS_LIST_VIEW:
    case FL_CLASS_VIEW:
        return 3;
    default:
        return 2;
    }
}

static int check_buffers(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    enum fl_class class = checked->field->class;
    int64_t expected = expected_buffers(class);
    bool is_union = class == FL_CLASS_SPARSE_UNION || class == FL_CLASS_DENSE_UNION;
    /* Where the values start, and how many buffers there must be when there are values: the bytes
       of text may be none, and views look after their own. */
    int64_t first = is_union ? 0 : 1;
    int64_t needed = class == FL_CLASS_BINARY || class == FL_CLASS_VIEW ? 2 : expected;
    if (class == FL_CLASS_VIEW ? array->n_buffers < expected : array->n_buffers != expected)
        return fl_check_failed(checked, "%lld buffers where format %s has %lld%s",
                               (long long)array->n_buffers,
                               fl_format_text(checked->field->schema->format).text,
                               (long long)expected, class == FL_CLASS_VIEW ? " or more" : "");
    if (expected > 0 && !array->buffers)
        return fl_check_failed(checked, "the buffers are NULL");
    if (first == 1 && expected > 0 && !array->buffers[0] && array->null_count > 0)
        return fl_check_failed(checked, "%lld nulls, and buffer 0 (validity) is NULL",
                               (long long)array->null_count);
    bool empty = array->length == 0 || (class == FL_CLASS_FIXED && checked->field->width == 0);
    for (int64_t i = first; i < needed && !empty; i++)
        if (!array->buffers[i])
            return fl_check_failed(checked, "buffer %lld is NULL, of %lld values", (long long)i,
                                   (long long)array->length);
    return 0;
}

/* How long the children of an array must be, where that follows from its length alone. */
static int check_child_length(const struct fl_checked *checked, int64_t child)
{
    const struct ArrowArray *array = checked->array;
    int64_t needed = 0, end = array->offset + array->length;
    if (checked->field->class == FL_CLASS_STRUCT || checked->field->class == FL_CLASS_SPARSE_UNION)
        needed = end;
    else if (checked->field->class == FL_CLASS_FIXED_LIST &&
             __builtin_mul_overflow(end, checked->field->width, &needed))
        return fl_check_failed(checked, "%lld lists of %lld values are too many", (long long)end,
                               (long long)checked->field->width);
    if (array->children[child]->length < needed)
        return fl_check_failed(checked, "child %lld has %lld values and must have %lld",
                               (long long)child, (long long)array->children[child]->length,
                               (long long)needed);
    return 0;
}

static int check_array(const struct fl_checked *checked);

static int check_below(const struct fl_checked *checked, const struct fl_field *field,
                       const struct ArrowArray *array)
{
    struct fl_checked below = *checked;
    below.field = field;
    below.array = array;
    return check_array(&below);
}

static int check_children(const struct fl_checked *checked)
{
    const struct fl_field *field = checked->field;
    const struct ArrowArray *array = checked->array;
    if (array->n_children < 0 || (size_t)array->n_children != field->child_count)
        return fl_check_failed(checked, "%lld children where the schema has %zu",
                               (long long)array->n_children, field->child_count);
    if (array->n_children > 0 && !array->children)
        return fl_check_failed(checked, "the children are NULL");
    if (!array->dictionary != !field->dictionary)
        return fl_check_failed(checked, "%s dictionary where the schema has %s",
                               array->dictionary ? "a" : "no", field->dictionary ? "one" : "none");
    for (int64_t i = 0; i < array->n_children; i++) {
        if (!array->children[i] || !array->children[i]->release)
            return fl_check_failed(checked, "child %lld is %s", (long long)i,
                                   array->children[i] ? "released" : "NULL");
        int code = check_below(checked, &field->children[i], array->children[i]);
        if (code == 0)
            code = check_child_length(checked, i);
        if (code != 0)
            return code;
    }
    if (field->dictionary && !array->dictionary->release)
        return fl_check_failed(checked, "the dictionary is released");
    return field->dictionary ? check_below(checked, field->dictionary, array->dictionary) : 0;
}

static int check_data(const struct fl_checked *checked)
{
    switch (checked->field->class) {
    case FL_CLASS_BINARY:
    case FL_CLASS_LIST:
        return fl_check_offsets(checked);
    case FL_CLASS_LIST_VIEW:
        return fl_check_list_views(checked);
    case FL_CLASS_VIEW:
        return fl_check_views(checked);
    case FL_CLASS_SPARSE_UNION:
    case FL_CLASS_DENSE_UNION:
        return fl_check_type_ids(checked);
    case FL_CLASS_RUN_END:
        return fl_check_run_ends(checked);
    case FL_CLASS_DICTIONARY:
        return fl_check_indices(checked);
    default:
        return 0;
    }
}

static int check_array(const struct fl_checked *checked)
{
    int code = check_length(checked);
    if (code == 0)
        code = check_buffers(checked);
    if (code == 0)
        code = check_children(checked);
    return code == 0 ? check_data(checked) : code;
}

int fl_check(const struct fl_field *root, const struct ArrowArray *array, size_t batch,
             struct forkloader_error *error)
{
    return check_array(&(struct fl_checked){root, array, batch, error});
}
