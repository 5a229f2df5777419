/* See atfork.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/atfork.h"

#include "policy/model.h"
#include "shim/child.h"
#include "shim/fork.h"
#include "shim/init.h"
#include "shim/owners.h"
#include "shim/real.h"
#include "shim/registered.h"
#include "shim/runtimes.h"
#include "shim/self.h"

#include <errno.h>

typedef void handler(void);

extern void *__dso_handle __attribute__((visibility("hidden")));

/* A fork inside libc passes no hook, and cannot be refused any more. */
static void before_fork(void)
{
    if (!fp_self.forking)
        fp_fork_unseen();
    if (!fp_self.asked)
        fp_registered_prepare();
}

static int register_real(handler *prepare, handler *parent, handler *child, void *dso)
{
    if (fp_real.__register_atfork)
        return fp_real.__register_atfork(prepare, parent, child, dso);
    fp_real_resolve(FP_LATE); /* not glibc */
    return fp_real.pthread_atfork ? fp_real.pthread_atfork(prepare, parent, child) : ENOSYS;
}

void fp_atfork_init(void)
{
    /* Registered before most others: our prepare handler runs late, our child handler early. */
    (void)register_real(before_fork, fp_registered_parent, fp_child_enter, &__dso_handle);
}

static void note_handlers(handler *prepare, handler *parent, handler *child, const void *dso)
{
    handler *any = prepare ? prepare : parent ? parent : child;
    unsigned kinds = (prepare ? FP_HANDLER_PREPARE : 0U) | (parent ? FP_HANDLER_PARENT : 0U) |
                     (child ? FP_HANDLER_CHILD : 0U);
    int saved = errno;
    /* The handle tells the library even where the call came through libc (pthread_once). */
    struct fp_owner owner = fp_owner_of(dso ? dso : *(void **)&any);
    if (kinds && owner.base) {
        uint32_t entry = fp_runtime_intern(owner.path, "", "");
        atomic_fetch_or(&fp_runtime_at(entry)->handlers, kinds);
    }
    errno = saved;
}

int __register_atfork(handler *prepare, handler *parent, handler *child, void *dso)
{
    if (fp_ready() && !fp_self.inside)
        note_handlers(prepare, parent, child, dso);
    if (!fp_real.__register_atfork)
        fp_real_resolve(FP_OPTIONAL);
    return register_real(prepare, parent, child, dso);
}

/*
 * In glibc only old programs and dlsym reach this name (a compatibility symbol that RTLD_NEXT does
 * not find); it registers without a library, so that the handlers stay after a dlclose, as there.
 */
int pthread_atfork(handler *prepare, handler *parent, handler *child)
{
    if (fp_ready() && !fp_self.inside)
        note_handlers(prepare, parent, child, NULL);
    if (!fp_real.__register_atfork)
        fp_real_resolve(FP_OPTIONAL);
    return register_real(prepare, parent, child, NULL);
}
