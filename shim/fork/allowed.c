/* See allowed.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/fork/allowed.h"

#include "forkpolicy.h"
#include "policy/rules.h"
#include "shim/base/self.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

static FP_THREAD struct forkpolicy_allowance *innermost;

static void write_line(struct fp_text *text, const struct forkpolicy_allowance *allowance)
{
    const char *reason = allowance->reason;
    fp_text_format(text, "%s because %s\n", allowance->what,
                   reason && *reason ? reason : "the program allows it");
}

static bool is_valid(const struct forkpolicy_allowance *allowance, const struct fp_text *line)
{
    struct fp_slice text = {line->data, line->length - 1};
    struct fp_rule rule;
    size_t offset;
    return !memchr(text.text, '\n', text.length) && !fp_rule_allow(&rule, text, &offset) &&
           strlen(allowance->what) == strcspn(allowance->what, ",");
}

int fp_allowed_add(struct forkpolicy_allowance *allowance)
{
    char buffer[FP_ALLOWED_SIZE];
    struct fp_text text = FP_TEXT(buffer);
    if (!allowance || allowance->abi != FORKPOLICY_ABI || !allowance->what)
        return EINVAL;
    write_line(&text, allowance);
    if (!text.cut && !is_valid(allowance, &text))
        return EINVAL;
    for (const struct forkpolicy_allowance *at = innermost; at; at = at->outer) {
        if (at == allowance)
            return EEXIST;
        write_line(&text, at);
    }
    if (text.cut)
        return ENOSPC;
    allowance->outer = innermost;
    atomic_signal_fence(memory_order_release);
    innermost = allowance;
    return 0;
}

int fp_allowed_remove(struct forkpolicy_allowance *allowance)
{
    struct forkpolicy_allowance **at = &innermost;
    while (*at && *at != allowance)
        at = &(*at)->outer;
    if (!*at)
        return ENOENT;
    *at = allowance->outer;
    return 0;
}

bool fp_allowed_any(void)
{
    return innermost;
}

void fp_allowed_write(struct fp_text *text)
{
    for (const struct forkpolicy_allowance *at = innermost; at; at = at->outer)
        write_line(text, at);
}
