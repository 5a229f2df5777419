/*
 * A limit for the size of files (ulimit -f): a program that writes none goes on, whatever is
 * recorded of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <sys/resource.h>

static void limit(rlim_t bytes)
{
    const struct rlimit size = {bytes, RLIM_INFINITY};
    must(setrlimit(RLIMIT_FSIZE, &size) == 0, "setrlimit");
}

static void end(void)
{
}

SCENARIO(nothing)
{
    limit(0);
    start_sleeper();
    return run_in_child(end);
}

SCENARIO(part_of_a_record)
{
    limit(100);
    start_sleeper();
    return run_in_child(end) || run_in_child(end);
}

SCENARIO(without_a_limit)
{
    start_sleeper();
    return run_in_child(end);
}
