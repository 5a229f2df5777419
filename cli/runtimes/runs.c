/* See runs.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/runtimes/runs.h"

#include "policy/decide.h"
#include "policy/glob.h"

#include <ctype.h>

static bool is_of(const struct fp_run *run, const struct fp_known *known)
{
    return fp_slice_is(fp_known_name(&fp_known_policy, known), run->runtime);
}

const struct fp_run *fp_run_of(const struct fp_known *known, const struct fp_run *before)
{
    for (const struct fp_run *run = before ? before + 1 : fp_runs; run < fp_runs + fp_run_count;
         run++)
        if (is_of(run, known))
            return run;
    return NULL;
}

static int letter_of(char c)
{
    return c == '_' || c == '.' ? '-' : tolower((unsigned char)c);
}

bool fp_same_package(struct fp_slice one, struct fp_slice other)
{
    if (one.length != other.length || !one.length)
        return false;
    for (size_t i = 0; i < one.length; i++)
        if (letter_of(one.text[i]) != letter_of(other.text[i]))
            return false;
    return true;
}

enum fp_class fp_class_at(const struct fp_known *known, const char *version)
{
    struct fp_identity identity = {.source = &fp_known_policy, .known = known};
    return fp_classify(&identity, version, NULL);
}

static bool has_package(const struct fp_known *known, const char *pattern)
{
    for (const struct fp_run *run = NULL; (run = fp_run_of(known, run));)
        if (fp_same_package(fp_slice_of(pattern), fp_slice_of(run->package)) ||
            (*run->package && fp_glob_match(fp_slice_of(pattern), fp_slice_of(run->package))))
            return true;
    return false;
}

bool fp_next_runtime(const char *pattern, size_t *index, const struct fp_known **known)
{
    while (*index < fp_known_policy.known_count) {
        *known = &fp_known_policy.known[(*index)++];
        if (!pattern ||
            fp_glob_match(fp_slice_of(pattern), fp_known_name(&fp_known_policy, *known)) ||
            has_package(*known, pattern))
            return true;
    }
    return false;
}
