/* See backtrace.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/backtrace.h"

#include "policy/hang_event.h"
#include "shim/libraries/elf.h"
#include "shim/libraries/objects.h"
#include "shim/python/python.h"

#include <string.h>
#include <unwind.h>

struct walk {
    struct fp_native_frame *frames;
    size_t count, most;
    bool in_python;
};

/* A return address may lie behind the function: its last instruction was the call. */
static uintptr_t address_of(struct _Unwind_Context *context)
{
    int before = 0;
    return _Unwind_GetIPInfo(context, &before) - (before ? 0 : 1);
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    uintptr_t address = address_of(context);
    const struct fp_object *object = fp_object_of((const void *)address);
    struct fp_elf elf;
    if (!object || walk->count == walk->most)
        return _URC_END_OF_STACK;
    if (!walk->count && object == fp_object_of(fp_stack_native))
        return _URC_NO_REASON; /* our own frames */
    if (walk->in_python)
        return _URC_END_OF_STACK; /* the interpreter's own frames say nothing */
    walk->in_python = fp_python_owns(fp_owner_of((const void *)address));
    struct fp_native_frame *frame = &walk->frames[walk->count++];
    *frame = (struct fp_native_frame){.dso = object->name, .symbol = ""};
    if (fp_object_read(object, &elf))
        frame->symbol = fp_elf_symbol(&elf, address, &frame->offset);
    return _URC_NO_REASON;
}

size_t fp_stack_native(struct fp_native_frame *frames, size_t most)
{
    struct walk walk = {.frames = frames, .most = most};
    _Unwind_Backtrace(visit, &walk);
    return walk.count;
}

/* PyThread_acquire_lock_timed, and PyThread_acquire_lock before it. Python code that takes a lock
   comes through more. */
enum { LOCK_FUNCTIONS = 2 };

struct lock_walk {
    size_t in_python;
    const struct fp_object *caller; /* of the interpreter */
};

static _Unwind_Reason_Code find_caller(struct _Unwind_Context *context, void *argument)
{
    struct lock_walk *walk = argument;
    const void *address = (const void *)address_of(context);
    const struct fp_object *object = fp_object_of(address);
    if (!object)
        return _URC_END_OF_STACK;
    if (fp_python_owns(fp_owner_of(address)))
        return ++walk->in_python > LOCK_FUNCTIONS ? _URC_END_OF_STACK : _URC_NO_REASON;
    if (!walk->in_python) /* the watch */
        return _URC_NO_REASON;
    walk->caller = object;
    return _URC_END_OF_STACK;
}

bool fp_stack_is_lock_of_extension(void)
{
    struct lock_walk walk = {0};
    _Unwind_Backtrace(find_caller, &walk);
    return walk.caller && !strstr(walk.caller->name, "/lib-dynload/");
}
