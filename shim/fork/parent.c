/* See parent.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/fork/parent.h"

#include "shim/base/self.h"
#include "shim/carry/carry.h"
#include "shim/fork/child.h"
#include "shim/fork/children.h"
#include "shim/threads/origin.h"

/* A signal handler that forks now carries nothing. */
void fp_parent_go_on(pid_t child)
{
    struct fp_work work = fp_work_begin();
    fp_carry_go_on();
    if (child > 0)
        fp_children_note(child, fp_child_keeps);
    fp_carry_parent(child);
    if (!fp_self.forking)
        fp_origin_watch(false); /* the next fork may be another's */
    fp_work_end(work);
}
