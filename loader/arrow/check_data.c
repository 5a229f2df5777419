/* Checks of references from data to other data. See check.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/check.h"

/* Whether element `at`, counted from the array's offset, is null. */
static bool is_null(const struct ArrowArray *array, int64_t at)
{
    return array->buffers[0] && !fl_bit(array->buffers[0], array->offset + at);
}

/* Whether offsets `first` to `end` are not negative and none is below the one before: without a
   branch for each, since a table may have many millions. Differences of what is not negative cannot
   overflow, so that a sign anywhere tells. */
static inline bool rise_of(const void *offsets, int64_t width, int64_t first, int64_t end)
{
    uint64_t signs = 0, last = 0;
    for (int64_t i = first; i <= end; i++) {
        uint64_t offset = (uint64_t)fl_offset(offsets, width, i);
        signs |= offset | (offset - last);
        last = offset;
    }
    return signs >> 63 == 0;
}

/* A loop for each width. */
static bool rise(const void *offsets, int64_t width, int64_t first, int64_t end)
{
    return width == 4 ? rise_of(offsets, 4, first, end) : rise_of(offsets, 8, first, end);
}

/* Names the offset for which rise is false. */
static int tell_fall(const struct fl_checked *checked, const void *offsets, int64_t end)
{
    int64_t last = 0;
    for (int64_t i = checked->array->offset; i <= end; i++) {
        int64_t offset = fl_offset(offsets, checked->field->width, i);
        if (offset < 0)
            return fl_check_failed(checked, "offset %lld is %lld", (long long)i, (long long)offset);
        if (offset < last)
            return fl_check_failed(checked, "offset %lld is %lld, after one of %lld", (long long)i,
                                   (long long)offset, (long long)last);
        last = offset;
    }
    return 0;
}

int fl_check_offsets(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    int64_t width = checked->field->width, end = array->offset + array->length;
    const void *offsets = array->buffers[1];
    if (array->length == 0)
        return 0;
    if (!rise(offsets, width, array->offset, end))
        return tell_fall(checked, offsets, end);
    int64_t last = fl_offset(offsets, width, end);
    if (checked->field->class == FL_CLASS_LIST && last > array->children[0]->length)
        return fl_check_failed(checked, "offset %lld is %lld, and the child has %lld values",
                               (long long)end, (long long)last,
                               (long long)array->children[0]->length);
    if (checked->field->class == FL_CLASS_BINARY && !array->buffers[2] &&
        last > fl_offset(offsets, width, array->offset))
        return fl_check_failed(checked, "buffer 2 is NULL, and the offsets end at %lld",
                               (long long)last);
    return 0;
}

int fl_check_list_views(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    int64_t width = checked->field->width, values = array->children[0]->length;
    for (int64_t i = 0; i < array->length; i++) {
        if (is_null(array, i))
            continue;
        int64_t at = array->offset + i;
        int64_t offset = fl_offset(array->buffers[1], width, at);
        int64_t size = fl_offset(array->buffers[2], width, at);
        if (offset < 0 || size < 0 || offset > values || size > values - offset)
            return fl_check_failed(
                checked,
                "list %lld is at offset %lld with size %lld, and the child has %lld values",
                (long long)at, (long long)offset, (long long)size, (long long)values);
    }
    return 0;
}

/* The buffers between the views and the last one, which is their sizes. */
static int check_sizes(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    int64_t count = array->n_buffers - 3;
    const void *sizes = array->buffers[array->n_buffers - 1];
    if (count > 0 && !sizes)
        return fl_check_failed(checked, "buffer %lld (sizes) is NULL",
                               (long long)(array->n_buffers - 1));
    for (int64_t i = 0; i < count; i++) {
        int64_t size = fl_int64(sizes, i);
        if (size < 0)
            return fl_check_failed(checked, "data buffer %lld has size %lld", (long long)i,
                                   (long long)size);
        if (size > 0 && !array->buffers[2 + i])
            return fl_check_failed(checked, "data buffer %lld is NULL, of %lld bytes", (long long)i,
                                   (long long)size);
    }
    return 0;
}

int fl_check_views(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    int64_t count = array->n_buffers - 3;
    const void *sizes = array->buffers[array->n_buffers - 1];
    int code = check_sizes(checked);
    for (int64_t i = 0; code == 0 && i < array->length; i++) {
        struct fl_view view = fl_view_at(array->buffers[1], array->offset + i);
        if ((view.length >= 0 && view.length <= FL_VIEW_INLINED) || is_null(array, i))
            continue;
        long long at = array->offset + i;
        if (view.length < 0)
            code = fl_check_failed(checked, "view %lld has length %d", at, view.length);
        else if (view.buffer < 0 || view.buffer >= count)
            code = fl_check_failed(checked, "view %lld is in data buffer %d of %lld", at,
                                   view.buffer, (long long)count);
        else if (view.offset < 0 || view.offset > fl_int64(sizes, view.buffer) - view.length)
            code = fl_check_failed(
                checked, "view %lld is at offset %d with length %d, in a buffer of %lld bytes", at,
                view.offset, view.length, (long long)fl_int64(sizes, view.buffer));
    }
    return code;
}

int fl_check_type_ids(const struct fl_checked *checked)
{
    const struct fl_field *field = checked->field;
    const struct ArrowArray *array = checked->array;
    for (int64_t i = array->offset; i < array->offset + array->length; i++) {
        int8_t id = ((const int8_t *)array->buffers[0])[i];
        if (id < 0 || field->child_of[id] < 0)
            return fl_check_failed(checked, "type id %lld is %d, which the union does not have",
                                   (long long)i, id);
        if (field->class == FL_CLASS_SPARSE_UNION)
            continue;
        int64_t length = array->children[field->child_of[id]]->length;
        int32_t offset = fl_int32(array->buffers[1], i);
        if (offset < 0 || offset >= length)
            return fl_check_failed(checked, "offset %lld is %d, and child %d has %lld values",
                                   (long long)i, offset, field->child_of[id], (long long)length);
    }
    return 0;
}

int fl_check_run_ends(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array, *ends = array->children[0];
    int64_t width = checked->field->children->width, last = 0;
    int64_t reach = array->offset + array->length;
    if (array->children[1]->length < ends->length)
        return fl_check_failed(checked, "%lld run ends, and %lld values", (long long)ends->length,
                               (long long)array->children[1]->length);
    for (int64_t i = 0; i < ends->length; i++) {
        int64_t end = fl_offset(ends->buffers[1], width, ends->offset + i);
        if (is_null(ends, i))
            return fl_check_failed(checked, "run end %lld is null", (long long)i);
        if (end <= last)
            return fl_check_failed(checked, "run end %lld is %lld, after %lld", (long long)i,
                                   (long long)end, (long long)last);
        last = end;
    }
    if (last < reach)
        return fl_check_failed(checked, "the runs end at %lld, and must reach %lld",
                               (long long)last, (long long)reach);
    return 0;
}

int fl_check_indices(const struct fl_checked *checked)
{
    const struct ArrowArray *array = checked->array;
    int64_t values = array->dictionary->length;
    for (int64_t i = 0; i < array->length; i++) {
        int64_t at = array->offset + i, index = fl_index(checked->field, array->buffers[1], at);
        if ((index < 0 || index >= values) && !is_null(array, i))
            return fl_check_failed(checked,
                                   "index %lld is %lld, and the dictionary has %lld values",
                                   (long long)at, (long long)index, (long long)values);
    }
    return 0;
}
