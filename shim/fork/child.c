/* See child.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/fork/child.h"

#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/base/own_stack.h"
#include "shim/base/self.h"
#include "shim/carry/carry.h"
#include "shim/fork/children.h"
#include "shim/fork/inherit.h"
#include "shim/fork/registered.h"
#include "shim/hang/hang.h"
#include "shim/hang/memory.h"
#include "shim/libraries/loader_list.h"
#include "shim/reset/epoll.h"
#include "shim/reset/reset.h"
#include "shim/reset/sockets.h"
#include "shim/reset/stack_cache.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"
#include "shim/watch/patch.h"
#include "shim/watch/syscall_dispatch.h"
#include "shim/watch/watch.h"

#include <stdbool.h>

struct surroundings {
    bool is_watched;
    bool inherits; /* connections, and Python code goes on */
};

/* The child's surroundings: what it would share with the parent, or with threads that are gone. */
FP_CHILD static void surround(void *argument)
{
    const struct surroundings *child = argument;
    fp_sockets_inherit(fp_config.options.sever);
    if (child->is_watched || fp_config.options.sever)
        fp_epoll_unshare(); /* and watches what is there now */
    if (child->is_watched)
        fp_stacks_child();
}

FP_CHILD bool fp_child_keeps(uint32_t runtime)
{
    return fp_reset_has(runtime) || fp_carry_has(runtime);
}

FP_CHILD void fp_child_enter(void)
{
    /* A signal handler forked in the midst of our own work, which the child will go on with: the
       table stays as that work knows it, and the next census puts it right. */
    struct surroundings child = {false, false};
    if (!fp_self.inside && fp_table_ever_threaded()) {
        fp_stacks_forget();
        fp_children_forget();
        fp_list_child();
        fp_hang_child();
        fp_lost_child();
        fp_carry_child();
        child.is_watched = fp_watch_child(fp_child_keeps);
        fp_table_child(fp_carry_any() ? fp_carry_has : NULL);
        fp_reset_child();
        if (child.is_watched)
            fp_patch_child();
        if (fp_origin_is_watched())
            fp_memory_child();
    }
    child.inherits = fp_inherit_child();
    if (fp_config.can_reset && (child.is_watched || child.inherits))
        fp_on_own_stack(surround, &child);
    fp_registered_child();
    if (!fp_self.inside)
        fp_dispatch_arm(); /* a fork ends it */
}

/* Those that were to be carried are lost after all. */
FP_CHILD static void lose_carried(void)
{
    fp_origin_watch(true); /* they are noted as lost, and their waits are watched */
    fp_watch_child(fp_child_keeps);
    fp_table_child(NULL);
}

FP_CHILD void fp_child_go_on(void)
{
    fp_child_enter();
    if (!fp_carry_start())
        lose_carried();
}
