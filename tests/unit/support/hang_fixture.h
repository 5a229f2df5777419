/*
 * A hang as the tests of its words have it: deltalake waits, in Rust, for its tokio threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_HANG_FIXTURE_H
#define FP_TESTS_HANG_FIXTURE_H

#include "policy/hang_message.h"
#include "policy/policy_text.h"

#define DELTALAKE "/v/site-packages/deltalake/_internal.abi3.so"
#define STANDARD "/usr/lib/python3.11/"

extern const struct fp_site NO_SITE;
extern char buffer[64 * 1024]; /* what was said last */
extern struct fp_native_frame native[32];
extern struct fp_python_frame python[24];
extern struct fp_runtime lost;
extern struct fp_site fork_site;
extern struct fp_hang hang;

void hang_setup(void);

/* A ThreadPoolExecutor of the parent's is asked for a result. */
void hang_setup_python(void);

/* Says it in so many bytes: whole lines, each with its prefix and without control bytes. */
void check_lines(size_t size);
const char *message(void);
const char *error(size_t size); /* of the exception */
const char *use(size_t size);   /* of a lost runtime that was called */

/* Parts of what was said last. */
void expect(const char *part);
void expect_absent(const char *part);

#endif
