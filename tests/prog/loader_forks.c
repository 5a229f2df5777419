/*
 * loader_forks LIBRARY [forks=N] [threads=N] [by_thread] [exits] [unloads]: forks while
 * libforkloader takes batches ahead at full speed, with views of a ring's slots held.
 *
 *   forks=N      so many children (50), up to four at once
 *   threads=N    of the prefetch (4)
 *   by_thread    another thread forks, while this one goes on
 *   exits        no fork: ends while another thread goes on
 *   unloads      unloads the library while its threads work, and forks
 *
 * Each child is given what was outstanding, and no more, releases its copies of the views, and uses
 * a prefetch and a lane of its own. A line for each that is wrong; at the end "forks N", then
 * "wrong N", then "rate R", which is the rows a second afterwards by those before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include "forkloader.h"

#include <dlfcn.h>
#include <stdatomic.h>

enum {
    ROWS = 100000,
    EACH = 500,
    AHEAD = 48,
    LANES = 2,
    VIEWS = 3,
    SLOTS = VIEWS + 2,
    SECONDS = 20
};

/* The functions of the library. */
#define FUNCTIONS(X)                                                                       \
    X(table_import)                                                                        \
    X(table_free)                                                                          \
    X(prefetch_new) X(prefetch_free) X(prefetch_submit) X(prefetch_next) X(prefetch_count) \
        X(ring_new) X(ring_free) X(ring_put) X(ring_get) X(ring_count)
#define DECLARE(name) static __typeof__(forkloader_##name) *name;
FUNCTIONS(DECLARE)

static void *handle;

static void load(const char *path)
{
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    must(handle != NULL, path);
#define FIND(name)                                        \
    *(void **)&name = dlsym(handle, "forkloader_" #name); \
    must(name != NULL, #name);
    FUNCTIONS(FIND)
}

/* A table of one column, where row i has i * 3. */
static int64_t values[ROWS];
static struct ArrowSchema field = {.format = "l", .name = "n"};
static struct ArrowSchema *fields[] = {&field};
static const void *buffers[1], *column_buffers[] = {NULL, values};
static struct ArrowArray column = {.length = ROWS, .n_buffers = 2, .buffers = column_buffers};
static struct ArrowArray *columns[] = {&column};
static atomic_int table_releases;

static void release_array(struct ArrowArray *array)
{
    table_releases += array->n_children > 0;
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    (void)stream;
    field.release = release_schema;
    *schema = (struct ArrowSchema){
        .format = "+s", .n_children = 1, .children = fields, .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    memset(array, 0, sizeof *array);
    if (stream->private_data) {
        column.release = release_array;
        *array = (struct ArrowArray){.length = ROWS,
                                     .n_buffers = 1,
                                     .n_children = 1,
                                     .buffers = buffers,
                                     .children = columns,
                                     .release = release_array};
    }
    stream->private_data = NULL;
    return 0;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static struct forkloader_table *import(void)
{
    struct forkloader_table *table;
    struct ArrowArrayStream stream = {.get_schema = get_schema,
                                      .get_next = get_next,
                                      .release = release_stream,
                                      .private_data = values};
    for (int64_t i = 0; i < ROWS; i++)
        values[i] = i * 3;
    must(table_import(&table, &stream, NULL) == 0, "table_import");
    return table;
}

static struct forkloader_table *table;
static struct forkloader_prefetch *prefetch;
static struct forkloader_ring *ring;
static atomic_ullong wrong;

/* Take number `number` has rows of its own, scattered over the table. */
static uint64_t row_of(uint64_t number, uint64_t at)
{
    return (number * EACH + at) * 7919 % ROWS;
}

static void ask(struct forkloader_prefetch *of, uint64_t number)
{
    uint64_t rows[EACH];
    for (uint64_t i = 0; i < EACH; i++)
        rows[i] = row_of(number, i);
    must(prefetch_submit(of, table, rows, EACH, NULL, 0, NULL) == 0, "prefetch_submit");
}

static void check(const struct ArrowArray *array, uint64_t number)
{
    const int64_t *is = array->children[0]->buffers[1];
    int bad = array->length != EACH;
    for (uint64_t i = 0; !bad && i < EACH; i++)
        bad = is[i] != (int64_t)row_of(number, i) * 3;
    if (bad)
        say("wrong: batch %llu in process %d\n", (unsigned long long)number, (int)getpid());
    wrong += (unsigned)bad;
}

struct batch {
    struct ArrowArray array;
    struct ArrowSchema schema;
    uint64_t number;
};

static int next(struct forkloader_prefetch *of, struct batch *batch, uint64_t number)
{
    int code = prefetch_next(of, &batch->array, &batch->schema, NULL);
    if (code == 0)
        check(&batch->array, batch->number = number);
    return code;
}

static void release(struct batch *batch)
{
    if (batch->array.release)
        batch->array.release(&batch->array);
    if (batch->schema.release)
        batch->schema.release(&batch->schema);
}

/* Through the ring: the batch becomes a view of a slot. */
static void pass(size_t lane, struct batch *batch)
{
    struct forkloader_ring_batch through = {.sequence = batch->number};
    must(ring_put(ring, lane, &through, &batch->array, &batch->schema, SECONDS * 1000, NULL) == 0,
         "ring_put");
    must(ring_get(ring, lane, &through, &batch->array, &batch->schema, SECONDS * 1000, NULL) == 0,
         "ring_get");
    check(&batch->array, batch->number);
}

static struct batch views[VIEWS];
static uint64_t asked, given; /* of the thread that asks alone */

static void go_on(void)
{
    struct batch batch;
    while (asked < given + AHEAD)
        ask(prefetch, asked++);
    must(next(prefetch, &batch, given) == 0, "prefetch_next");
    pass(0, &batch);
    struct batch *place = &views[given++ % VIEWS];
    struct batch before = *place;
    *place = batch;
    if (before.array.release)
        check(&before.array, before.number);
    release(&before);
}

static int slots_held(size_t lane)
{
    struct forkloader_ring_counts counts;
    must(ring_count(ring, lane, &counts) == 0, "ring_count");
    return (int)(SLOTS - counts.free);
}

/* All that was outstanding, once; then more. */
static void live_on(int is_quiet)
{
    struct forkloader_prefetch_counts counts;
    struct batch batch;
    alarm(SECONDS);
    must(task_count() == 1, "no thread before the first call");
    prefetch_count(prefetch, &counts);
    for (uint64_t number = counts.given; number < counts.submitted; number++) {
        must(next(prefetch, &batch, number) == 0, "what was outstanding");
        release(&batch);
    }
    must(next(prefetch, &batch, 0) == ENOENT, "no more than what was outstanding");
    for (int i = 0; i < VIEWS && is_quiet; i++)
        release(&views[i]); /* which gives nothing back */
    for (uint64_t number = 0; number < 8; number++)
        ask(prefetch, number);
    for (uint64_t number = 0; number < 8; number++) {
        must(next(prefetch, &batch, number) == 0, "what the child asked for");
        if (number == 0 && is_quiet) {
            batch.number = (uint64_t)getpid(); /* the lane is of all children */
            struct forkloader_ring_batch through = {.sequence = batch.number};
            must(ring_put(ring, 1, &through, &batch.array, &batch.schema, SECONDS * 1000, NULL) ==
                     0,
                 "ring_put in a child");
            must(ring_get(ring, 1, &through, &batch.array, &batch.schema, 0, NULL) == 0,
                 "ring_get in a child");
            check(&batch.array, 0);
        }
        release(&batch);
    }
    prefetch_free(prefetch);
    must(table_releases == 0, "a child releases no table");
    _exit(wrong ? 1 : 0);
}

static int fork_count = 50, is_by_thread;
static atomic_int is_done;

static void *fork_on(void *unused)
{
    pid_t children[4] = {0};
    for (int i = 0; i < fork_count; i++) {
        for (int j = 0; j < i % 7 && !is_by_thread; j++)
            go_on();
        if (children[i % 4] > 0)
            must(end_of(children[i % 4]) == 0, "a child");
        children[i % 4] = fork();
        must(children[i % 4] >= 0, "fork");
        if (children[i % 4] == 0)
            live_on(!is_by_thread);
    }
    for (int i = 0; i < 4; i++)
        must(children[i] <= 0 || end_of(children[i]) == 0, "a child");
    is_done = 1;
    return unused;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Rows a second, at the best of some times: others use the machine as well. */
static double rate(void)
{
    double best = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t first = given;
        double begun = now(), took;
        do
            go_on();
        while ((took = now() - begun) < 0.03);
        double found = (double)((given - first) * EACH) / took;
        best = found > best ? found : best;
    }
    return best;
}

static void *go_on_for_ever(void *unused)
{
    for (;;)
        go_on();
    return unused;
}

static void forks(void)
{
    pthread_t forker;
    double before = rate();
    if (is_by_thread) {
        must(pthread_create(&forker, NULL, fork_on, NULL) == 0, "pthread_create");
        while (!is_done)
            go_on();
        pthread_join(forker, NULL);
    } else {
        fork_on(NULL);
    }
    double after = rate();
    while (given < asked) {
        struct batch batch;
        must(next(prefetch, &batch, given++) == 0, "prefetch_next");
        release(&batch);
    }
    say("forks %d\nwrong %llu\nrate %.2f\n", fork_count, wrong, after / before);
}

static int unload(const char *path)
{
    for (uint64_t number = 0; number < AHEAD; number++)
        ask(prefetch, number);
    must(task_count() > 1, "threads");
    must(dlclose(handle) == 0 && !dlopen(path, RTLD_NOW | RTLD_NOLOAD), "it is unloaded");
    wait_for_tasks(1);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return end_of(child);
}

int main(int count, char **arguments)
{
    size_t threads = 4;
    int exits = 0, unloads = 0;
    must(count > 1, "a library");
    load(arguments[1]);
    for (int i = 2; i < count; i++) {
        if (strncmp(arguments[i], "forks=", 6) == 0)
            fork_count = atoi(arguments[i] + 6);
        else if (strncmp(arguments[i], "threads=", 8) == 0)
            threads = (size_t)atoi(arguments[i] + 8);
        else if (strcmp(arguments[i], "by_thread") == 0)
            is_by_thread = 1;
        else if (strcmp(arguments[i], "exits") == 0)
            exits = 1;
        else if (strcmp(arguments[i], "unloads") == 0)
            unloads = 1;
    }
    table = import();
    must(prefetch_new(&prefetch, threads, 1 << 20, NULL) == 0, "prefetch_new");
    must(ring_new(&ring, LANES, SLOTS, 1 << 16, NULL) == 0, "ring_new");
    if (unloads)
        return unload(arguments[1]);
    if (exits) {
        pthread_t thread;
        must(pthread_create(&thread, NULL, go_on_for_ever, NULL) == 0, "pthread_create");
        rest(20);
        return 0;
    }
    forks();
    must(slots_held(0) == VIEWS && slots_held(1) == 0, "slots are held by views alone");
    for (int i = 0; i < VIEWS; i++)
        release(&views[i]);
    must(slots_held(0) == 0, "every slot is given back");
    prefetch_free(prefetch);
    must(table_releases == 0, "the table");
    table_free(table);
    must(table_releases == 1, "the table is released once");
    ring_free(ring);
    return 0;
}
