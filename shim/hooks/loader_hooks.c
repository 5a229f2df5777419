/*
 * Hooks around the loader's functions that a scan must know of (shim/libraries/loader_list.h). They
 * are noted whatever the policy, because the shim's own reading goes by here, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hooks/real.h"
#include "shim/libraries/loader_list.h"

int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context)
{
    if (!fp_real.dl_iterate_phdr)
        fp_real_resolve(FP_OPTIONAL);
    fp_list_enter();
    int answer = fp_real.dl_iterate_phdr(visit, context);
    fp_list_leave();
    return answer;
}

int dlclose(void *library)
{
    if (!fp_real.dlclose)
        fp_real_resolve(FP_OPTIONAL);
    fp_list_closing();
    int answer = fp_real.dlclose(library);
    fp_list_closed();
    return answer;
}
