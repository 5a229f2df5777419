/*
 * Wait points. In a library that is to be carried, the functions that a thread sleeps in are led
 * through ours, which note where the thread stands before they call libc's: the registers that the
 * caller expects back, the stack pointer, and what is waited for. From that the child makes the
 * thread anew, as one that has just been woken for no reason, or that waits again.
 *
 * One for each slot of the thread table. The thread itself writes it, but for what is found out at
 * a fork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_POINT_H
#define FP_SHIM_CARRY_POINT_H

#include "shim/base/self.h"
#include "shim/threads/table.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

enum fp_point_state {
    FP_POINT_NONE, /* not a thread that is to be carried */
    FP_POINT_STARTING,
    FP_POINT_RUNS,
    FP_POINT_WAITS,
    FP_POINT_EXPIRED, /* its time has come, and the gate has yet to let the thread go on */
};

enum fp_point_kind {
#define FP_WAIT_POINT(KIND, ...) FP_POINT_##KIND,
#include "shim/carry/waits.def"
#undef FP_WAIT_POINT
    FP_POINT_CXX,   /* std::condition_variable::wait(lock) */
    FP_POINT_FUTEX, /* syscall(SYS_futex, ...) */
};

/* What the thread waits for. */
enum fp_point_object { FP_ON_CONDITION, FP_ON_SEMAPHORE, FP_ON_WORD, FP_ON_EPOLL };

/* Where a thread waits: its stack pointer, and the code that waits. */
struct fp_point_place {
    uintptr_t stack;
    const void *caller;
};

/* What only the child needs, as it was when the process forked. */
struct fp_point_snapshot {
    /* The condition, semaphore or futex word, all of it: who is woken may leave the futex's word as
       it was. No bytes: it waits for none of these. */
    size_t object_size;
    char object[sizeof(pthread_cond_t)];
    int forking;         /* the thread that forks: it may hold the mutex that goes with the wait */
    unsigned long waits; /* the wait that was looked at */
    unsigned long seen;  /* the wait in which the kernel had it asleep in the call; 0: none */
    unsigned long wait;  /* the wait in which the next three were read; 0: none */
    sigset_t mask;
    void *robust;
    size_t robust_size;
    char name[16];
    char *memory; /* libc's descriptor, and the blocks of thread-specific data behind it */
};

struct fp_point {
    /* The first three are known to enter.S. */
    uintptr_t stack; /* the stack pointer where the thread is to come back */
    long (*wait)(struct fp_point *point);
    long (*resume)(struct fp_point *point);
    _Atomic int state;
    enum fp_point_kind kind;
    long arguments[7];
    char *descriptor;                        /* struct pthread */
    struct _pthread_cleanup_buffer *cleanup; /* the thread's, without the one of the wait */
    const void *caller;                      /* the code that waits */
    struct fp_point_place first;             /* the place that it waited at first of all */
    struct fp_point_place home;              /* the outermost place that it ever waited at */
    struct fp_point_place timed_home;        /* ...with a time limit */
    unsigned long waits;                     /* how many it has begun */
    uint64_t begun;       /* in microseconds: a wait of which it is told how long it lasts */
    struct timespec left; /* in a child: of such a wait */
    bool has_foreign_stack, is_captured, is_tried;
    bool is_restored; /* in a child: it came along */
    stack_t alternate;
    struct fp_point_snapshot snapshot;
};

/* The calling thread's; NULL where it is not to be carried. */
extern FP_THREAD struct fp_point *fp_point_own;

struct fp_point *fp_point_of(const struct fp_thread_slot *slot);

/* The gate. While it is closed, a thread that is woken goes on, since a fork handler may wait for
   it, and the fork finds out; one whose time has come stops before it returns from its wait, for a
   second at most. While it is held, every thread stops. */
void fp_gate_close(void);
void fp_gate_hold(void);
void fp_gate_open(void);
void fp_gate_child(void);
void fp_gate_pass(void);
void fp_gate_pass_late(void); /* its time has come */

/* Whether event loops of tried libraries are to look again how long they have to wait: what they
   wait for may have been called off, which they find out when the time has come. */
void fp_gate_hurry(bool is_asked);
bool fp_gate_hurries(void);

/* In a child, while its threads are made: they stop, until all of them go on, or none. */
void fp_gate_decide(bool go_on);
bool fp_gate_admits(void);

enum fp_point_object fp_point_object(const struct fp_point *point);

/* Whether the wait has a time limit. */
bool fp_point_is_timed(const struct fp_point *point);

/* The mutex that goes with the wait, or NULL. */
pthread_mutex_t *fp_point_mutex(const struct fp_point *point);

/* enter.S: notes the registers, calls point->wait, and returns what that or, in a child,
   point->resume returns. */
long fp_point_enter(struct fp_point *point);

/* enter.S: a thread on the point's stack that goes on in point->resume; as the system call. */
long fp_point_clone(struct fp_point *point, unsigned long flags, void *parent_tid, void *child_tid,
                    void *thread_pointer);

#endif
