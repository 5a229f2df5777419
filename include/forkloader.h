/*
 * forkloader: permutations, splits and reading of Arrow tables, in any process that may fork.
 *
 * Everything Arrow comes in and goes out by the C Data and C Stream Interfaces
 * (https://arrow.apache.org/docs/format/CDataInterface.html). Threads are kept by a prefetch alone,
 * locks by nothing, between two calls.
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
 * one struct array that owns its memory; `schema` may be NULL. A number that is no row is EINVAL
 * and named.
 */
int forkloader_table_take(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                          const int *columns, size_t column_count, struct ArrowArray *array,
                          struct ArrowSchema *schema, struct forkloader_error *error);

/* Prefetch: takes done ahead, by threads. They go through forks: the parent's are quiet for the
   moment, a child's copy has what was asked for and takes it with threads of its own, from its next
   call on. */

struct forkloader_prefetch;

struct forkloader_prefetch_counts {
    uint64_t submitted, done, given; /* batches; what was cancelled is not given */
    uint64_t rows, bytes;            /* of those done */
    uint64_t bytes_ahead;            /* done and not given yet */
    uint64_t waits, wait_ns;         /* of those who asked for the next one before it was done */
    uint64_t take_ns;                /* that the takes took, all threads' together */
};

/* `threads` may be 0: whoever asks does the work. While `most_bytes` lie ready, nothing more is
   begun; one batch may always be. */
int forkloader_prefetch_new(struct forkloader_prefetch **prefetch, size_t threads,
                            uint64_t most_bytes, struct forkloader_error *error);

/* Not while another thread uses it. Ends the threads; what was not given is released. */
void forkloader_prefetch_free(struct forkloader_prefetch *prefetch);

/* Asks for a take (forkloader_table_take), whose arguments are copied; the table may be freed. */
int forkloader_prefetch_submit(struct forkloader_prefetch *prefetch, struct forkloader_table *table,
                               const uint64_t *rows, size_t count, const int *columns,
                               size_t column_count, struct forkloader_error *error);

/* The oldest that was asked for and not given yet, with the error of its own take; `schema` may be
   NULL. ENOENT: there is none. */
int forkloader_prefetch_next(struct forkloader_prefetch *prefetch, struct ArrowArray *array,
                             struct ArrowSchema *schema, struct forkloader_error *error);

/* Forgets what was asked for and not given yet. */
void forkloader_prefetch_cancel(struct forkloader_prefetch *prefetch);

void forkloader_prefetch_count(struct forkloader_prefetch *prefetch,
                               struct forkloader_prefetch_counts *counts);

/* Rings: batches from process to process, in memory that both map. A lane belongs to one writer at
   a time and has slots of its own; a slot goes from the writer to the reader, who sees the batch
   where it lies, and back when the batch is released. The memory has no name: it is gone with the
   last process that maps it. */

struct forkloader_ring;

struct forkloader_ring_batch {
    uint64_t sequence;  /* by which the reader asks for it */
    uint32_t kind;      /* the caller's */
    uint32_t is_copy;   /* set by get: the lane's other slots are held, so that it is no view */
    uint64_t values[4]; /* the caller's */
};

enum { FORKLOADER_RING_LANES_MOST = 1024, FORKLOADER_RING_SLOTS_MOST = 1024 };

/* Of one lane. What was counted since the ring was made, and what its slots are now. */
struct forkloader_ring_counts {
    uint64_t batches, bytes, copies;
    uint64_t reader_waits, reader_wait_ns, writer_waits, writer_wait_ns;
    uint32_t free, filling, ready, held;
};

/* `slot_bytes` is what a batch may have at most; memory is taken as batches need it. */
int forkloader_ring_new(struct forkloader_ring **ring, size_t lanes, size_t slots,
                        uint64_t slot_bytes, struct forkloader_error *error);

/* The same ring in a process that has its descriptor, which stays the caller's. A forked child
   needs no open. */
int forkloader_ring_open(struct forkloader_ring **ring, int descriptor,
                         struct forkloader_error *error);

/* Batches that were got stay as they are until they are released. */
void forkloader_ring_free(struct forkloader_ring *ring);
int forkloader_ring_descriptor(const struct forkloader_ring *ring);
size_t forkloader_ring_lanes(const struct forkloader_ring *ring);

/*
 * Puts a batch into a slot of the lane, copying it once. ETIMEDOUT: no slot came free in so many
 * milliseconds (-1: for ever). EINTR: a signal came. After these two it can be put again; else the
 * array (a struct of columns) and the schema are taken over. ECANCELED: the ring is stopped.
 * ENOSPC: there is no memory, or the batch is larger than a slot.
 */
int forkloader_ring_put(struct forkloader_ring *ring, size_t lane,
                        const struct forkloader_ring_batch *batch, struct ArrowArray *array,
                        struct ArrowSchema *schema, int milliseconds,
                        struct forkloader_error *error);

/* The same with any bytes: each of `parts` begins at a multiple of 64 behind the one before. */
int forkloader_ring_put_bytes(struct forkloader_ring *ring, size_t lane,
                              const struct forkloader_ring_batch *batch, const void *const *parts,
                              const size_t *sizes, size_t part_count, int milliseconds,
                              struct forkloader_error *error);

/*
 * The batch of `batch->sequence`, as a view of its slot; what was put as bytes is an array of
 * uint8. The release is the token that gives the slot back: any thread of this process may call it,
 * and in a forked child it does nothing. Errors as for put.
 */
int forkloader_ring_get(struct forkloader_ring *ring, size_t lane,
                        struct forkloader_ring_batch *batch, struct ArrowArray *array,
                        struct ArrowSchema *schema, int milliseconds,
                        struct forkloader_error *error);

/* Gives back what a process that has ended had filled or held; how many slots. */
size_t forkloader_ring_reap(struct forkloader_ring *ring, int process);

/* Everybody who waits, or will, gets ECANCELED. */
void forkloader_ring_stop(struct forkloader_ring *ring);

/* EINVAL: there is no such lane. */
int forkloader_ring_count(const struct forkloader_ring *ring, size_t lane,
                          struct forkloader_ring_counts *counts);

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
