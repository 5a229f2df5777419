/* See atfork_handlers.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hooks/atfork_handlers.h"

#include "shim/base/self.h"
#include "shim/carry/carry.h"
#include "shim/fork/child.h"
#include "shim/fork/fork.h"
#include "shim/fork/registered.h"
#include "shim/hooks/real.h"
#include "shim/threads/origin.h"

#include <errno.h>

extern void *__dso_handle __attribute__((visibility("hidden")));

/* A fork inside libc passes no hook, and cannot be refused any more. */
static void before_fork(void)
{
    if (!fp_self.forking)
        fp_fork_unseen((const void *)fp_real.fork);
    fp_registered_prepare();
    fp_carry_hold();
}

static void after_fork(void)
{
    fp_carry_go_on();
    if (!fp_self.forking && !fp_self.inside)
        fp_origin_watch(false);
    fp_registered_parent();
}

int fp_atfork_register(fp_atfork_handler *prepare, fp_atfork_handler *parent,
                       fp_atfork_handler *child, void *dso)
{
    if (fp_real.__register_atfork)
        return fp_real.__register_atfork(prepare, parent, child, dso);
    fp_real_resolve(FP_LATE); /* not glibc */
    return fp_real.pthread_atfork ? fp_real.pthread_atfork(prepare, parent, child) : ENOSYS;
}

void fp_atfork_init(void)
{
    /* Registered before most others: our prepare handler runs late, our child handler early. */
    (void)fp_atfork_register(before_fork, after_fork, fp_child_enter, &__dso_handle);
}
