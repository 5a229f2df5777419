/* See check.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hooks/check.h"

#include "common/large.h"
#include "common/version.h"
#include "policy/event.h"
#include "policy/text.h"
#include "shim/base/config.h"
#include "shim/base/notice.h"
#include "shim/carry/carry.h"
#include "shim/hooks/real.h"
#include "shim/hooks/shortfalls.h"
#include "shim/libraries/address.h"
#include "shim/python/python.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

static void add_hook(const char *name, const void *address, void *context)
{
    struct fp_text *text = context;
    static const char CXX_THREAD[] = "_ZNSt6thread";
    if (strncmp(name, CXX_THREAD, sizeof CXX_THREAD - 1) == 0)
        name = "std::thread";
    if (address)
        fp_text_format(text, "hook       %s -> %s\n", name, fp_owner_of(address).path);
    else
        fp_text_format(text, "later      %s, when a library of the program brings it\n", name);
}

static void add_python(struct fp_text *text)
{
    if (!*fp_python_version())
        fp_text_format(text, "python     none at the start of this program\n");
    else
        fp_text_format(text, "python     %s; %s\n", fp_python_version(),
                       !fp_policy_can_refuse(&fp_config.policy) ? "this policy refuses no fork"
                       : fp_python_raises() ? "a refused fork raises ForkPolicyError"
                                            : "a refused fork raises OSError (no audit hooks)");
}

static void add_carry(struct fp_text *text)
{
    enum fp_uncarried reason = fp_carry_init();
    fp_text_format(text, "carry      %s%s\n", reason ? "cannot be done here: " : "can be done here",
                   fp_uncarried_why(reason));
}

static void add_shortfalls(struct fp_text *text)
{
    unsigned shortfalls = fp_shortfalls();
    for (unsigned i = 0; i < FP_SHORTFALL_COUNT; i++)
        if (shortfalls >> i & 1)
            fp_text_format(text, "short      %s\n", fp_shortfall_what((enum fp_shortfall)i));
}

static void add_policy(struct fp_text *text)
{
    const struct fp_policy *policy = &fp_config.policy;
    fp_text_format(text, "policy     %zu entries in FORKPOLICY, ", policy->environment->count);
    if (policy->file)
        fp_text_format(text, "%zu and %zu runtimes in %s, ", policy->file->rules->count,
                       policy->file->known_count, policy->file->path);
    fp_text_format(text, "%zu runtimes built in\n", policy->built_in->known_count);
}

static void add_result(struct fp_text *text, bool watches)
{
    fp_text_format(text, "result     %s\n",
                   !watches ? "not watched: the policy is off, or a hook is missing"
                   : fp_notice_text()->length ? "watched, but a setting is wrong: see above"
                   : !*fp_python_version()    ? "fine: forks of this program are watched"
                                              : "fine: forks of this Python are watched");
}

_Noreturn void fp_check_and_exit(bool watches)
{
    FP_LARGE static char page[8192];
    struct fp_text text = FP_TEXT(page);
    const char *(*libc_version)(void);
    *(void **)&libc_version = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    fp_text_format(&text, "shim       forkpolicy %s, %s\n", FP_VERSION,
                   watches ? "watching" : "standing aside");
    fp_text_format(&text, "libc       %s%s\n", libc_version ? "glibc " : "not glibc",
                   libc_version ? libc_version() : "");
    add_python(&text);
    add_policy(&text);
    add_carry(&text);
    add_shortfalls(&text);
    fp_real_resolve(FP_LATE);
    fp_real_each(add_hook, &text);
    fp_text_append(&text, fp_notice_text()->data, fp_notice_text()->length);
    add_result(&text, watches);
    _exit(write(STDOUT_FILENO, page, text.length) == (ssize_t)text.length ? 0 : 1);
}
