/*
 * Numbers in files of /proc, which stand behind their names. Child room, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_NUMBER_H
#define FP_SHIM_BASE_NUMBER_H

#include <stdint.h>

/* The number of that base behind `key` and blanks, at or behind `at`; returns what follows the
   number. NULL, and 0, where there is no such key, or `at` is NULL. */
const char *fp_number_after(const char *at, const char *key, unsigned base, uint64_t *number);

/* The decimal number that a name is, as of a thread or a descriptor; -1 where it is none, as ".".
 */
int fp_number_of(const char *name);

#endif
