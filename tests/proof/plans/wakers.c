/* Threads of the child that end a wait, in one of several ways. SPDX-License-Identifier: Apache-2.0
 */
#include "plan.h"

#include <stdatomic.h>

/* The waker leaves a wait without end by a jump, and then waits for the same for a time. */

static sigjmp_buf out_of_waker;
static sem_t left;

static void jump_in_waker(int number)
{
    (void)number;
    siglongjmp(out_of_waker, 1);
}

static void *signal_waker(void *waker)
{
    rest(50);
    pthread_kill(*(pthread_t *)waker, SIGUSR2);
    return NULL;
}

static void leave_a_wait_and_rest(void)
{
    pthread_t self = pthread_self();
    sigset_t user;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR2);
    handle(SIGUSR2, jump_in_waker, 0);
    sem_init(&left, 0, 0);
    if (!sigsetjmp(out_of_waker, 1)) {
        start(signal_waker, &self);
        pthread_sigmask(SIG_UNBLOCK, &user, NULL);
        wait_for(&left);
    }
    handle(SIGUSR2, SIG_DFL, 0);
    struct timespec end = milliseconds_from_now(CLOCK_REALTIME, delay / 1000);
    sem_timedwait(&left, &end);
}

/* Two threads that wake each other up, so that one of them is always awake. */

static sem_t ping, pong;
static atomic_int is_relayed;

static void *answer(void *unused)
{
    block_all_signals();
    for (int is_last = 0; !is_last;) {
        wait_for(&ping);
        is_last = is_relayed;
        sem_post(&pong);
    }
    return unused;
}

static struct timespec end_of_delay(void)
{
    struct timespec end = milliseconds_from_now(CLOCK_MONOTONIC, 0);
    end.tv_nsec += delay % 1000000 * 1000;
    end.tv_sec += delay / 1000000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return end;
}

static int is_past(const struct timespec *end)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec > end->tv_nsec);
}

static void relay(void)
{
    struct timespec end = end_of_delay();
    is_relayed = 0;
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    pthread_t partner = start(answer, NULL);
    do {
        is_relayed = is_past(&end);
        sem_post(&ping);
        wait_for(&pong);
    } while (!is_relayed);
    pthread_join(partner, NULL);
}

/* The same by conditions: three threads, of which each waits until it is its turn. */

enum { PLAYERS = 3 };
static pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_comes[PLAYERS] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER,
                                             PTHREAD_COND_INITIALIZER};
static int turn; /* -1: over */

static void pass_on_until(const struct timespec *end, int player)
{
    pthread_mutex_lock(&turn_mutex);
    while (turn >= 0) {
        if (turn == player) {
            turn = is_past(end) ? -1 : (player + 1) % PLAYERS;
            for (int i = 0; i < PLAYERS; i++)
                if (turn < 0 || turn == i)
                    pthread_cond_signal(&turn_comes[i]);
        } else {
            pthread_cond_wait(&turn_comes[player], &turn_mutex);
        }
    }
    pthread_mutex_unlock(&turn_mutex);
}

static struct timespec end_of_turns;

static void *play(void *player)
{
    block_all_signals();
    pass_on_until(&end_of_turns, (int)(intptr_t)player);
    return NULL;
}

static void relay_by_conditions(void)
{
    pthread_t others[PLAYERS];
    end_of_turns = end_of_delay();
    turn = 0;
    for (intptr_t i = 1; i < PLAYERS; i++)
        others[i] = start(play, (void *)i);
    pass_on_until(&end_of_turns, 0);
    for (int i = 1; i < PLAYERS; i++)
        pthread_join(others[i], NULL);
}

int is_thread(void)
{
    return plan.waker == waker_thread || plan.waker == waker_relay ||
           plan.waker == waker_conditions;
}

static void rest_or_sleep(void)
{
    if (plan.past == past_waker_left_a_wait)
        leave_a_wait_and_rest();
    else if (plan.waker == waker_relay)
        relay();
    else if (plan.waker == waker_conditions)
        relay_by_conditions();
    else if (plan.waker == waker_thread)
        rest_us(delay);
    else
        wait_for(&never);
}

/* Holds what is waited for, or is waited for: until the delay is over, or for ever. */
void *be_waited_for(void *unused)
{
    block_all_signals();
    if (plan.wait == wait_mutex)
        pthread_mutex_lock(&mutex);
    if (plan.wait == wait_read_lock)
        pthread_rwlock_wrlock(&lock);
    if (plan.wait == wait_write_lock)
        pthread_rwlock_rdlock(&lock);
    sem_post(&held);
    rest_or_sleep();
    if (plan.wait == wait_mutex)
        pthread_mutex_unlock(&mutex);
    else if (plan.wait == wait_read_lock || plan.wait == wait_write_lock)
        pthread_rwlock_unlock(&lock);
    else if (plan.wait == wait_barrier)
        pthread_barrier_wait(&barrier);
    else if (plan.wait == wait_condition) {
        pthread_mutex_lock(&condition_mutex);
        ready = 1;
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&condition_mutex);
    } else if (plan.wait != wait_join)
        end_wait();
    return unused;
}

void *move_and_wake(void *unused)
{
    rest_us(delay / 2);
    syscall(SYS_futex, &own_word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1L, &other_word, 0);
    rest_us(delay / 2);
    __atomic_store_n(&own_word, 1, __ATOMIC_SEQ_CST);
    futex(&other_word, FUTEX_WAKE_PRIVATE, 1);
    futex(&own_word, FUTEX_WAKE_PRIVATE, 1);
    return unused;
}
