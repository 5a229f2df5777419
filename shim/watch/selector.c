/* See selector.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/watch/selector.h"

#include "shim/base/child_section.h"
#include "shim/base/self.h"

enum { ALLOW, BLOCK }; /* SYSCALL_DISPATCH_FILTER_... of linux/syscall_user_dispatch.h */

static FP_THREAD char selector;
static FP_THREAD bool is_armed;

FP_CHILD char *fp_dispatch_selector(void)
{
    return &selector;
}

FP_CHILD void fp_dispatch_begin(void)
{
    is_armed = true;
    selector = BLOCK;
}

FP_CHILD void fp_dispatch_pause(void)
{
    selector = ALLOW;
}

FP_CHILD void fp_dispatch_resume(void)
{
    if (is_armed)
        selector = BLOCK;
}
