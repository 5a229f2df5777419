/* What a live thread of the child does until it ends the wait of another. SPDX-License-Identifier:
 * Apache-2.0 */
#include "dead_waits.h"

#include <linux/futex.h>
#include <poll.h>

static void in_nanosleep(void)
{
    rest(LATER);
}

static void in_read(void)
{
    char byte;
    must(read(from_parent[0], &byte, 1) == 1, "read");
}

static void in_poll(void)
{
    struct pollfd readable = {.fd = from_parent[0], .events = POLLIN};
    must(poll(&readable, 1, -1) == 1, "poll");
}

static void in_shared_sem(void)
{
    await_post(shared);
}

static void in_shared_futex(void)
{
    await_word(shared, FUTEX_WAIT);
}

void in_timed_sem(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(sem_timedwait(&own.other, &end) < 0 && errno == ETIMEDOUT, "sem_timedwait");
}

void in_timed_cond(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    int error = 0;
    pthread_mutex_lock(&mutex);
    while (!error)
        error = pthread_cond_timedwait(&never, &mutex, &end);
    pthread_mutex_unlock(&mutex);
    must(error == ETIMEDOUT, "pthread_cond_timedwait");
}

/* The lock is the one that a lost thread holds for ever. */
pthread_mutex_t lost_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_rwlock_t lost_rwlock = PTHREAD_RWLOCK_INITIALIZER;

void in_timed_mutex(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(pthread_mutex_timedlock(&lost_mutex, &end) == ETIMEDOUT, "pthread_mutex_timedlock");
}

void in_timed_rwlock(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(pthread_rwlock_timedrdlock(&lost_rwlock, &end) == ETIMEDOUT, "pthread_rwlock_timedrdlock");
}

void in_timed_join(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(pthread_timedjoin_np(start_sleeper(), NULL, &end) == ETIMEDOUT, "pthread_timedjoin_np");
}

void in_timed_futex(void)
{
    static int never;
    struct timespec time = {LATER / 1000, LATER % 1000 * 1000000};
    must(syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0) < 0, "futex");
    must(errno == ETIMEDOUT, "the time-out");
}

void in_timed_bitset(void)
{
    static int never;
    struct timespec end = from_now(CLOCK_MONOTONIC, LATER);
    must(syscall(SYS_futex, &never, FUTEX_WAIT_BITSET_PRIVATE, 0, &end, NULL, ~0U) < 0, "futex");
    must(errno == ETIMEDOUT, "the time-out");
}

static void in_sigwait(void)
{
    sigset_t wanted;
    int number;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR2); /* blocked since before the fork */
    check(sigwait(&wanted, &number), "sigwait");
}

static void in_waitpid(void)
{
    pid_t grandchild = fork();
    if (grandchild == 0) {
        rest(LATER);
        _exit(3);
    }
    must(end_of(grandchild) == 3, "the grandchild");
}

static void run_timer(union sigval unused)
{
    (void)unused;
    sem_post(&own.other);
}

/* The thread of its own that the timer has is in libc, and no hook saw it start. */
static void in_wait_for_timer(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = run_timer};
    struct itimerspec once = {.it_value = {LATER / 1000, LATER % 1000 * 1000000}};
    must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    must(timer_settime(timer, 0, &once, NULL) == 0, "timer_settime");
    wait_for(&own.other);
}

void *rest_and_post(void *sem)
{
    rest(LATER);
    sem_post(sem);
    return NULL;
}

/* Asleep itself: a third one is not. */
static void in_chain(void)
{
    pthread_detach(start(rest_and_post, &own.other));
    wait_for(&own.other);
}

const struct company COMPANIES[] = {
    {"nanosleep", in_nanosleep},
    {"read", in_read},
    {"poll", in_poll},
    {"shared_sem", in_shared_sem},
    {"shared_futex", in_shared_futex},
    {"timed_sem", in_timed_sem},
    {"timed_cond", in_timed_cond},
    {"timed_mutex", in_timed_mutex},
    {"timed_rwlock", in_timed_rwlock},
    {"timed_join", in_timed_join},
    {"timed_futex", in_timed_futex},
    {"timed_bitset", in_timed_bitset},
    {"sigwait", in_sigwait},
    {"waitpid", in_waitpid},
    {"timer", in_wait_for_timer},
    {"chain", in_chain},
    {.name = NULL},
};

const struct wait *chosen_wait;
const struct company *chosen_company;

static void *keep_company(void *unused)
{
    if (chosen_wait->hold)
        chosen_wait->hold(&own);
    sem_post(&begun);
    chosen_company->stay();
    if (chosen_wait->end)
        chosen_wait->end(&own);
    return unused;
}

void wait_beside(void)
{
    joined = start(keep_company, NULL);
    wait_for(&begun);
    chosen_wait->wait(&own);
    if (chosen_wait->wait != join)
        join(NULL);
}

/* The parent, after a while: whatever a thread of the child may have been told to stay for. */
void help_company(pid_t child)
{
    must(write(from_parent[1], ".", 1) == 1, "write");
    post(shared);
    set_word(shared, FUTEX_WAKE);
    kill(child, SIGUSR2);
}
