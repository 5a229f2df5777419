/*
 * A parallel region, a fork whose child has one, too, and another one in the parent. KEEPS: with
 * data for each thread, which must be there in the second. SPDX-License-Identifier: Apache-2.0
 */
#include <omp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef KEEPS
static int own;
#pragma omp threadprivate(own)
#endif

static int region(int is_first)
{
    int kept = 0;
#pragma omp parallel num_threads(4) reduction(+ : kept)
    {
#ifdef KEEPS
        if (is_first)
            own = omp_get_thread_num() + 1;
        kept += own == omp_get_thread_num() + 1;
#else
        kept += is_first >= 0;
#endif
    }
    return kept;
}

int main(void)
{
    int status = 0;
    omp_set_dynamic(0);
    region(1);
    pid_t child = fork();
    if (child == 0)
        _exit(region(0));
    waitpid(child, &status, 0);
    printf("child %d, parent %d of 4\n", WEXITSTATUS(status), region(0));
    return 0;
}
