/* The functions of forkpolicy.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/version.h"
#include "forkpolicy.h"
#include "shim/base/self.h"
#include "shim/fork/allowed.h"
#include "shim/fork/registrations.h"
#include "shim/hooks/atfork_handlers.h"
#include "shim/hooks/init.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

static atomic_flag is_hooked = ATOMIC_FLAG_INIT;

static bool is_valid(const struct forkpolicy_runtime *runtime)
{
    size_t length = runtime && runtime->name ? strnlen(runtime->name, 65) : 0;
    return runtime && runtime->abi == FORKPOLICY_ABI && length && length < 65 && runtime->anchor;
}

EXPORTED int forkpolicy_register(const struct forkpolicy_runtime *runtime)
{
    if (!is_valid(runtime))
        return EINVAL;
    fp_ready();
    /* Where the policy is off nothing else is hooked; the runtime's own handlers must run. */
    if (!fp_active && !atomic_flag_test_and_set(&is_hooked))
        fp_atfork_init();
    return fp_registered_add(runtime);
}

EXPORTED int forkpolicy_unregister(const struct forkpolicy_runtime *runtime)
{
    return fp_registered_remove(runtime);
}

EXPORTED int forkpolicy_allow(struct forkpolicy_allowance *allowance)
{
    return fp_allowed_add(allowance);
}

EXPORTED int forkpolicy_disallow(struct forkpolicy_allowance *allowance)
{
    return fp_allowed_remove(allowance);
}

EXPORTED const char *forkpolicy_version(void)
{
    return FP_VERSION;
}
