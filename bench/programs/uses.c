/*
 * Nanoseconds for waking by syscall(SYS_futex), where nobody waits, in forked children: by the
 * program before a lost library does so, the library's first time, its later ones, and by the
 * program behind it. Of 50 children the median of the first time, the best of all others.
 * uses LIBRARY
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "child.h"

#include <linux/futex.h>
#include <sys/syscall.h>

enum { CHILDREN = 50, BATCH = 10000 };

struct times {
    double before, first, later, behind;
};

static void (*foreign_wake)(long times);

static void wake(long times)
{
    static int word;
    for (long i = 0; i < times; i++)
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static double measure(void (*run)(long times), long times)
{
    double start = now();
    run(times);
    return (now() - start) / (double)times;
}

static void measure_child(void *context)
{
    struct times *times = context;
    must_be_watched((void *)syscall);
    foreign_wake(0); /* its pages are there now */
    times->before = measure(wake, BATCH);
    times->first = measure(foreign_wake, 1);
    times->later = measure(foreign_wake, BATCH);
    times->behind = measure(wake, BATCH);
}

int main(int count, char **arguments)
{
    must(count == 2, "uses LIBRARY");
    struct times *times = share(sizeof *times), best = {1e18, 1e18, 1e18, 1e18};
    double firsts[CHILDREN];
    *(void **)&foreign_wake = dlsym(start_foreign(arguments[1]), "foreign_wake");
    must(foreign_wake != NULL, "foreign_wake");
    for (int i = 0; i < CHILDREN; i++) {
        must(run_in_child(measure_child, times) == 0, "the child");
        firsts[i] = times->first;
        best.before = least(best.before, times->before);
        best.later = least(best.later, times->later);
        best.behind = least(best.behind, times->behind);
    }
    qsort(firsts, CHILDREN, sizeof *firsts, compare);
    printf("%.2f %.2f %.2f %.2f\n", best.before, firsts[CHILDREN / 2], best.later, best.behind);
}
