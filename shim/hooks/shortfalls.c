/* See shortfalls.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/hooks/shortfalls.h"

#include "policy/event.h"
#include "shim/libraries/address.h"
#include "shim/reset/stack_cache.h"

unsigned fp_shortfalls(void)
{
    unsigned found = 0;
    if (!fp_stacks_init())
        found |= 1U << FP_SHORTFALL_STACKS;
    if (!fp_libc_single_threaded)
        found |= 1U << FP_SHORTFALL_THREADS;
    return found;
}
