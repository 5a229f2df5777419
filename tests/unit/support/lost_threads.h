/*
 * Threads that a forked child is without, for tests of shim/threads/lost.c in children that are
 * forked here. For one file of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_LOST_THREADS_H
#define FP_TESTS_LOST_THREADS_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/base/self.h"
#include "shim/threads/lost.h"
#include "shim/threads/table.h"

/* What the shim does in a forked child (watch.c, child.c). */
static _Thread_local bool is_survivor;
static _Thread_local struct fp_forking_thread forking; /* noted in the parent */
static uint32_t reset = FP_ENTRY_NONE;                 /* the runtime that was reset for the fork */

static inline bool is_reset(uint32_t runtime)
{
    return runtime == reset;
}

static inline void enter_child(void)
{
    fp_lost_note(&forking, is_reset);
    is_survivor = true;
    fp_table_child(NULL);
}

/* Runs `check` in a forked child; true when it finds nothing wrong: it returns 0, or the line. */
static inline bool in_child(int (*check)(void))
{
    int status;
    if (!fp_self.slot)
        fp_table_note_main();
    forking = (struct fp_forking_thread){
        .process = getpid(), .creator = fp_table_creator(), .is_survivor = is_survivor};
    pid_t child = fork();
    if (child == 0) {
        enter_child();
        int line = check();
        if (line)
            dprintf(STDERR_FILENO, "in a child: line %d\n", line);
        _exit(line != 0);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

#define WANT(condition)      \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

static inline struct fp_thread_slot *add_thread(uint32_t runtime)
{
    if (!fp_self.slot && gettid() == getpid())
        fp_table_note_main();
    struct fp_thread_slot *slot = fp_table_claim(runtime, NULL, NULL);
    cr_assert(slot);
    return slot;
}

/* A thread that lives with this tid, as far as the table knows. */
static inline struct fp_thread_slot *add_live(uint32_t runtime, pid_t tid)
{
    struct fp_thread_slot *slot = add_thread(runtime);
    fp_life life = atomic_load(&slot->life);
    atomic_store(&slot->life, (life & ~(fp_life)3) | (fp_life)tid << 2 | FP_THREAD_LIVE);
    return slot;
}

/* A real one, which stays until the process ends. */
static pthread_barrier_t entered;
static _Atomic pid_t entered_tid;

static inline void *stay(void *argument)
{
    fp_table_enter(argument);
    entered_tid = gettid();
    pthread_barrier_wait(&entered);
    for (;;)
        pause();
    return NULL;
}

static inline pid_t start_thread(uint32_t runtime)
{
    pthread_t thread;
    pthread_barrier_init(&entered, NULL, 2);
    pthread_create(&thread, NULL, stay, add_thread(runtime));
    pthread_barrier_wait(&entered);
    return entered_tid;
}

static uint32_t first, second;

static inline void setup(void)
{
    first = fp_runtime_intern("/lib/first.so", "", "");
    second = fp_runtime_intern("/lib/second.so", "", "");
}

#endif
