/*
 * What lies behind a registry entry: real path, package, version, and what policy and table say of
 * it. Found out once, at the first fork that meets the entry, and never in a child. Keeps errno.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_RESOLVE_H
#define FP_SHIM_THREADS_RESOLVE_H

#include "shim/threads/runtimes.h"

/* Never NULL; when memory is used up, facts without a package. */
const struct fp_resolved *fp_resolve(struct fp_runtime_entry *entry);

/* The runtime of an entry with so many threads, without their names, as the rules see it at the fork
   of here.h. */
struct fp_runtime fp_resolve_runtime(struct fp_runtime_entry *entry, unsigned threads);

/* What the policy says of it, if Python code forks. */
struct fp_judgement fp_resolve_judgement(const struct fp_runtime *runtime);

/* The real path of the program, which the loader names "". */
const char *fp_program_path(void);

#endif
