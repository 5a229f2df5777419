/*
 * What a pthread_cond_t says of itself. Its members have moved (2.25, 2.41), and the headers that
 * this library is built with may be of another glibc than the one that it runs with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_CONDITION_H
#define FP_SHIM_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>

/* In the constructor: asks libc for a condition, and looks what is set in it. */
void fp_condition_init(void);

/* Whether its timed waits are by CLOCK_MONOTONIC. */
bool fp_condition_is_monotonic(const pthread_cond_t *condition);

/* Child room: as it was when it was made, with nobody waiting (glibc 2.25 and later). */
void fp_condition_renew(pthread_cond_t *condition);

#endif
