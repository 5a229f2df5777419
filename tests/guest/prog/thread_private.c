/*
 * OpenMP keeps what is threadprivate from one region to the next, also across a fork in between, of
 * which the parent knows nothing. Built with -fopenmp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static int *own;
#pragma omp threadprivate(own)

int omp_get_thread_num(void);
void omp_set_dynamic(int);

static void give_each_its_own(void)
{
#pragma omp parallel num_threads(4)
    {
        own = malloc(sizeof *own);
        *own = omp_get_thread_num() + 1;
    }
}

static int count_kept(void)
{
    int kept = 0;
#pragma omp parallel num_threads(4) reduction(+ : kept)
    kept += own && *own == omp_get_thread_num() + 1;
    return kept;
}

static int fork_between(int forks)
{
    omp_set_dynamic(0);
    give_each_its_own();
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child < 0 && errno == ENOTSUP)
            continue;
        if (child == 0)
            _exit(0);
        must(end_in_time(child) == 0, "the child");
    }
    int kept = count_kept();
    say("%d of 4 values are kept\n", kept);
    return kept != 4;
}

SCENARIO(kept_without_a_fork)
{
    return fork_between(0);
}

SCENARIO(kept_over_a_fork)
{
    return fork_between(1);
}

SCENARIO(kept_over_forks)
{
    return fork_between(3);
}
