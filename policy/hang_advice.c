/* See hang_advice.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/hang_advice.h"

#include "policy/advice.h"

#include <string.h>

static bool is_line_of(const char *line, const struct fp_site *site)
{
    return !*line || strcmp(line, site->user) == 0;
}

bool fp_hang_is_plain_lock(const struct fp_hang *hang)
{
    const struct fp_site *at = &hang->at;
    return hang->wait == FP_WAIT_SEMAPHORE && strcmp(hang->waiting.package, "python") == 0 &&
           *at->user && is_line_of(at->called, at) && is_line_of(at->innermost, at);
}

struct fp_slice fp_hang_remedy(const struct fp_hang *hang)
{
    static const char FREE_LOCK[] =
        "hold the lock while forking: os.register_at_fork(before=lock.acquire, "
        "after_in_parent=lock.release, after_in_child=lock.release)";
    /* Python does not hear of a fork by C code, and runs no handlers for forks. */
    if (hang->fork.origin == FP_ORIGIN_NATIVE_IN_PYTHON)
        return hang->lost ? fp_runtime_value(hang->lost, FP_WORD_REMEDY, 0)
                          : (struct fp_slice){"", 0};
    if (fp_hang_is_plain_lock(hang))
        return fp_slice_of(FREE_LOCK);
    return hang->lost ? fp_advice_remedy(hang->lost) : (struct fp_slice){"", 0};
}

struct fp_slice fp_hang_advice(const struct fp_hang *hang, size_t nth)
{
    struct fp_slice remedy = fp_hang_remedy(hang);
    if (nth)
        return hang->lost ? fp_runtime_value(hang->lost, FP_WORD_ADVICE, nth - 1)
                          : (struct fp_slice){"", 0};
    return remedy.length ? remedy
                         : fp_slice_of(fp_advice_start(hang->fork.site, hang->fork.origin));
}
