/*
 * The place of a policy entry, behind its '@': FILE[:WITHIN], two globs. FILE is the end of a path,
 * from a folder's name on, or all of it: tests/test_pool.py, or the glob of several. WITHIN is the
 * number of a line or the name of the function. A fork has up to four lines of Python code (struct
 * fp_site), of which one must match; the function is known for the user's own line alone. Where no
 * Python code forks, the library that does stands for the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_PLACE_H
#define FP_POLICY_PLACE_H

#include "policy/model.h"

struct fp_place_glob {
    struct fp_slice file, within; /* length 0: any */
};

/* NULL, or what is wrong; *offset is then the byte to blame. */
const char *fp_place_parse(struct fp_slice text, struct fp_place_glob *place, size_t *offset);

bool fp_place_matches(const struct fp_place_glob *place, const struct fp_site *site);

#endif
