/*
 * forkloader: permutations, splits and reading of Arrow tables, in any process that may fork.
 *
 * Everything Arrow comes in and goes out by the C Data and C Stream Interfaces
 * (https://arrow.apache.org/docs/format/CDataInterface.html). The library keeps no thread and takes
 * no lock between two calls.
 *
 * Errors: functions that return int return 0 or an errno value (EINVAL: the caller's fault, ENOMEM,
 * EIO ...), and then write one line that names the thing into `error`, which may be NULL.
 *
 * Ownership: what a function fills in or returns through `**` belongs to the caller, who gives it
 * back with the _free function of its type or, for Arrow structs, with their `release`. What was
 * imported is released exactly once, by the process that imported it: a forked child's copy never
 * is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORKLOADER_H
#define FORKLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

struct forkloader_error {
    char message[512];
};

/* Permutations: "perm v1", docs/perm-v1.md */

/* An order of [0, count): the same for the same arguments on every machine and in every release. */
struct forkloader_permutation;

enum { FORKLOADER_PERM_VERSION = 1 };

/*
 * `clump_size` neighbours stay together (1: none; 0 is an error); only the last clump may be
 * shorter. Takes no memory beyond the handle from 65,536 rows (clumps) on. Immutable: any number of
 * threads and forked children may use it.
 */
int forkloader_permutation_new(struct forkloader_permutation **permutation, uint64_t count,
                               uint64_t seed, uint64_t epoch, uint64_t clump_size,
                               struct forkloader_error *error);
void forkloader_permutation_free(struct forkloader_permutation *permutation);
uint64_t forkloader_permutation_count(const struct forkloader_permutation *permutation);

/* The rows at positions [first, first + count), which must lie within; into `rows`. */
void forkloader_permutation_read(const struct forkloader_permutation *permutation, uint64_t first,
                                 size_t count, uint64_t *rows);

/* The rows at any positions, each of which must be less than the count; `rows` may be `positions`.
 */
void forkloader_permutation_at(const struct forkloader_permutation *permutation,
                               const uint64_t *positions, size_t count, uint64_t *rows);

/* The position of a row: the inverse. */
uint64_t forkloader_permutation_find(const struct forkloader_permutation *permutation,
                                     uint64_t row);

/* Tables */

/* Batches of one schema, as they came: never concatenated. */
struct forkloader_table;

/* Takes the stream over (its release is called) and reads it to its end. Every array is checked:
   what a producer gets wrong is an error here, not a crash later. What nobody can check is taken
   for granted: that buffers are as long as lengths and offsets say, and strings of the schema end.
 */
int forkloader_table_import(struct forkloader_table **table, struct ArrowArrayStream *stream,
                            struct forkloader_error *error);
void forkloader_table_free(struct forkloader_table *table);
uint64_t forkloader_table_rows(const struct forkloader_table *table);
/* Borrowed; a struct of the columns. */
const struct ArrowSchema *forkloader_table_schema(const struct forkloader_table *table);

/*
 * The rows at these numbers, in this order (duplicates are fine), of some columns (NULL: all), as
 * one struct array that owns its memory. A number that is no row is EINVAL and named.
 */
int forkloader_table_take(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                          const int *columns, size_t column_count, struct ArrowArray *array,
                          struct ArrowSchema *schema, struct forkloader_error *error);

/* Splits */

enum forkloader_split_by {
    FORKLOADER_SPLIT_RATIOS = 1,
    FORKLOADER_SPLIT_COUNTS = 2,
    FORKLOADER_SPLIT_FIXED = 3
};

struct forkloader_split {
    enum forkloader_split_by by;
    const double *ratios;   /* by ratios: of the rows, together 1 at most */
    const uint64_t *counts; /* by counts: of rows, together all of them at most */
    uint64_t count;         /* how many there are; by fixed: so many of one size */
};

/*
 * The sizes of `count` splits of so many rows: LanceDB's. Split 0 is the first positions of an
 * order, split 1 the next ones; what is left over belongs to none. On an error `sizes` is as it
 * was.
 */
int forkloader_split_sizes(const struct forkloader_split *split, uint64_t rows, uint64_t *sizes,
                           struct forkloader_error *error);

/* Orders: the rows of a table in splits */

/* Rows in splits, each in an order of its own. Immutable but for its epoch; any number of threads
   and forked children may read it. */
struct forkloader_order;

struct forkloader_order_options {
    uint64_t rows; /* of the table */

    /* What a filter left, ascending; NULL: all rows. Copied. */
    const uint64_t *selected;
    uint64_t selected_count;

    /*
     * Either sizes of consecutive splits, whose sum may be less than there are rows (the rest is
     * dropped); NULL: one split of all. Or the split of each selected row, -1: dropped; their order
     * within a split is that of the table.
     */
    const uint64_t *sizes;
    const int32_t *split_of;
    size_t split_count;

    /* Which rows make which split of `sizes`: as they come, or at random. */
    bool is_random;
    uint64_t random_seed, random_clump_size;

    /* The order within each split: as they come, or shuffled. */
    bool is_shuffled;
    uint64_t shuffle_seed, shuffle_clump_size;
};

/* Takes no memory for the rows, unless there is `selected` or `split_of`. */
int forkloader_order_new(struct forkloader_order **order,
                         const struct forkloader_order_options *options,
                         struct forkloader_error *error);
void forkloader_order_free(struct forkloader_order *order);

size_t forkloader_order_splits(const struct forkloader_order *order);
uint64_t forkloader_order_rows(const struct forkloader_order *order, size_t split);

/* Shuffles each split anew, the same way for the same epoch; 0 at first. Not while another thread
   reads it. */
int forkloader_order_set_epoch(struct forkloader_order *order, uint64_t epoch,
                               struct forkloader_error *error);

/* The rows at positions [first, first + count) of a split. EINVAL, and named, where they do not all
   lie in it. */
int forkloader_order_read(const struct forkloader_order *order, size_t split, uint64_t first,
                          size_t count, uint64_t *rows, struct forkloader_error *error);

/* The same at any positions. */
int forkloader_order_at(const struct forkloader_order *order, size_t split,
                        const uint64_t *positions, size_t count, uint64_t *rows,
                        struct forkloader_error *error);

/* A stream of (row_id: uint64, split_id: uint64 not null), split after split, which may outlive the
   order but not run while its epoch is set. `names`, one for each split or NULL, go into the
   schema's metadata as LanceDB has them. */
int forkloader_order_export(struct forkloader_order *order, const char *const *names,
                            struct ArrowArrayStream *stream, struct forkloader_error *error);

/* SQL: expressions over the columns of a table, docs/sql.md. They need libsqlite3.so.0, opened at
   the first of them; without it they are ENOSYS. */

/* The rows where a condition is true, ascending; to be given back by forkloader_rows_free. */
int forkloader_table_filter(const struct forkloader_table *table, const char *sql, uint64_t **rows,
                            uint64_t *count, struct forkloader_error *error);
void forkloader_rows_free(uint64_t *rows);

/* The expression's value for every row: bool, int64 (uint64 where it takes that), double, utf8 or
   binary, as the expression is (docs/sql.md). */
int forkloader_table_evaluate(const struct forkloader_table *table, const char *sql,
                              struct ArrowArray *array, struct ArrowSchema *schema,
                              struct forkloader_error *error);

/* Hashes: "hash v1", docs/hash-v1.md */

enum { FORKLOADER_HASH_VERSION = 1 };

/* A hash for each row of the table, of the values of these columns ("a.b": a struct's field), in
   this order: the same on every machine and in every release, however they are stored. */
int forkloader_table_hash(const struct forkloader_table *table, const char *const *columns,
                          size_t column_count, uint64_t *hashes, struct forkloader_error *error);

/* The split that a hash falls into, in proportion to the weights; -1: none, it fell into what is
   discarded, or the weights are not what forkloader_hash_splits takes. */
int64_t forkloader_hash_split(uint64_t hash, const uint64_t *weights, size_t count,
                              uint64_t discard);

/* The same for many, as forkloader_order_options' split_of has them. Weights must be greater than
   0, at least one, and with `discard` less than 2^64 together. */
int forkloader_hash_splits(const uint64_t *hashes, size_t rows, const uint64_t *weights,
                           size_t count, uint64_t discard, int32_t *splits,
                           struct forkloader_error *error);

#ifdef __cplusplus
}
#endif

#endif
