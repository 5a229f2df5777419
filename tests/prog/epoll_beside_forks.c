/*
 * A thread waits in epoll_wait while children end at once: nothing breaks off its wait. The number
 * of forks is the argument. SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <sys/epoll.h>

static void *wait_for_nothing(void *ready)
{
    struct epoll_event event;
    int instance = epoll_create1(EPOLL_CLOEXEC);
    __atomic_store_n((int *)ready, 1, __ATOMIC_SEQ_CST);
    must(epoll_wait(instance, &event, 1, -1) >= 0, "epoll_wait");
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t thread;
    int ready = 0;
    must(count == 2, "epoll_beside_forks FORKS");
    must(pthread_create(&thread, NULL, wait_for_nothing, &ready) == 0, "pthread_create");
    while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
        rest(1);
    for (long i = atol(arguments[1]); i > 0; i--) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(end_of(child) == 0, "the child");
    }
    say("done\n");
    return 0;
}
