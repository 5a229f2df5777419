/*
 * What the parent does before a fork so that runtimes work again in the child: it calls the
 * functions that the policy declares (prepare lines) in every loaded copy of the library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_H
#define FP_SHIM_RESET_H

#include <stdbool.h>
#include <stdint.h>

enum { FP_RESETS_MAX = 16 };

/* The runtimes that are reset for the fork under way: their threads count as not lost. */
struct fp_resets {
    unsigned count;
    uint32_t entries[FP_RESETS_MAX];
};

/* In the parent, before the fork, on the thread that forks. */
void fp_reset_prepare(void);

/* In an audit hook, before the fork: the runtimes that Python code keeps. */
void fp_reset_prepare_python(void);

/* In the child: Python code has reset the runtime of that name; `error` is "" where it worked. */
void fp_reset_done(const char *name, unsigned long microseconds, const char *error);

/* Child room: whether a runtime was reset for this fork. */
bool fp_reset_has(uint32_t entry);

#endif
