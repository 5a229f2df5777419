/* The threads of a prefetch, and its handlers for forks. See prefetch.h.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "loader/arrow/array.h"
#include "loader/base/clock.h"
#include "loader/transport/prefetch.h"

#include <signal.h>

static bool has_room(const struct forkloader_prefetch *prefetch)
{
    uint64_t coming = (prefetch->running + 1) * prefetch->batch_bytes;
    bool is_alone = !prefetch->running && prefetch->waiting == prefetch->first;
    return is_alone || prefetch->counts.bytes_ahead + coming <= prefetch->most_bytes;
}

void fl_prefetch_run(struct forkloader_prefetch *prefetch)
{
    struct fl_job *job = prefetch->waiting;
    prefetch->waiting = job->next;
    prefetch->running++;
    pthread_mutex_unlock(&prefetch->mutex);
    uint64_t begun = fl_now();
    job->code = forkloader_table_take(job->table, job->rows, job->count, job->columns,
                                      job->column_count, &job->array, NULL, &job->error);
    uint64_t bytes = job->code == 0 ? fl_array_bytes(&job->array) : 0;
    uint64_t took = fl_now() - begun;
    pthread_mutex_lock(&prefetch->mutex);
    job->is_done = true;
    prefetch->running--;
    prefetch->batch_bytes = bytes > prefetch->batch_bytes ? bytes : prefetch->batch_bytes;
    prefetch->counts.done++;
    prefetch->counts.take_ns += took;
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
            fl_prefetch_run(prefetch);
        else
            pthread_cond_wait(&prefetch->work, &prefetch->mutex);
    }
    pthread_mutex_unlock(&prefetch->mutex);
    return NULL;
}

void fl_prefetch_start_threads(struct forkloader_prefetch *prefetch)
{
    sigset_t all, before;
    if (prefetch->thread_count == prefetch->threads_wanted || prefetch->ends)
        return;
    sigfillset(&all); /* the host's signals are not for these threads */
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

void fl_prefetch_pause(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    pthread_mutex_lock(&prefetch->mutex);
    prefetch->is_paused = true;
    while (prefetch->running)
        pthread_cond_wait(&prefetch->done, &prefetch->mutex);
}

void fl_prefetch_resume(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    prefetch->is_paused = false;
    pthread_cond_broadcast(&prefetch->work);
    pthread_cond_broadcast(&prefetch->done); /* a caller that waits may do the work */
    pthread_mutex_unlock(&prefetch->mutex);
}

void fl_prefetch_reset(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    prefetch->is_paused = false;
    prefetch->thread_count = 0;
    pthread_mutex_init(&prefetch->mutex, NULL);
    pthread_cond_init(&prefetch->work, NULL);
    pthread_cond_init(&prefetch->done, NULL);
}

void fl_prefetch_end(struct fl_atfork *self)
{
    struct forkloader_prefetch *prefetch = (struct forkloader_prefetch *)self;
    pthread_mutex_lock(&prefetch->mutex);
    prefetch->ends = true;
    pthread_cond_broadcast(&prefetch->work);
    pthread_mutex_unlock(&prefetch->mutex);
    while (prefetch->thread_count)
        pthread_join(prefetch->threads[--prefetch->thread_count], NULL);
}
