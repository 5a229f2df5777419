/* See child.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/child.h"

#include "policy/decide.h"
#include "shim/config.h"
#include "shim/dispatch.h"
#include "shim/epoll.h"
#include "shim/got.h"
#include "shim/hang.h"
#include "shim/registered.h"
#include "shim/runtimes.h"
#include "shim/self.h"
#include "shim/sockets.h"
#include "shim/stacks.h"
#include "shim/table.h"

/* What was reset for this fork is not lost: it begins anew when it is next used. */
static void forget_reset(void)
{
    for (unsigned i = 0; i < fp_self.resets.count; i++)
        atomic_store(&fp_runtime_at(fp_self.resets.entries[i])->lost, 0);
    fp_self.resets.count = 0;
}

/* The child's surroundings: what it would share with the parent, or with threads that are gone. */
static void surround(void)
{
    fp_got_patch();
    if (!fp_policy_can_reset(&fp_config.policy))
        return;
    fp_sockets_inherit(fp_config.options.sever);
    fp_epoll_unshare(); /* and watches what is there now */
    fp_stacks_child();
}

void fp_child_enter(void)
{
    /* A signal handler forked in the midst of our own work, which the child will go on with: the
       table stays as that work knows it, and the next census puts it right. */
    if (fp_self.inside)
        return;
    if (fp_table_ever_threaded()) {
        fp_hang_child();
        bool is_watched = fp_watch_child();
        fp_table_child();
        forget_reset();
        if (is_watched)
            surround();
    }
    fp_registered_child();
    fp_dispatch_arm(); /* a fork ends it */
}
