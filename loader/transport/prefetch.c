/* The queue of takes. See prefetch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* clock_gettime */
#include "loader/transport/prefetch.h"
#include "loader/arrow/array.h"
#include "loader/base/clock.h"
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/table/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MOST = 256 };

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
    made->atfork = (struct fl_atfork){.prepare = fl_prefetch_pause,
                                      .parent = fl_prefetch_resume,
                                      .child = fl_prefetch_reset,
                                      .end = fl_prefetch_end};
    made->end = &made->first;
    made->threads_wanted = threads;
    made->most_bytes = most_bytes;
    fl_prefetch_reset(&made->atfork);
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

static void drop(struct fl_job *job)
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
    struct fl_job *job = prefetch->first;
    prefetch->first = prefetch->waiting = NULL;
    prefetch->end = &prefetch->first;
    prefetch->counts.bytes_ahead = 0;
    pthread_cond_broadcast(&prefetch->done); /* no job is left to wait for */
    pthread_mutex_unlock(&prefetch->mutex);
    while (job) {
        struct fl_job *next = job->next;
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
    fl_prefetch_end(&prefetch->atfork);
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
    struct fl_job *job = NULL;
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
    fl_prefetch_start_threads(prefetch);
    pthread_cond_signal(&prefetch->work);
    pthread_mutex_unlock(&prefetch->mutex);
    return 0;
}

/* The oldest job, when it is done; NULL: there is no job. The caller may do it itself. */
static struct fl_job *finish_first(struct forkloader_prefetch *prefetch)
{
    uint64_t begun = 0;
    while (prefetch->first && !prefetch->first->is_done) {
        if (!begun) {
            begun = fl_now();
            prefetch->counts.waits++;
        }
        if (prefetch->waiting == prefetch->first && !prefetch->is_paused)
            fl_prefetch_run(prefetch);
        else
            pthread_cond_wait(&prefetch->done, &prefetch->mutex);
    }
    prefetch->counts.wait_ns += begun ? fl_now() - begun : 0;
    struct fl_job *job = prefetch->first;
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
    struct fl_job *job = finish_first(prefetch);
    fl_prefetch_start_threads(prefetch);
    pthread_cond_signal(&prefetch->work); /* there is room for one more */
    pthread_mutex_unlock(&prefetch->mutex);
    if (!job)
        return fl_fail(error, ENOENT, "no take was submitted");
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
