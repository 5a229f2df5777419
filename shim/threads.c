/* See threads.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/threads.h"

#include "policy/text.h"
#include "shim/dispatch.h"
#include "shim/init.h"
#include "shim/notice.h"
#include "shim/owners.h"
#include "shim/python.h"
#include "shim/real.h"
#include "shim/runtimes.h"
#include "shim/self.h"
#include "shim/table.h"
#include "shim/used.h"

#include <errno.h>
#include <string.h>

static pthread_key_t leaving;

/* A destructor of thread-specific data runs however the thread ends: return, pthread_exit, cancel.
   A raw exit system call is seen by the next census. */
static void leave(void *slot)
{
    fp_table_leave(slot, fp_self.life);
    fp_self.slot = NULL; /* later destructors may fork, when it serves another thread already */
}

bool fp_threads_init(void)
{
    return pthread_key_create(&leaving, leave) == 0;
}

static void arrive(struct fp_thread_slot *slot)
{
    fp_table_enter(slot);
    fp_waiting_reset();
    fp_dispatch_arm();
    pthread_setspecific(leaving, slot);
}

/*
 * Both run the host's function as a tail call: no frame of ours stands in the thread's backtrace
 * (checked on the machine code by tests/preload).
 */
static void *run_posix(void *argument)
{
    struct fp_thread_slot *slot = argument;
    void *(*routine)(void *);
    *(void **)&routine = slot->routine;
    argument = slot->argument;
    arrive(slot);
    return routine(argument);
}

static int run_c11(void *argument)
{
    struct fp_thread_slot *slot = argument;
    thrd_start_t routine;
    *(void **)&routine = slot->routine;
    argument = slot->argument;
    arrive(slot);
    return routine(argument);
}

/*
 * The library whose code the thread runs. libstdc++ starts every std::thread by a routine of its
 * own: then it is the library that called it, noted on the way, or, where that call was not seen
 * (RTLD_DEEPBIND), the one that holds the virtual table of the state object.
 */
static struct fp_owner find_owner(void *routine, void *const *argument)
{
    const void *cxx_caller = fp_self.cxx_caller;
    struct fp_owner owner = fp_owner_of(routine), user = {NULL, ""};
    fp_self.cxx_caller = NULL;
    if (strncmp(fp_basename(owner.path), "libstdc++", 9) != 0)
        return owner;
    if (cxx_caller)
        user = fp_owner_of(cxx_caller);
    else if (argument)
        user = fp_owner_of(*argument);
    return user.base ? user : owner;
}

static uint32_t find_runtime(struct fp_owner owner)
{
    struct fp_python_stack stack;
    bool python = fp_python_owns(owner);
    if (!python) {
        uint32_t known = fp_runtime_find(owner.path);
        if (known != FP_ENTRY_NONE &&
            (*fp_runtime_at(known)->started || fp_runtime_at(known)->live))
            return known;
    }
    /* The line that first used a native library can be told only while its caller holds the GIL. */
    fp_python_stack(&stack);
    if (!python)
        return fp_runtime_intern(owner.path, "", *stack.user ? stack.user : stack.library);
    char file[FP_LINE_SIZE];
    const char *colon = strrchr(stack.innermost, ':');
    struct fp_text text = FP_TEXT(file);
    fp_text_reset(&text);
    if (colon)
        fp_text_append(&text, stack.innermost, (size_t)(colon - stack.innermost));
    else
        fp_text_format(&text, "python"); /* its line cannot be told: no GIL, a sub-interpreter */
    return fp_runtime_intern(owner.path, file,
                             *stack.library ? stack.library
                             : *stack.user  ? stack.user
                                            : stack.innermost);
}

/* A slot for the thread about to be created, or NULL where it goes unwatched. */
static struct fp_thread_slot *prepare(void *routine, void *argument, const void *caller)
{
    if (fp_watch_is_on())
        fp_used_note(caller, "pthread_create");
    struct fp_work work = fp_work_begin();
    fp_notice_say();
    uint32_t runtime = find_runtime(find_owner(routine, argument));
    struct fp_thread_slot *slot = fp_table_claim(runtime, routine, argument);
    fp_work_end(work);
    return slot;
}

static void take_back(struct fp_thread_slot *slot)
{
    fp_table_leave(slot, atomic_load(&slot->life));
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *),
                   void *argument)
{
    bool watched = fp_ready() && !fp_self.inside;
    if (!fp_real.pthread_create)
        fp_real_resolve(FP_OPTIONAL);
    struct fp_thread_slot *slot =
        watched ? prepare(*(void **)&routine, argument, __builtin_return_address(0)) : NULL;
    if (!slot)
        return fp_real.pthread_create(thread, attributes, routine, argument);
    int error = fp_real.pthread_create(thread, attributes, run_posix, slot);
    if (error)
        take_back(slot);
    return error;
}

int thrd_create(thrd_t *thread, thrd_start_t routine, void *argument)
{
    bool watched = fp_ready() && !fp_self.inside;
    if (!fp_real.thrd_create)
        fp_real_resolve(FP_OPTIONAL);
    struct fp_thread_slot *slot =
        watched ? prepare(*(void **)&routine, argument, __builtin_return_address(0)) : NULL;
    if (!slot)
        return fp_real.thrd_create(thread, routine, argument);
    int error = fp_real.thrd_create(thread, run_c11, slot);
    if (error != thrd_success)
        take_back(slot);
    return error;
}

/* Called by the stub in entry.S: notes who starts a std::thread and returns the real starter. */
void *fp_cxx_start_thread(const void *caller);
void *fp_cxx_start_thread(const void *caller)
{
    int saved = errno;
    if (fp_ready())
        fp_self.cxx_caller = caller;
    void *real = fp_real_cxx_start_thread(fp_owner_of(caller).path);
    errno = saved;
    return real;
}
