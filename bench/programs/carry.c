/* Nanoseconds of the parent's processor time for a fork beside a pool of N threads of a LIBRARY
   (pool.c): when the pool has been idle since the last fork, and when it has worked; the medians.
   carry LIBRARY N. SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <sys/resource.h>

static void (*pool_start)(int threads);
static void (*pool_work)(void);

static double spent(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

/* The child's own end is no part of it. */
static double fork_once(void)
{
    double before = spent();
    pid_t child = fork();
    double after = spent();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return after - before;
}

static double forks(int works)
{
    enum { FORKS = 200, PAUSE = 2000 };
    static double taken[FORKS];
    for (int i = 0; i < FORKS; i++) {
        if (works)
            pool_work();
        usleep(PAUSE); /* they fall asleep */
        taken[i] = fork_once();
    }
    qsort(taken, FORKS, sizeof *taken, compare);
    return taken[FORKS / 2];
}

int main(int count, char **arguments)
{
    void *library = count == 3 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (!library)
        return 2;
    *(void **)&pool_start = dlsym(library, "pool_start");
    *(void **)&pool_work = dlsym(library, "pool_work");
    pool_start(atoi(arguments[2]));
    pool_work();
    forks(0); /* the first ones look up what the next ones know */
    printf("%.1f\n%.1f\n", forks(0), forks(1));
}
