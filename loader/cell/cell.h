/*
 * One value of an Arrow column, whatever its encoding: slices, dictionaries, run ends, views and
 * the nulls of the structs around it are resolved. The arrays must have been checked: the ends of
 * buffers are not checked here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_CELL_H
#define FL_CELL_H

#include "forkloader.h"

/* How the values lie in memory. */
enum fl_form {
    FL_FORM_NULL,
    FL_FORM_BOOL,
    FL_FORM_INT,
    FL_FORM_UINT,
    FL_FORM_FLOAT,
    FL_FORM_FIXED, /* `width` bytes: fixed-size binary, decimals, intervals */
    FL_FORM_OFFSETS32,
    FL_FORM_OFFSETS64,
    FL_FORM_VIEW,
    FL_FORM_LIST32,
    FL_FORM_LIST64,
    FL_FORM_LIST_VIEW32,
    FL_FORM_LIST_VIEW64,
    FL_FORM_FIXED_LIST, /* `width` elements */
    FL_FORM_STRUCT,
    FL_FORM_SPARSE_UNION,
    FL_FORM_DENSE_UNION,
    FL_FORM_RUNS,
    FL_FORM_DICTIONARY, /* indices of `width` bytes, signed if `sign` */
};

/* What they mean; of dictionaries and runs, what their values mean. */
enum fl_meaning {
    FL_NULL,
    FL_BOOL,
    FL_INT,
    FL_FLOAT,
    FL_DECIMAL,
    FL_TEXT,
    FL_BYTES,
    FL_DATE,
    FL_STAMP,
    FL_TIME,
    FL_DURATION,
    FL_INTERVAL,
    FL_LIST,
    FL_MAP,
    FL_STRUCT,
    FL_UNION,
};

/* A schema, read once. The children of a dictionary: its values; of runs: ends and values. */
struct fl_type {
    enum fl_form form;
    enum fl_meaning meaning;
    bool sign;
    int width;
    int scale;          /* of a decimal */
    int64_t per_second; /* of times, dates and durations; 0: whole days */
    const struct ArrowSchema *schema;
    size_t count;
    struct fl_type *children;
};

/* EINVAL: an unknown format, or nested too deeply. To be freed by fl_type_free, after an error
   too. Borrows the schema. */
int fl_type_read(struct fl_type *type, const struct ArrowSchema *schema,
                 struct forkloader_error *error);
void fl_type_free(struct fl_type *type);

/* Through dictionaries and runs to the type of the values. */
const struct fl_type *fl_type_plain(const struct fl_type *type);

enum fl_cell_kind {
    FL_CELL_NULL,
    FL_CELL_BOOL,
    FL_CELL_INT, /* also dates, times and durations, in the unit of their type */
    FL_CELL_UINT,
    FL_CELL_DOUBLE,
    FL_CELL_BYTES, /* text, binary, and the little-endian bytes of decimals and intervals */
    FL_CELL_OTHER, /* list, map, struct, union: `array` and `index` find it */
};

struct fl_cell {
    enum fl_cell_kind kind;
    const struct fl_type *type; /* plain */
    union {
        bool truth;
        int64_t integer;
        uint64_t natural;
        double real;
        struct {
            const uint8_t *bytes; /* never NULL */
            size_t length;
        };
        struct {
            const struct ArrowArray *array;
            int64_t index; /* its offset included */
        };
    };
};

/* `row` counts from the array's offset. */
void fl_cell_read(struct fl_cell *cell, const struct fl_type *type, const struct ArrowArray *array,
                  int64_t row);

/* Where the elements of a list or map, or the value of a union, lie in the child: counted from the
   child's offset. Of a struct: its one place in every child. */
struct fl_range {
    int64_t first;
    int64_t count;
};
struct fl_range fl_cell_elements(const struct fl_cell *cell);

enum { FL_CELL_TEXT_MOST = 96 };

/*
 * The text of a decimal ("-12.50"), date ("2024-02-29"), timestamp ("2024-02-29 12:00:00.5", UTC,
 * no trailing zeros) or time ("12:00:00"): timestamps and dates of the years 0 to 9999 sort as
 * text. Before them is "-infinity", behind them "infinity". Returns the length; ends with a NUL.
 */
size_t fl_cell_text(const struct fl_cell *cell, char text[FL_CELL_TEXT_MOST]);

/* The first and the last count of units that a date, timestamp or time has a text of its own for:
   earlier and later ones are infinite. Those of dates in milliseconds are days, too. */
struct fl_cell_span {
    __int128 first, last;
};
struct fl_cell_span fl_cell_span(const struct fl_type *type);

/* A decimal as the nearest double, in every locale. */
double fl_cell_decimal(const struct fl_cell *cell);

/* Seconds, rounded down, and nanoseconds of a count of units. */
void fl_cell_seconds(int64_t count, int64_t per_second, int64_t *seconds, uint32_t *nanoseconds);

/* Days since 1970-01-01, rounded down, of a date. */
int64_t fl_cell_days(const struct fl_cell *cell);

#endif
