/* See thread_start.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hooks/thread_start.h"

#include "shim/base/self.h"
#include "shim/carry/carry.h"
#include "shim/hang/wait_record.h"
#include "shim/libraries/loader_list.h"
#include "shim/threads/table.h"
#include "shim/watch/syscall_dispatch.h"

#include <pthread.h>

static pthread_key_t leaving;

/* A destructor of thread-specific data runs however the thread ends: return, pthread_exit, cancel.
   A raw exit system call is seen by the next census. */
static void leave(void *slot)
{
    fp_table_leave(slot, fp_self.life);
    fp_carry_leave();
    fp_list_thread_ends();
    fp_self.slot = NULL; /* later destructors may fork, when it serves another thread already */
}

bool fp_threads_init(void)
{
    return pthread_key_create(&leaving, leave) == 0;
}

static void arrive(struct fp_thread_slot *slot)
{
    fp_table_enter(slot);
    fp_carry_arrive(slot);
    fp_wait_record_reset();
    fp_dispatch_arm();
    pthread_setspecific(leaving, slot);
}

/*
 * Both run the host's function as a tail call: no frame of ours stands in the thread's backtrace
 * (checked on the machine code by tests/preload).
 */
void *fp_thread_run_posix(void *argument)
{
    struct fp_thread_slot *slot = argument;
    void *(*routine)(void *);
    *(void **)&routine = slot->routine;
    argument = slot->argument;
    arrive(slot);
    return routine(argument);
}

int fp_thread_run_c11(void *argument)
{
    struct fp_thread_slot *slot = argument;
    int (*routine)(void *);
    *(void **)&routine = slot->routine;
    argument = slot->argument;
    arrive(slot);
    return routine(argument);
}
