/*
 * Where a fork is asked for: looked at before anything is decided, where a rule depends on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/fork/fork_context.h"
#include "shim/threads/here.h"
#include "shim/threads/table.h"

struct fp_place *fp_place_take(const void *caller)
{
    struct fp_work work = fp_work_begin();
    struct fp_place *place = fp_stack_memory_take();
    if (place)
        fp_look_at_place(place, caller);
    fp_work_end(work);
    return place;
}

struct fp_place *fp_place_begin(const void *caller)
{
    if (!fp_active || fp_self.inside || !fp_table_ever_threaded() ||
        !(fp_config.has_places || fp_allowed_any() || fp_here()))
        return NULL;
    struct fp_place *place = fp_place_take(caller);
    if (place)
        fp_here_set(&place->site);
    return place;
}

FP_CHILD void fp_place_end(struct fp_place *place)
{
    if (!place)
        return;
    fp_here_set(NULL);
    fp_stack_memory_give(place);
}
