/*
 * Code that GCC made for OpenMP, on a runtime that is not GNU's (lib/anew.c) and starts its threads
 * anew in a child: preloaded, or linked in the place of libgomp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

/* What GCC calls for `#pragma omp parallel`. */
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);

static void count_one(void *count)
{
    __atomic_fetch_add((int *)count, 1, __ATOMIC_SEQ_CST);
}

static void use(void)
{
    int count = 0;
    GOMP_parallel(count_one, &count, 0, 0);
    must(count == 4, "four threads");
}

static int use_in_child(void)
{
    pid_t child = fork();
    if (child < 0 && errno == ENOTSUP)
        return say("the fork is refused\n"), 1;
    if (child == 0) {
        use();
        use();
        _exit(0);
    }
    return tell_end(end_in_time(child));
}

SCENARIO(alone)
{
    use();
    return use_in_child();
}

SCENARIO(beside_another_thread)
{
    start_sleeper();
    use();
    return use_in_child();
}

static void use_in_grandchild(void)
{
    use();
    _exit(use_in_child());
}

SCENARIO(in_a_grandchild)
{
    start_sleeper();
    use();
    return run_in_child(use_in_grandchild);
}

static void *use_in_thread(void *unused)
{
    use();
    return unused;
}

static void use_in_another_thread(void)
{
    pthread_join(start(use_in_thread, NULL), NULL);
    use();
}

SCENARIO(from_another_thread)
{
    use();
    return run_in_child(use_in_another_thread);
}
