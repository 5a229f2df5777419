/* See condition.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/condition.h"

#include "shim/base/child_section.h"

#include <string.h>
#include <time.h>

enum { WORDS = sizeof(pthread_cond_t) / sizeof(unsigned), KEPT = 3 /* shared, and the clock */ };

static size_t flags; /* the word of a condition that has its clock */
static unsigned monotonic;

void fp_condition_init(void)
{
    pthread_condattr_t attributes;
    pthread_cond_t condition;
    unsigned words[WORDS];
    memset(&condition, 0, sizeof condition);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition, &attributes);
    memcpy(words, &condition, sizeof words);
    for (size_t i = 0; i < WORDS && !monotonic; i++) {
        flags = i;
        monotonic = words[i];
    }
}

bool fp_condition_is_monotonic(const pthread_cond_t *condition)
{
    const unsigned *words = (const void *)condition;
    return __atomic_load_n(&words[flags], __ATOMIC_RELAXED) & monotonic;
}

FP_CHILD void fp_condition_renew(pthread_cond_t *condition)
{
    unsigned *words = (void *)condition, kept = words[flags] & KEPT;
    memset(condition, 0, sizeof *condition);
    words[flags] = kept;
}
