/*
 * Takes done ahead. Jobs stand in one queue, in the order in which they were asked for; threads,
 * and whoever waits for the oldest, take the first that nobody has begun.
 *
 * Over a fork no job is running: the child has the queue as it was, each job either done or not
 * begun, and no half of one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "loader/arrow/array.h"
#include "loader/base/clock.h"
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/table/table.h"
#include "loader/transport/atfork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MOST = 256 };

struct job {
    struct job *next;
    bool is_done;
    struct forkloader_table *table;
    int *columns; /* behind the rows; NULL: all */
    size_t column_count, count;
    int code;
    struct forkloader_error error;
    struct ArrowArray array;
    uint64_t rows[];
};

struct forkloader_prefetch {
    struct fl_atfork atfork;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    struct job *first, **end; /* all that were not given */
    struct job *waiting;      /* the first of them that was not begun */
    pthread_t *threads;
    size_t threads_wanted, thread_count, running;
    bool is_paused, ends;
    uint64_t most_bytes, batch_bytes; /* the longest batch so far */
    struct forkloader_prefetch_counts counts;
};

static bool has_room(const struct forkloader_prefetch *prefetch)
{
    uint64_t coming = (prefetch->running + 1) * prefetch->batch_bytes;
    bool is_alone = !prefetch->running && prefetch->waiting == prefetch->first;
    return is_alone || prefetch->counts.bytes_ahead + coming <= prefetch->most_bytes;
}

/* With the mutex, which is let go meanwhile. */
static void run(struct forkloader_prefetch *prefetch)
{
    struct job *job = prefetch->waiting;
    prefetch->waiting = job->next;
    prefetch->running++;
    pthread_mutex_unlock(&prefetch->mutex);
    job->code = forkloader_table_take(job->table, job->rows, job->count, job->columns,
                                      job->column_count, &job->array, NULL, &job->error);
    uint64_t bytes = job->code == 0 ? fl_array_bytes(&job->array) : 0;
    pthread_mutex_lock(&prefetch->mutex);
    job->is_done = true;
    prefetch->running--;
    prefetch->batch_bytes = bytes > prefetch->batch_bytes ? bytes : prefetch->batch_bytes;
    prefetch->counts.done++;
    prefetch->counts.rows += job->code == 0 ? job->count : 0;
    prefetch->counts.bytes += bytes;
    prefetch->counts.bytes_ahead += bytes;
    pthread_cond_broadcast(&prefetch->done);
}

static void *work(void *of)
{
    struct forkloader_prefetch *prefetch = of;
    pthread_mutex_lock(&prefetch->mutex);
    while (!prefetch->ends) {
        if (prefetch->waiting && !prefetch->is_paused && has_room(prefetch))
            run(prefetch);
        else
            pthread_cond_wait(&prefetch->work, &prefetch->mutex);
    }
    pthread_mutex_unlock(&prefetch->mutex);
    return NULL;
}

/* Those that are missing: all of them at first and in a child. The host's signals are none of
   theirs. Where no more can be had, those that ask do the work. */
static void start_threads(struct forkloader_prefetch *prefetch)
{
    sigset_t all, before;
    if (prefetch->thread_count == prefetch->threads_wanted || prefetch->ends)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (prefetch->thread_count < prefetch->threads_wanted) {
        pthread_t *thread = &prefetch->threads[prefetch->thread_count];
        if (pthread_create(thread, NULL, work, prefetch) != 0)
            break;
        (void)pthread_setname_np(*thread, "forkloader");
        prefetch->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void quiet(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    pthread_mutex_lock(&prefetch->mutex);
    prefetch->is_paused = true;
    while (prefetch->running)
        pthread_cond_wait(&prefetch->done, &prefetch->mutex);
}

static void go_on(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    prefetch->is_paused = false;
    pthread_cond_broadcast(&prefetch->work);
    pthread_cond_broadcast(&prefetch->done); /* who asked meanwhile may do the work */
    pthread_mutex_unlock(&prefetch->mutex);
}

static void start_anew(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    prefetch->is_paused = false;
    prefetch->thread_count = 0;
    pthread_mutex_init(&prefetch->mutex, NULL);
    pthread_cond_init(&prefetch->work, NULL);
    pthread_cond_init(&prefetch->done, NULL);
}

static void end(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    pthread_mutex_lock(&prefetch->mutex);
    prefetch->ends = true;
    pthread_cond_broadcast(&prefetch->work);
    pthread_mutex_unlock(&prefetch->mutex);
    while (prefetch->thread_count)
        pthread_join(prefetch->threads[--prefetch->thread_count], NULL);
}

FL_PUBLIC int forkloader_prefetch_new(struct forkloader_prefetch **prefetch, size_t threads,
                                      uint64_t most_bytes, struct forkloader_error *error)
{
    *prefetch = NULL;
    if (threads > THREADS_MOST)
        return fl_fail(error, EINVAL, "threads must be %d at most, not %zu", THREADS_MOST, threads);
    struct forkloader_prefetch *made = calloc(1, sizeof *made);
    if (made)
        made->threads = calloc(threads + 1, sizeof *made->threads);
    if (!made || !made->threads) {
        free(made);
        return fl_fail(error, ENOMEM, "no memory for a prefetch");
    }
    made->atfork =
        (struct fl_atfork){.prepare = quiet, .parent = go_on, .child = start_anew, .end = end};
    made->end = &made->first;
    made->threads_wanted = threads;
    made->most_bytes = most_bytes;
    start_anew(&made->atfork);
    int code = fl_atfork_add(&made->atfork);
    if (code != 0) {
        free(made->threads);
        free(made);
        return fl_fail(error, code, "no prefetch can be made to go through forks: %s",
                       strerror(code));
    }
    *prefetch = made;
    return 0;
}

static void drop(struct job *job)
{
    if (job->array.release)
        job->array.release(&job->array);
    forkloader_table_free(job->table);
    free(job);
}

FL_PUBLIC void forkloader_prefetch_cancel(struct forkloader_prefetch *prefetch)
{
    pthread_mutex_lock(&prefetch->mutex);
    while (prefetch->running) {
        prefetch->waiting = NULL;
        pthread_cond_wait(&prefetch->done, &prefetch->mutex);
    }
    struct job *job = prefetch->first;
    prefetch->first = prefetch->waiting = NULL;
    prefetch->end = &prefetch->first;
    prefetch->counts.bytes_ahead = 0;
    pthread_cond_broadcast(&prefetch->done); /* there is nothing to wait for */
    pthread_mutex_unlock(&prefetch->mutex);
    while (job) {
        struct job *next = job->next;
        drop(job);
        job = next;
    }
}

FL_PUBLIC void forkloader_prefetch_free(struct forkloader_prefetch *prefetch)
{
    if (!prefetch)
        return;
    fl_atfork_remove(&prefetch->atfork);
    forkloader_prefetch_cancel(prefetch);
    end(&prefetch->atfork);
    pthread_cond_destroy(&prefetch->work);
    pthread_cond_destroy(&prefetch->done);
    pthread_mutex_destroy(&prefetch->mutex);
    free(prefetch->threads);
    free(prefetch);
}

FL_PUBLIC int forkloader_prefetch_submit(struct forkloader_prefetch *prefetch,
                                         struct forkloader_table *table, const uint64_t *rows,
                                         size_t count, const int *columns, size_t column_count,
                                         struct forkloader_error *error)
{
    size_t row_bytes, column_bytes, bytes;
    struct job *job = NULL;
    if (!__builtin_mul_overflow(count, sizeof *rows, &row_bytes) &&
        !__builtin_mul_overflow(column_count, sizeof *columns, &column_bytes) &&
        !__builtin_add_overflow(row_bytes, column_bytes, &bytes) &&
        !__builtin_add_overflow(bytes, sizeof *job, &bytes))
        job = malloc(bytes);
    if (!job)
        return fl_fail(error, ENOMEM, "no memory for a take of %zu rows", count);
    memset(job, 0, sizeof *job);
    if (count)
        memcpy(job->rows, rows, row_bytes);
    if (columns) {
        job->columns = (int *)(job->rows + count);
        memcpy(job->columns, columns, column_bytes);
    }
    job->table = fl_table_keep(table);
    job->column_count = column_count;
    job->count = count;
    pthread_mutex_lock(&prefetch->mutex);
    *prefetch->end = job;
    prefetch->end = &job->next;
    if (!prefetch->waiting)
        prefetch->waiting = job;
    prefetch->counts.submitted++;
    start_threads(prefetch);
    pthread_cond_signal(&prefetch->work);
    pthread_mutex_unlock(&prefetch->mutex);
    return 0;
}

/* The oldest job, when it is done; NULL: there is none. Here its own caller may do it. */
static struct job *finish_first(struct forkloader_prefetch *prefetch)
{
    uint64_t begun = 0;
    while (prefetch->first && !prefetch->first->is_done) {
        if (!begun) {
            begun = fl_now();
            prefetch->counts.waits++;
        }
        if (prefetch->waiting == prefetch->first && !prefetch->is_paused)
            run(prefetch);
        else
            pthread_cond_wait(&prefetch->done, &prefetch->mutex);
    }
    prefetch->counts.wait_ns += begun ? fl_now() - begun : 0;
    struct job *job = prefetch->first;
    if (!job)
        return NULL;
    prefetch->first = job->next;
    if (!prefetch->first)
        prefetch->end = &prefetch->first;
    prefetch->counts.given++;
    if (job->code == 0)
        prefetch->counts.bytes_ahead -= fl_array_bytes(&job->array);
    return job;
}

FL_PUBLIC int forkloader_prefetch_next(struct forkloader_prefetch *prefetch,
                                       struct ArrowArray *array, struct ArrowSchema *schema,
                                       struct forkloader_error *error)
{
    array->release = NULL;
    if (schema)
        schema->release = NULL;
    pthread_mutex_lock(&prefetch->mutex);
    struct job *job = finish_first(prefetch);
    start_threads(prefetch);
    pthread_cond_signal(&prefetch->work); /* there is room for one more */
    pthread_mutex_unlock(&prefetch->mutex);
    if (!job)
        return fl_fail(error, ENOENT, "nothing was asked for");
    int code = job->code;
    if (code != 0 && error)
        *error = job->error;
    if (code == 0 && schema &&
        (code = fl_schema_copy(schema, forkloader_table_schema(job->table), job->columns,
                               job->column_count)) != 0)
        (void)fl_fail(error, code, "no memory for a schema");
    if (code == 0) {
        *array = job->array;
        job->array.release = NULL;
    }
    drop(job);
    return code;
}

FL_PUBLIC void forkloader_prefetch_count(struct forkloader_prefetch *prefetch,
                                         struct forkloader_prefetch_counts *counts)
{
    pthread_mutex_lock(&prefetch->mutex);
    *counts = prefetch->counts;
    pthread_mutex_unlock(&prefetch->mutex);
}
