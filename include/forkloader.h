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

/* The position of a row: the inverse. */
uint64_t forkloader_permutation_find(const struct forkloader_permutation *permutation,
                                     uint64_t row);

/* Tables */

/* Batches of one schema, as they came: never concatenated. */
struct forkloader_table;

/* Takes the stream over (its release is called) and reads it to its end. Every array is checked:
   what a producer gets wrong is an error here, not a crash later. */
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

#ifdef __cplusplus
}
#endif

#endif
