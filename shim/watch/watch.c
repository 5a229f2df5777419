/* See watch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/watch.h"

#include "shim/base/child_section.h"
#include "shim/base/report_once.h"
#include "shim/python/python.h"
#include "shim/threads/origin.h"
#include "shim/watch/condition_calls.h"
#include "shim/watch/got.h"
#include "shim/watch/patch.h"
#include "shim/watch/sandbox.h"
#include "shim/watch/syscall_dispatch.h"
#include "shim/watch/until.h"

static bool is_possible; /* this libc is one whose waits we know */

void fp_watch_init(void)
{
    is_possible = fp_got_init();
    fp_until_init();
    fp_condition_calls_init();
    fp_patch_init();
    fp_sandbox_init(fp_patch_child, fp_patch_undo);
}

bool fp_watch_is_possible(void)
{
    return is_possible;
}

void fp_watch_prepare(const char *call, enum fp_origin origin, const struct fp_site *site,
                      unsigned threads)
{
    fp_origin_note(call, origin, site, threads);
    fp_once_share();
    fp_python_learn_handlers();
    fp_origin_watch(fp_got_scan());
    fp_dispatch_prepare();
}

FP_CHILD bool fp_watch_child(bool (*is_kept)(uint32_t runtime))
{
    return fp_origin_child(is_kept);
}
