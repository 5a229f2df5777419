/* Destructors of thread-specific data that start threads and fork, when the thread itself has told
   everybody that it ends. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

static pthread_key_t key;
static volatile int rounds;

static void *short_life(void *argument)
{
    pthread_setspecific(key, argument);
    return NULL;
}

static void destroy(void *argument)
{
    long left = (long)argument;
    pthread_t thread;
    __atomic_fetch_add(&rounds, 1, __ATOMIC_SEQ_CST);
    start_and_join();
    pid_t child = fork();
    if (child == 0) {
        start_and_join();
        _exit(task_count());
    }
    must(end_of(child) == 1, "the child of a destructor");
    if (left > 1) {
        must(pthread_create(&thread, NULL, short_life, (void *)(left - 1)) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    pthread_t threads[4];
    must(pthread_key_create(&key, destroy) == 0, "pthread_key_create");
    start_sleeper();
    for (int i = 0; i < 4; i++)
        must(pthread_create(&threads[i], NULL, short_life, (void *)3L) == 0, "pthread_create");
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    wait_for_tasks(2);
    pid_t child = fork();
    if (child == 0)
        _exit(task_count());
    say("rounds %d, child ended with %d\n", rounds, end_of(child));
    return 0;
}
