/*
 * What was seen of each runtime in forked children: the recorded runs of tests/knowledge, as
 * constant data that tools/runtimes.py makes, beside the table known.policy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_RUNTIMES_RUNS_H
#define FP_CLI_RUNTIMES_RUNS_H

#include "policy/policy_text.h"

/* One use of a runtime at one version of its package: what a bare child did, and what `warn` said. */
struct fp_run {
    const char *runtime, *package, *version, *date; /* package: "" = Python itself */
    const char *child, *outcome, *told;
};

extern const struct fp_run fp_runs[];
extern const size_t fp_run_count;

/* The next run of a runtime behind `before` (NULL: the first one); NULL at the end. */
const struct fp_run *fp_run_of(const struct fp_known *known, const struct fp_run *before);

/* Case and separators make no difference in a package's name (PEP 503). */
bool fp_same_package(struct fp_slice one, struct fp_slice other);

/* What pip would install today stands for what no version is said of. */
#define FP_NEWEST "999999"

/* The class of a runtime of known.policy at a version of its package. */
enum fp_class fp_class_at(const struct fp_known *known, const char *version);

/* The runtimes whose name, or whose package, matches a glob (NULL: all); false at the end.
   *index is where to go on. */
bool fp_next_runtime(const char *pattern, size_t *index, const struct fp_known **known);

/* `runtimes --json`: one object, on a line. */
void fp_runtime_print_json(const struct fp_known *known);

/* `check FILE.txt`: what the packages of a requirements file do in a forked child. The exit status. */
int fp_check_requirements(const char *path);

#endif
