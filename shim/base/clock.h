/* CLOCK_MONOTONIC. SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_SHIM_BASE_CLOCK_H
#define FP_SHIM_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t fp_nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static inline uint64_t fp_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static inline uint64_t fp_milliseconds(void)
{
    return fp_microseconds() / 1000;
}

#endif
