/* What the small programs of the bench share. SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_BENCH_H
#define FP_BENCH_H

#include <stdio.h>
#include <time.h>

static inline double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static inline double least(double a, double b)
{
    return a < b ? a : b;
}

/* For qsort. */
static inline int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

#endif
