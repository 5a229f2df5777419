/* See backtrace.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/backtrace.h"

#include "policy/hang_event.h"
#include "shim/libraries/elf.h"
#include "shim/libraries/objects.h"
#include "shim/python/python.h"

#include <unwind.h>

struct walk {
    struct fp_native_frame *frames;
    size_t count, most;
    bool in_python;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    int before = 0;
    /* A return address may lie behind the function: its last instruction was the call. */
    uintptr_t address = _Unwind_GetIPInfo(context, &before) - (before ? 0 : 1);
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
