/* See blame.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/blame.h"

#include "policy/site.h"

#include <string.h>

const char *fp_cause_name(enum fp_cause cause)
{
    static const char *const NAMES[] = {
#define FP_CAUSE(NAME, name, how) name,
#include "policy/causes.def"
#undef FP_CAUSE
    };
    return NAMES[cause];
}

static int find_by_library(const struct fp_lost *lost, size_t count, const struct fp_traces *traces)
{
    for (size_t d = 0; d < traces->dso_count; d++)
        for (size_t i = 0; i < count; i++)
            if (!*lost[i].runtime.facts.file && *lost[i].runtime.facts.dso &&
                strcmp(lost[i].runtime.facts.dso, traces->dsos[d]) == 0)
                return (int)i;
    return -1;
}

/* How much of a path names the package: ".../site-packages/lancedb/", "/lib/python3.11/asyncio/";
   0 for single modules and for the user's own code, whose neighbours have nothing in common. */
static size_t package_length(const char *path)
{
    const char *below = fp_path_in_packages(path);
    if (!below && fp_code_of(path) == FP_CODE_STANDARD && path[0] == '/') {
        below = strstr(path, "/lib/python");
        below = below ? strchr(below + 5, '/') + 1 : NULL;
    }
    const char *slash = below ? strchr(below, '/') : NULL;
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static bool ends_in(const char *path, size_t length, const char *folder)
{
    size_t wanted = strlen(folder);
    return length >= wanted && memcmp(path + length - wanted, folder, wanted) == 0;
}

/* Code of multiprocessing and its kin stands on the stack of every process that they start. */
static bool starts_processes(const char *path, size_t length)
{
    static const char *const FOLDERS[] = {"/multiprocessing/", "/multiprocess/", "/billiard/",
                                          "/loky/", "/joblib/"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        if (ends_in(path, length, FOLDERS[i]))
            return true;
    return false;
}

/* concurrent/futures/thread.py started it, concurrent/futures/_base.py waits. */
bool fp_same_python_package(const char *one, const char *other)
{
    size_t length = package_length(one);
    return length && length == package_length(other) && memcmp(one, other, length) == 0 &&
           !starts_processes(one, length);
}

static int find_by_line(const struct fp_lost *lost, size_t count, const char *const *files,
                        size_t file_count, bool (*same)(const char *one, const char *other))
{
    for (size_t f = 0; f < file_count; f++)
        for (size_t i = 0; i < count; i++)
            if (*lost[i].runtime.facts.file && same(lost[i].runtime.facts.file, files[f]))
                return (int)i;
    return -1;
}

static bool same_file(const char *one, const char *other)
{
    return strcmp(one, other) == 0;
}

/* Of two that were called, a known one. */
static int find_used(const struct fp_lost *lost, size_t count)
{
    int found = -1;
    for (size_t i = 0; i < count; i++)
        if (lost[i].used &&
            (found < 0 || (!lost[found].runtime.identity.known && lost[i].runtime.identity.known)))
            found = (int)i;
    return found;
}

bool fp_cause_is_firm(enum fp_cause cause, const struct fp_runtime *runtime)
{
    bool by_line = cause == FP_CAUSE_LINE || cause == FP_CAUSE_JOINED;
    return cause == FP_CAUSE_OWNER || cause == FP_CAUSE_LIBRARY ||
           (by_line && runtime && fp_code_of(runtime->facts.file) != FP_CODE_USER);
}

int fp_blame(const struct fp_lost *lost, size_t count, const struct fp_traces *traces,
             enum fp_cause *cause)
{
    const struct {
        enum fp_cause cause;
        int found;
    } answers[] = {
        {FP_CAUSE_OWNER, traces->owner},
        {FP_CAUSE_LIBRARY, find_by_library(lost, count, traces)},
        /* What it joins is where it waits: as if that stack stood on its own. */
        {FP_CAUSE_JOINED,
         find_by_line(lost, count, traces->joined, traces->joined_count, fp_same_python_package)},
        {FP_CAUSE_LINE,
         find_by_line(lost, count, traces->files, traces->file_count, fp_same_python_package)},
        {FP_CAUSE_JOINED,
         find_by_line(lost, count, traces->joined, traces->joined_count, same_file)},
        {FP_CAUSE_LINE, find_by_line(lost, count, traces->files, traces->file_count, same_file)},
        {FP_CAUSE_USED, find_used(lost, count)},
        {FP_CAUSE_ONLY, count == 1 ? 0 : -1},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        *cause = answers[i].cause;
        if (answers[i].found >= 0)
            return answers[i].found;
    }
    *cause = FP_CAUSE_UNKNOWN;
    return -1;
}
