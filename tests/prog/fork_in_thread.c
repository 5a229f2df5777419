/* A thread forks; the child goes on, starts threads of its own and forks again.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

static int grandchild(void)
{
    start_and_join();
    start_sleeper();
    say("grandchild has %d threads\n", task_count());
    return 5;
}

static int child(void)
{
    say("child has %d threads\n", task_count());
    start_and_join();
    start_sleeper();
    start_sleeper();
    say("child has %d threads\n", task_count());
    pid_t second = fork();
    if (second == 0)
        _exit(grandchild());
    say("grandchild ended with %d\n", end_of(second));
    return 4;
}

static void *run(void *unused)
{
    pid_t first = fork();
    if (first == 0)
        _exit(child());
    say("child ended with %d\n", end_of(first));
    first = fork();
    if (first == 0)
        pthread_exit(NULL); /* the last thread: the child's exit code is 0 */
    say("child ended with %d\n", end_of(first));
    return unused;
}

int main(void)
{
    pthread_t thread;
    start_sleeper();
    for (int i = 0; i < 3; i++) {
        must(pthread_create(&thread, NULL, run, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
    wait_for_tasks(2);
    say("parent has %d threads\n", task_count());
    return 0;
}
