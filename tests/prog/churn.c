/* Four threads start and end threads at full speed while the main thread forks as often as the
   argument says; then all is still, with four threads alive, and it forks once more.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

static volatile int stop, still;
static long made[4];

static void *churn(void *argument)
{
    pthread_t thread;
    while (!stop) {
        if (pthread_create(&thread, NULL, return_argument, NULL) != 0)
            continue;
        if (++*(long *)argument % 3 == 0)
            pthread_detach(thread);
        else
            pthread_join(thread, NULL);
    }
    __atomic_fetch_add(&still, 1, __ATOMIC_SEQ_CST);
    return sleep_for_ever(NULL);
}

static int child(int number)
{
    if (number % 50)
        return 1;
    start_and_join(); /* now and then the child does more */
    start_sleeper();
    pid_t second = fork();
    if (second == 0)
        _exit(1);
    return end_of(second) == 1 ? 1 : 2;
}

int main(int count, char **arguments)
{
    int forks = count > 1 ? atoi(arguments[1]) : 100, bad = 0;
    pthread_t thread;
    for (int i = 0; i < 4; i++)
        must(pthread_create(&thread, NULL, churn, &made[i]) == 0, "pthread_create");
    for (int i = 0; i < forks; i++) {
        pid_t forked = fork();
        if (forked == 0)
            _exit(child(i));
        bad += end_of(forked) != 1;
    }
    stop = 1;
    while (still != 4)
        rest(1);
    wait_for_tasks(5);
    pid_t last = fork();
    if (last == 0)
        _exit(task_count());
    say("bad %d, last child ended with %d\n", bad, end_of(last));
    return 0;
}
