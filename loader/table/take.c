/* The classes of types, and what their arrays have in common. See take.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "loader/table/take.h"

#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/take_bits.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

/* What each class's arrays are made with. */
static const struct {
    fl_take_class *take; /* NULL: an array without buffers */
    size_t buffers;
    bool validity;
} CLASSES[FL_CLASS_COUNT] = {
    [FL_CLASS_NULL] = {NULL, 0, false},
    [FL_CLASS_BOOLEAN] = {fl_take_boolean, 2, true},
    [FL_CLASS_FIXED] = {fl_take_fixed, 2, true},
    [FL_CLASS_BINARY] = {fl_take_binary, 3, true},
    [FL_CLASS_VIEW] = {fl_take_views, 2, true},
    [FL_CLASS_LIST] = {fl_take_list, 2, true},
    [FL_CLASS_LIST_VIEW] = {fl_take_list_view, 3, true},
    [FL_CLASS_FIXED_LIST] = {fl_take_fixed_list, 1, true},
    [FL_CLASS_STRUCT] = {fl_take_struct, 1, true},
    [FL_CLASS_SPARSE_UNION] = {fl_take_sparse_union, 1, false},
    [FL_CLASS_DENSE_UNION] = {fl_take_dense_union, 2, false},
    [FL_CLASS_RUN_END] = {fl_take_run_end, 0, false},
    [FL_CLASS_DICTIONARY] = {fl_take_dictionary, 2, true},
};

static int no_memory(const struct fl_field *field, struct forkloader_error *error)
{
    return fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
}

static int take_validity(const struct fl_field *field, const struct fl_picks *picks,
                         struct ArrowArray *out, struct forkloader_error *error)
{
    if (!field->has_nulls)
        return 0;
    uint8_t *bits = fl_take_buffer(out, 0, fl_bytes_of_bits(picks->total), 1, field, error);
    if (!bits)
        return ENOMEM;
    out->null_count = picks->total - fl_bits_take(bits, field, picks, true);
    if (out->null_count == 0)
        fl_array_drop_buffer(out, 0);
    return 0;
}

int fl_take(const struct fl_field *field, const struct fl_picks *picks, struct ArrowArray *out,
            struct forkloader_error *error)
{
    int code = fl_array_make(out, picks->total, CLASSES[field->class].buffers, field->child_count,
                             field->dictionary != NULL);
    if (code != 0)
        return no_memory(field, error);
    if (field->class == FL_CLASS_NULL)
        out->null_count = out->length;
    if (CLASSES[field->class].validity)
        code = take_validity(field, picks, out, error);
    if (code == 0 && CLASSES[field->class].take)
        code = CLASSES[field->class].take(field, picks, out, error);
    if (code != 0)
        out->release(out);
    return code;
}
