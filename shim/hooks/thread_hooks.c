/*
 * The story of a thread: whose is it, note it, let it start. Hooks pthread_create, thrd_create and
 * std::thread's starter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "policy/text.h"
#include "shim/base/notice.h"
#include "shim/base/own_stack.h"
#include "shim/base/self.h"
#include "shim/carry/carry.h"
#include "shim/hooks/init.h"
#include "shim/hooks/real.h"
#include "shim/hooks/thread_start.h"
#include "shim/libraries/address.h"
#include "shim/python/python.h"
#include "shim/threads/origin.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"
#include "shim/watch/used.h"

#include <errno.h>
#include <string.h>

static FP_THREAD const void *cxx_caller; /* of std::thread's starter; taken by the next create */

/*
 * The library whose code the thread runs. libstdc++ starts every std::thread by a routine of its
 * own: then it is the library that called it, noted on the way, or, where that call was not seen
 * (RTLD_DEEPBIND), the one that holds the virtual table of the state object.
 */
static struct fp_owner find_owner(void *routine, void *const *argument)
{
    const void *user_code = cxx_caller;
    struct fp_owner owner = fp_owner_of(routine), user = {NULL, ""};
    cxx_caller = NULL;
    if (strncmp(fp_basename(owner.path), "libstdc++", 9) != 0)
        return owner;
    if (user_code)
        user = fp_owner_of(user_code);
    else if (argument)
        user = fp_owner_of(*argument);
    return user.base ? user : owner;
}

/* The lines of Python code, by which what the thread runs is told apart where `python`. */
static uint32_t intern(struct fp_owner owner, bool python, struct fp_python_stack *stack)
{
    fp_python_stack(stack);
    const char *started = *stack->user ? stack->user : stack->library;
    if (!python)
        return fp_runtime_intern(owner.path, "", started);
    char file[FP_LINE_SIZE];
    const char *colon = strrchr(stack->innermost, ':');
    struct fp_text text = FP_TEXT(file);
    fp_text_reset(&text);
    if (colon)
        fp_text_append(&text, stack->innermost, (size_t)(colon - stack->innermost));
    else
        fp_text_format(&text, "python"); /* its line cannot be told: no GIL, a sub-interpreter */
    started = *stack->library ? stack->library : *stack->user ? stack->user : stack->innermost;
    uint32_t runtime = fp_runtime_intern(owner.path, file, started);
    fp_runtime_note_user(runtime, stack->user);
    return runtime;
}

static uint32_t find_runtime(struct fp_owner owner)
{
    bool python = fp_python_owns(owner);
    if (!python) {
        uint32_t known = fp_runtime_find(owner.path);
        if (known != FP_ENTRY_NONE &&
            (*fp_runtime_at(known)->started || fp_runtime_at(known)->live))
            return known;
    }
    /* The line that first used a native library can be told only while its caller holds the GIL. */
    if (!fp_python_holds_gil())
        return fp_runtime_intern(owner.path, python ? "python" : "", "");
    struct fp_python_stack *stack = fp_stack_memory_take(); /* the host's may be small */
    if (!stack)
        return FP_ENTRY_OTHER;
    uint32_t runtime = intern(owner, python, stack);
    fp_stack_memory_give(stack);
    return runtime;
}

/* A slot for the thread about to be created, or NULL where it goes unwatched. */
static struct fp_thread_slot *prepare(void *routine, void *argument, const void *caller,
                                      const pthread_attr_t *attributes)
{
    if (fp_origin_is_watched())
        fp_used_note(caller, "pthread_create");
    struct fp_work work = fp_work_begin();
    fp_notice_say();
    fp_python_hear();
    uint32_t runtime = find_runtime(find_owner(routine, argument));
    struct fp_thread_slot *slot = fp_table_claim(runtime, routine, argument);
    if (slot)
        fp_carry_claim(slot, attributes, fp_real.pthread_create);
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
        watched ? prepare(*(void **)&routine, argument, __builtin_return_address(0), attributes)
                : NULL;
    if (!slot)
        return fp_real.pthread_create(thread, attributes, routine, argument);
    int error = fp_real.pthread_create(thread, attributes, fp_thread_run_posix, slot);
    if (error)
        take_back(slot);
    return error;
}

int thrd_create(fp_c11_thread *thread, fp_c11_start *routine, void *argument)
{
    bool watched = fp_ready() && !fp_self.inside;
    if (!fp_real.thrd_create)
        fp_real_resolve(FP_OPTIONAL);
    struct fp_thread_slot *slot =
        watched ? prepare(*(void **)&routine, argument, __builtin_return_address(0), NULL) : NULL;
    if (!slot)
        return fp_real.thrd_create(thread, routine, argument);
    int error = fp_real.thrd_create(thread, fp_thread_run_c11, slot);
    if (error) /* thrd_success is 0 */
        take_back(slot);
    return error;
}

/* Called by the stub in entry.S: notes who starts a std::thread and returns the real starter. */
void *fp_cxx_start_thread(const void *caller);
void *fp_cxx_start_thread(const void *caller)
{
    int saved = errno;
    if (fp_ready())
        cxx_caller = caller;
    void *real = fp_real_cxx_start_thread(fp_owner_of(caller).path);
    errno = saved;
    return real;
}
