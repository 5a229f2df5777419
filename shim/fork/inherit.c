/* See inherit.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/fork/inherit.h"

#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/self.h"
#include "shim/fork/fork_context.h"

static FP_THREAD bool is_wanted;

/* Not a child that goes on to exec: what it inherits is what the parent gives it. */
static bool goes_on(const void *caller)
{
    struct fp_place *place = fp_place_take(caller);
    if (!place)
        return false;
    bool goes_on =
        place->origin == FP_ORIGIN_PYTHON && *place->python.innermost && !place->python.execs;
    fp_stack_memory_give(place);
    return goes_on;
}

void fp_inherit_begin(const void *caller)
{
    if (fp_active && !fp_self.inside && fp_config.can_reset &&
        (fp_config.options.sever || fp_emit_has_log()) && fp_python_holds_gil())
        is_wanted = goes_on(caller);
}

FP_CHILD void fp_inherit_end(void)
{
    if (is_wanted)
        is_wanted = false;
}

FP_CHILD bool fp_inherit_child(void)
{
    bool was_wanted = is_wanted;
    fp_inherit_end();
    return was_wanted;
}
