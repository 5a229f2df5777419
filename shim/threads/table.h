/*
 * The thread table: one slot for each thread that came through a hook and is alive. Fixed, without
 * locks: a fork can happen between any two instructions of another thread, and the child must be
 * able to go on from what it finds. After a fork the slots of lost threads are not walked: they
 * belong to an older epoch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_TABLE_H
#define FP_SHIM_THREADS_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FP_THREADS_MAX = 16384 };

enum fp_thread_state { FP_THREAD_FREE, FP_THREAD_STARTING, FP_THREAD_LIVE };

/*
 * One thread's life in one word: state in the low two bits, then 32 bits of tid (0 until the
 * thread itself has run), then a count that tells two users of one slot apart. Whoever ends a
 * life must name it exactly: a census may meet a slot whose thread is gone and that serves the
 * next one already.
 */
typedef uint64_t fp_life;

struct fp_thread_slot {
    _Atomic fp_life life;     /* release on every change; pairs with fp_table_each */
    _Atomic uint32_t epoch;   /* a slot of an older one holds the life of a thread that was lost */
    uint32_t runtime;         /* index in the registry (runtimes.h) */
    _Atomic uint32_t next;    /* in the free list: index + 1, 0 = end */
    int creator;              /* as fp_table_creator */
    void *routine, *argument; /* what the host asked for */
};

static inline enum fp_thread_state fp_life_state(fp_life life)
{
    return (enum fp_thread_state)(life & 3);
}

static inline int fp_life_tid(fp_life life)
{
    return (int)(uint32_t)(life >> 2);
}

/* How slots name the calling thread as a creator: its tid, 0 for the main thread, -1 for one that
   no hook saw starting. */
int fp_table_creator(void);

/* The calling thread is the main one. */
void fp_table_note_main(void);

/* A slot for a thread about to be created; NULL when the table is full. */
struct fp_thread_slot *fp_table_claim(uint32_t runtime, void *routine, void *argument);

/* Called by the new thread, first thing. */
void fp_table_enter(struct fp_thread_slot *slot);

/* That life is over, or its creation failed; nothing happens if somebody ended it before. */
void fp_table_leave(struct fp_thread_slot *slot, fp_life life);

/* Child room. In a forked child: only the calling thread is left, and those of the runtimes that
   `is_carried` says are made anew (NULL: of none); they keep their slots. */
void fp_table_child(bool (*is_carried)(uint32_t runtime));

/* Whether this process ever had a second thread, as far as the hooks and libc know. */
bool fp_table_ever_threaded(void);

/* A hook saw a thread start that gets no slot (raw clone, a full table). */
void fp_table_note_bypass(void);

/* How many threads have been started so far, as far as the hooks know. */
unsigned fp_table_starts(void);

/* Threads alive now as far as the table knows, the main thread included. */
unsigned fp_table_threads(void);

/* The slot of a live thread; NULL for the main thread and for those that have none. */
struct fp_thread_slot *fp_table_find(int tid);

/* A number below FP_THREADS_MAX for a slot. */
size_t fp_table_index(const struct fp_thread_slot *slot);

/* Calls `visit` for each slot in use, with the life it was met in, until it returns false. */
void fp_table_each(bool (*visit)(struct fp_thread_slot *slot, fp_life life, void *context),
                   void *context);

#endif
