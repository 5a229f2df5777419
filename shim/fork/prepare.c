/*
 * The child will be watched: what it needs to know is found out in the parent, before the fork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim/base/config.h"
#include "shim/base/own_stack.h"
#include "shim/base/self.h"
#include "shim/fork/fork_context.h"
#include "shim/fork/quiesce.h"
#include "shim/reset/reset.h"
#include "shim/watch/watch.h"

bool fp_prepare_child(const char *call, const struct fp_place *place, unsigned threads)
{
    if (place->python.execs)
        return false;
    fp_watch_prepare(call, place->origin, &place->site, threads);
    fp_quiesce();
    if (fp_policy_can_reset(&fp_config.policy) && place->origin != FP_ORIGIN_NATIVE_IN_PYTHON)
        fp_reset_prepare();
    return place->origin != FP_ORIGIN_NATIVE_IN_PYTHON;
}

bool fp_prepare_silently(const char *call, const void *caller)
{
    struct fp_work work = fp_work_begin();
    struct fp_place *place = fp_place_take(caller);
    bool goes_on = place && fp_prepare_child(call, place, 0);
    if (place)
        fp_stack_memory_give(place);
    fp_work_end(work);
    return goes_on;
}
