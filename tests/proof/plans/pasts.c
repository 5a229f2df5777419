/* What happened in the child before the wait. SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <dlfcn.h>

static void unlock_condition(void *unused)
{
    (void)unused;
    if (plan.wait == wait_condition)
        pthread_mutex_unlock(&condition_mutex);
}

static void *wait_until_cancelled(void *unused)
{
    pthread_cleanup_push(unlock_condition, NULL);
    if (plan.wait == wait_condition) {
        pthread_mutex_lock(&condition_mutex);
        for (;;)
            pthread_cond_wait(&condition, &condition_mutex);
    }
    for (;;)
        sem_wait(semaphore());
    pthread_cleanup_pop(0);
    return unused;
}

static void jump(int number)
{
    (void)number;
    siglongjmp(out, 1);
}

static void *sleep_beside(void *unused)
{
    block_all_signals();
    wait_for(&never);
    return unused;
}

void have_a_past(void)
{
    pthread_t thread;
    switch (plan.past) {
    case past_timed_wait:
        wait_for_a_time(30);
        break;
    case past_cancelled:
        thread = start(wait_until_cancelled, NULL);
        rest(40);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        break;
    case past_jumped_out:
        handle(SIGALRM, jump, 0);
        if (!sigsetjmp(out, 1)) {
            alarm_in(30000);
            wait_once();
            give_back(); /* the waker had more time than this thread */
        }
        alarm_in(0);
        handle(SIGALRM, SIG_DFL, 0);
        break;
    case past_closed_library:
        dlclose(dlopen("libplug.so", RTLD_NOW));
        break;
    case past_sleeper_beside:
        start(sleep_beside, NULL);
        break;
    case past_thread_ended:
        start_and_join();
        break;
    default:
        break;
    }
}
