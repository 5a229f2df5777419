/*
 * A set of 64-bit hashes, to count what is distinct. Bounded: when it is full, `full` says so and
 * nothing more is added.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_SET_H
#define FP_CLI_REPORT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fp_set {
    uint64_t *slots;
    size_t size, count;
    bool full;
};

enum { FP_SET_MAX = 1 << 20 };

/* Whether it was not there before. */
bool fp_set_add(struct fp_set *set, uint64_t hash);
bool fp_set_has(const struct fp_set *set, uint64_t hash);
void fp_set_free(struct fp_set *set);

/* The hash of a string, of a number, begun or gone on with. */
uint64_t fp_hash_string(const char *string, uint64_t seed);
uint64_t fp_hash_number(uint64_t number, uint64_t seed);

#endif
