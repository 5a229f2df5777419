/*
 * Hooks around the registration of atfork handlers: whose they are is noted. A handler proves
 * nothing about a runtime (jemalloc's are in polars, which hangs), but it tells a reader where to
 * look.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "policy/model.h"
#include "shim/base/self.h"
#include "shim/hooks/atfork_handlers.h"
#include "shim/hooks/init.h"
#include "shim/hooks/real.h"
#include "shim/libraries/address.h"
#include "shim/threads/runtimes.h"

#include <errno.h>

typedef fp_atfork_handler handler;

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
    return fp_atfork_register(prepare, parent, child, dso);
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
    return fp_atfork_register(prepare, parent, child, NULL);
}
