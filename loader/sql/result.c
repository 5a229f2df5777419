/* An expression's values as an Arrow array. See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/sql/error.h"
#include "loader/sql/run.h"
#include "loader/sql/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum shape { SHAPE_BOOL, SHAPE_INT, SHAPE_BIG, SHAPE_REAL, SHAPE_TEXT, SHAPE_BYTES };

struct result {
    enum shape shape;
    int64_t rows, nulls;
    bool negative; /* one of the whole numbers so far */
    uint8_t *validity;
    void *values; /* of 8 bytes; bits; 64-bit offsets */
    char *data;
    size_t length, room; /* of data */
    const void *buffers[3];
};

static void result_free(struct result *result)
{
    if (!result)
        return;
    free(result->validity);
    free(result->values);
    free(result->data);
    free(result);
}

static void release_array(struct ArrowArray *array)
{
    result_free(array->private_data);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* Decided by the types in the expression, so that it does not depend on the rows; but for whole
   numbers, see widen. */
static enum shape shape_of(unsigned types)
{
    if (types & FL_SQL_BYTES)
        return SHAPE_BYTES;
    if (types & (FL_SQL_TEXT | FL_SQL_WHEN))
        return SHAPE_TEXT;
    if (types & FL_SQL_REAL)
        return SHAPE_REAL;
    return (types & FL_SQL_TYPES) == FL_SQL_BOOL ? SHAPE_BOOL : SHAPE_INT;
}

static struct result *result_new(uint64_t rows, unsigned types)
{
    struct result *result = calloc(1, sizeof *result);
    if (!result)
        return NULL;
    result->shape = shape_of(types);
    result->validity = calloc(1, rows / 8 + 8);
    result->values = calloc(1, (result->shape == SHAPE_BOOL ? rows / 8 : rows * 8) + 16);
    if (result->validity && result->values)
        return result;
    result_free(result);
    return NULL;
}

static void set_bit(uint8_t *bits, int64_t index)
{
    bits[index / 8] |= (uint8_t)(1 << index % 8);
}

/* Whole numbers that int64 does not hold: all become uint64, or, with negative ones, double. */
static void widen(struct result *result, enum shape shape)
{
    int64_t *whole = result->values;
    double *reals = result->values;
    for (int64_t i = 0; shape == SHAPE_REAL && i < result->rows; i++)
        reals[i] = result->shape == SHAPE_BIG ? (double)(uint64_t)whole[i] : (double)whole[i];
    result->shape = shape;
}

static void put_number(struct result *result, const struct fl_number *number)
{
    if (result->shape == SHAPE_INT && number->kind == FL_NUMBER_BIG)
        widen(result, result->negative ? SHAPE_REAL : SHAPE_BIG);
    if (result->shape == SHAPE_BIG && number->kind == FL_NUMBER_INT && number->integer < 0)
        widen(result, SHAPE_REAL);
    if (result->shape != SHAPE_REAL && number->kind == FL_NUMBER_REAL)
        widen(result, SHAPE_REAL);
    if (result->shape == SHAPE_REAL) {
        ((double *)result->values)[result->rows] = fl_number_real(number);
    } else {
        result->negative |= number->kind == FL_NUMBER_INT && number->integer < 0;
        ((uint64_t *)result->values)[result->rows] = number->big; /* either one's 64 bits */
    }
}

static bool put_data(struct fl_sql *sql, struct result *result, const void *data, size_t length)
{
    while (result->length + length > result->room) {
        char *grown = fl_sql_grow(sql, result->data, result->room, &result->room, 1);
        if (!grown)
            return false;
        result->data = grown;
    }
    if (length && result->data)
        memcpy(result->data + result->length, data, length);
    result->length += length;
    return true;
}

static struct fl_number number_in(const struct fl_sql_run *run, int type)
{
    struct fl_number number = {.kind = FL_NUMBER_NONE};
    if (type == SQLITE_INTEGER) {
        number.kind = FL_NUMBER_INT;
        number.integer = run->api->column_int64(run->statement, 0);
    } else if (type == SQLITE_FLOAT) {
        number.kind = FL_NUMBER_REAL;
        number.real = run->api->column_double(run->statement, 0);
    } else if (type == SQLITE_BLOB) {
        const void *blob = run->api->column_blob(run->statement, 0);
        return fl_number_of_blob(blob, run->api->column_bytes(run->statement, 0));
    }
    return number;
}

static bool put_text(struct fl_sql_run *run, struct result *result, int type)
{
    struct fl_number number;
    char text[FL_NUMBER_TEXT_MOST];
    if (type == SQLITE_TEXT || (type == SQLITE_BLOB && result->shape == SHAPE_BYTES)) {
        const void *data = type == SQLITE_TEXT
                               ? (const void *)run->api->column_text(run->statement, 0)
                               : run->api->column_blob(run->statement, 0);
        return put_data(&run->sql, result, data, (size_t)run->api->column_bytes(run->statement, 0));
    }
    number = number_in(run, type);
    return put_data(&run->sql, result, text, (size_t)fl_number_text(&number, text));
}

static bool put_row(struct fl_sql_run *run, struct result *result)
{
    int type = run->api->column_type(run->statement, 0);
    bool fine = true;
    struct fl_number number;
    if (type == SQLITE_NULL) {
        result->nulls++;
    } else {
        set_bit(result->validity, result->rows);
        if (result->shape >= SHAPE_TEXT) {
            fine = put_text(run, result, type);
        } else if (result->shape == SHAPE_BOOL) {
            if (run->api->column_int64(run->statement, 0))
                set_bit(result->values, result->rows);
        } else {
            number = number_in(run, type);
            put_number(result, &number);
        }
    }
    result->rows++;
    if (result->shape >= SHAPE_TEXT)
        ((int64_t *)result->values)[result->rows] = (int64_t)result->length;
    return fine;
}

/* 32-bit offsets where they do; the later ones are read before they are written over. */
static bool narrow(struct result *result)
{
    const char *from = result->values;
    char *to = result->values;
    if (result->length > INT32_MAX)
        return false;
    for (int64_t i = 0; i <= result->rows; i++) {
        int64_t wide;
        int32_t offset;
        memcpy(&wide, from + 8 * i, sizeof wide);
        offset = (int32_t)wide;
        memcpy(to + 4 * i, &offset, sizeof offset);
    }
    return true;
}

static void export(struct result *result, struct ArrowArray *array, struct ArrowSchema *schema)
{
    static const char *const FORMATS[] = {"b", "l", "L", "g", "u", "z"};
    const char *format = FORMATS[result->shape];
    int64_t buffers = 2;
    if (result->shape >= SHAPE_TEXT) {
        buffers = 3;
        if (!narrow(result))
            format = result->shape == SHAPE_TEXT ? "U" : "Z";
    }
    result->buffers[0] = result->nulls ? result->validity : NULL;
    result->buffers[1] = result->values;
    result->buffers[2] = result->data ? result->data : (const void *)"";
    *array = (struct ArrowArray){.length = result->rows,
                                 .null_count = result->nulls,
                                 .n_buffers = buffers,
                                 .buffers = result->buffers,
                                 .release = release_array,
                                 .private_data = result};
    *schema = (struct ArrowSchema){
        .format = format, .name = "", .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
}

static int collect(struct fl_sql_run *run, struct ArrowArray *array, struct ArrowSchema *schema)
{
    const struct fl_sql *sql = &run->sql;
    uint64_t rows = forkloader_table_rows(sql->table);
    struct result *result = result_new(rows, sql->root->types);
    int step = 0;
    bool fine = result || fl_sql_no_memory(&run->sql);
    while (fine && (uint64_t)result->rows < rows && (step = fl_sql_run_step(run)) > 0)
        fine = put_row(run, result);
    if (fine && step >= 0) {
        export(result, array, schema);
        return 0;
    }
    result_free(result);
    return sql->code;
}

FL_PUBLIC int forkloader_table_evaluate(const struct forkloader_table *table, const char *sql,
                                        struct ArrowArray *array, struct ArrowSchema *schema,
                                        struct forkloader_error *error)
{
    struct fl_sql_run run;
    int code = fl_sql_run_open(&run, table, sql, false, error);
    if (!code && run.sql.root->types & FL_SQL_OTHER) {
        fl_sql_fail(&run.sql, run.sql.root->at,
                    "a list, map or struct is not a value: only IS [NOT] "
                    "NULL takes one");
        code = run.sql.code;
    }
    if (!code)
        code = collect(&run, array, schema);
    fl_sql_run_close(&run);
    return code;
}
