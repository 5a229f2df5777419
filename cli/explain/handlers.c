/* See handlers.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/handlers.h"

#include <string.h>

/* Libraries through which every fork goes. */
static bool is_on_the_way(const char *dso)
{
    static const char *const NAMES[] = {
        "/libc.so", "/libc-", "/ld-", "/libpthread", "/libforkpolicy.so", "/libforkamplify.so"};
    const char *base = strrchr(dso, '/');
    for (size_t i = 0; base && i < sizeof NAMES / sizeof *NAMES; i++)
        if (strncmp(base, NAMES[i], strlen(NAMES[i])) == 0)
            return true;
    return !base;
}

static bool is_fork(const struct fp_native_frame *frame)
{
    static const char *const NAMES[] = {"fork", "__fork", "__libc_fork"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(frame->symbol, NAMES[i]) == 0)
            return is_on_the_way(frame->dso);
    return false;
}

const char *fp_handler_of_fork(const struct fp_stack *stack)
{
    const char *handler = NULL;
    for (size_t i = 0; i < stack->native_count; i++) {
        if (handler && is_fork(&stack->native[i]))
            return handler;
        if (!is_on_the_way(stack->native[i].dso))
            handler = stack->native[i].dso; /* the outermost before the fork: who was called */
    }
    return NULL;
}
