/* Eight threads fork at the same time, as often each as the argument says, while a ninth starts and
   ends threads. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

static int forks = 10;
static volatile int stop, bad;

static void *fork_often(void *unused)
{
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            start_and_join();
            _exit(3);
        }
        if (child > 0 ? end_of(child) != 3 : errno != ENOTSUP)
            __atomic_fetch_add(&bad, 1, __ATOMIC_SEQ_CST);
    }
    return unused;
}

static void *start_often(void *unused)
{
    while (!stop)
        start_and_join();
    return unused;
}

int main(int count, char **arguments)
{
    pthread_t threads[8], starter;
    if (count > 1)
        forks = atoi(arguments[1]);
    must(pthread_create(&starter, NULL, start_often, NULL) == 0, "pthread_create");
    for (int i = 0; i < 8; i++)
        must(pthread_create(&threads[i], NULL, fork_often, NULL) == 0, "pthread_create");
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    stop = 1;
    pthread_join(starter, NULL);
    say("bad %d\n", bad);
    return 0;
}
