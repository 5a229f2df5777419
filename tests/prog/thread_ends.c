/* Threads that end by every route, and a fork after each. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <threads.h>

static void *by_exit(void *unused)
{
    pthread_exit(unused);
}

static void *by_raw_exit(void *unused)
{
    syscall(SYS_exit, 0);
    return unused;
}

static int c11_return(void *unused)
{
    (void)unused;
    return 41;
}

static int c11_exit(void *unused)
{
    (void)unused;
    thrd_exit(42);
}

static void fork_after(const char *route)
{
    wait_for_tasks(1);
    pid_t child = fork();
    if (child == 0) {
        start_and_join();
        _exit(task_count());
    }
    say("%s: child ended with %d\n", route, end_of(child));
}

static void posix_route(const char *route, void *(*routine)(void *), int cancel)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, routine, NULL) == 0, "pthread_create");
    if (cancel)
        must(pthread_cancel(thread) == 0, "pthread_cancel");
    must(pthread_join(thread, NULL) == 0, "pthread_join");
    fork_after(route);
}

static void c11_route(const char *route, thrd_start_t routine)
{
    thrd_t thread;
    int result = 0;
    must(thrd_create(&thread, routine, NULL) == thrd_success, "thrd_create");
    must(thrd_join(thread, &result) == thrd_success, "thrd_join");
    say("%s: result %d\n", route, result);
    fork_after(route);
}

int main(void)
{
    pthread_t thread;
    pthread_attr_t detached;
    posix_route("return", return_argument, 0);
    posix_route("pthread_exit", by_exit, 0);
    posix_route("cancel", sleep_for_ever, 1);
    posix_route("raw exit", by_raw_exit, 0);
    c11_route("thrd return", c11_return);
    c11_route("thrd_exit", c11_exit);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    must(pthread_create(&thread, &detached, return_argument, NULL) == 0, "pthread_create");
    fork_after("detached");
    return 0;
}
