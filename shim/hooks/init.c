/* See init.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hooks/init.h"

#include "policy/text.h"
#include "shim/base/condition.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/base/stderr_file.h"
#include "shim/carry/carry.h"
#include "shim/fork/fork.h"
#include "shim/fork/fork_context.h"
#include "shim/hooks/atfork_handlers.h"
#include "shim/hooks/check.h"
#include "shim/hooks/real.h"
#include "shim/hooks/shortfalls.h"
#include "shim/hooks/thread_start.h"
#include "shim/libraries/address.h"
#include "shim/python/python.h"
#include "shim/reset/stack_cache.h"
#include "shim/threads/table.h"
#include "shim/watch/watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_YET, AT_WORK, DONE };
static _Atomic int progress;

/* `forkpolicy run` and `check` name the process that they mean, so that its children are not. */
static bool names_this_process(const char *variable)
{
    char pid[16];
    struct fp_text text = FP_TEXT(pid);
    const char *value = secure_getenv(variable);
    if (!value)
        return false;
    fp_text_format(&text, "%d", (int)getpid());
    return strcmp(value, pid) == 0;
}

static const char *why_not_carry(void)
{
    enum fp_uncarried reason = fp_carry_init();
    return reason ? fp_uncarried_why(reason) : NULL;
}

static void start(void)
{
    fp_table_note_main(); /* which runs constructors */
    bool complete = fp_real_resolve(FP_OPTIONAL);
    fp_stderr_init();
    fp_owners_init();
    fp_config_load(why_not_carry);
    bool watches = complete && fp_threads_init() && !fp_policy_is_off(&fp_config.policy);
    if (watches) {
        fp_condition_init();
        fp_atfork_init();
        fp_python_init();
        fp_watch_init();
        if (fp_policy_can_reset(&fp_config.policy))
            (void)fp_stacks_init();
        if (fp_policy_can_refuse(&fp_config.policy) || fp_policy_can_reset(&fp_config.policy))
            fp_python_ask(fp_fork_refused_in_python);
        if (fp_policy_start_method(&fp_config.policy))
            fp_python_start_by(fp_policy_start_method(&fp_config.policy),
                               fp_config.options.replace_fork);
    }
    fp_active = watches;
    if (names_this_process("FORKPOLICY_CHECK"))
        fp_check_and_exit(watches);
    if (names_this_process("FORKPOLICY_RUN")) {
        unsetenv("FORKPOLICY_RUN");
        fp_report_start(fp_shortfalls());
    }
}

bool fp_ready(void)
{
    int expected = NOT_YET;
    if (atomic_load_explicit(&progress, memory_order_acquire) == DONE)
        return fp_active;
    /* A hook called by what start() itself calls, or by another thread meanwhile, passes. */
    if (!atomic_compare_exchange_strong(&progress, &expected, AT_WORK))
        return false;
    int saved = errno;
    fp_self.inside++;
    start();
    fp_self.inside--;
    errno = saved;
    atomic_store_explicit(&progress, DONE, memory_order_release);
    return fp_active;
}

__attribute__((constructor)) static void construct(void)
{
    fp_ready();
}
