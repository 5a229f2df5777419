/*
 * Stacks of another process's threads: native ones by libunwind, Python ones by py-spy where it is
 * installed. Both stop the threads for a moment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_STACKS_H
#define FP_CLI_STACKS_H

#include "cli/explain/view.h"
#include "policy/hang_event.h"

enum {
    FP_STACK_FRAMES = 64,
    FP_STACK_CALL = 6, /* the innermost, among which is the call that waits */
};

/* Of one thread; innermost first. Strings are the view's and the
   symbols'. */
struct fp_stack {
    pid_t tid;
    size_t native_count, python_count;
    struct fp_native_frame native[FP_STACK_FRAMES];
    struct fp_python_frame python[FP_STACK_FRAMES];
    char python_name[64]; /* of a Python thread */
    char watched[40];     /* what was called where the shim's watch stands between; its own frames
                             are left out. "" = the thread is not in it */
};

struct fp_symbol;

struct fp_stacks {
    struct fp_stack *stacks;   /* in the order of the view's tasks */
    struct fp_symbol *symbols; /* of every address that is on one of them */
    size_t count;
    bool has_native;   /* false: the process may not be traced */
    bool has_python;   /* false: no Python, or py-spy is missing or failed */
    char problem[256]; /* why there are none, where there should be; "" = nothing is missing */
};

void fp_stacks_read(struct fp_stacks *stacks, const struct fp_view *view);
void fp_stacks_free(struct fp_stacks *stacks);
const struct fp_stack *fp_stacks_of(const struct fp_stacks *stacks, pid_t tid);

/* The Python stacks of all threads, by `py-spy dump`; false, and why, where it cannot be asked. */
bool fp_stacks_read_python(struct fp_stacks *stacks, const struct fp_view *view);

#endif
