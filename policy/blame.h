/*
 * Which of the lost runtimes a wait is most likely about, and how sure that is. Pure. A deadlock
 * can be proven without it: a plain lock taken twice is one, and no fork's fault.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_BLAME_H
#define FP_POLICY_BLAME_H

#include "policy/model.h"

enum fp_cause {
#define FP_CAUSE(NAME, name, how) FP_CAUSE_##NAME,
#include "policy/causes.def"
#undef FP_CAUSE
};

const char *fp_cause_name(enum fp_cause cause);

/* A runtime that this process lost when it was forked. */
struct fp_lost {
    struct fp_runtime runtime;
    bool used; /* called in the child */
};

struct fp_traces {
    int owner;               /* index of the runtime whose thread owns the lock, or -1 */
    const char *const *dsos; /* real paths, innermost first; those of this thread come first */
    size_t dso_count;
    const char *const *files; /* Python files, innermost first */
    size_t file_count;
    const char *const *joined; /* the same of the thread whose end this one waits for */
    size_t joined_count;
};

/* The index in `lost`, or -1; `cause` says how it is known. */
int fp_blame(const struct fp_lost *lost, size_t count, const struct fp_traces *traces,
             enum fp_cause *cause);

/* Whether a cause ties the wait to that runtime, and not merely to code of the program's own, which
   a worker that sleeps until it is ended runs as well. */
bool fp_cause_is_firm(enum fp_cause cause, const struct fp_runtime *runtime);

/* Whether two Python files are of one installed package, or of one of the standard library. */
bool fp_same_python_package(const char *one, const char *other);

/* Whether a cause is evidence, and not merely the want of another. */
static inline bool fp_cause_is_evidence(enum fp_cause cause)
{
    return cause <= FP_CAUSE_USED;
}

#endif
