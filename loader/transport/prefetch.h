/*
 * Takes done ahead. Jobs are in one queue, in the order of their submission; threads, and callers
 * that wait for the oldest job, do the first that is not begun.
 *
 * Over a fork no job is running: the child has the queue as it was, each job either done or not
 * begun.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_PREFETCH_H
#define FL_PREFETCH_H

#include "loader/transport/atfork.h"

#include "forkloader.h"

#include <pthread.h>

struct fl_job {
    struct fl_job *next;
    bool is_done;
    struct forkloader_table *table;
    int *columns; /* after the rows; NULL: all */
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
    struct fl_job *first, **end; /* all that were not returned */
    struct fl_job *waiting;      /* the first of these that is not begun */
    pthread_t *threads;
    size_t threads_wanted, thread_count, running;
    bool is_paused, ends;
    uint64_t most_bytes, batch_bytes; /* the longest batch so far */
    struct forkloader_prefetch_counts counts;
};

/* Does the first job that is not begun; with the mutex, which is released during it. */
void fl_prefetch_run(struct forkloader_prefetch *prefetch);

/* Starts the threads that are missing: all of them at first and in a child; with the mutex. Where
   no thread can be had, those that ask do the work. */
void fl_prefetch_start_threads(struct forkloader_prefetch *prefetch);

/* The handlers of a prefetch: see atfork.h. */
void fl_prefetch_pause(struct fl_atfork *self);
void fl_prefetch_resume(struct fl_atfork *self);
void fl_prefetch_reset(struct fl_atfork *self);
void fl_prefetch_end(struct fl_atfork *self);

#endif
