/* See holders.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/hang/holders.h"

#include "shim/threads/origin.h"

#include <string.h>

static void add(struct fp_holders *holders, const struct fp_python_thread *thread)
{
    if (holders->count == FP_HOLDERS_MAX)
        holders->others++;
    else
        holders->list[holders->count++] =
            (struct fp_holder){thread->name, thread->line, thread->function};
}

static bool is_in_file_of(const struct fp_python_thread *thread, const char *line)
{
    const char *end = strrchr(line, ':');
    size_t length = end ? (size_t)(end - line) + 1 : 0;
    return length && strncmp(thread->line, line, length) == 0;
}

void fp_find_holders(struct fp_holders *holders, const char *line, unsigned long ident, int tid)
{
    const struct fp_python_thread *threads;
    size_t count = fp_origin_other_threads(&threads);
    *holders = (struct fp_holders){.sure = ident || tid};
    for (size_t i = 0; holders->sure && i < count; i++)
        if ((ident && threads[i].ident == ident) || (tid && threads[i].tid == tid))
            add(holders, &threads[i]);
    if (holders->sure)
        return;
    for (int near = 1; near >= 0; near--) /* those in the waiting code's file first */
        for (size_t i = 0; i < count; i++)
            if (is_in_file_of(&threads[i], line) == near)
                add(holders, &threads[i]);
}
