/*
 * carried_limits KIND [late]: a thread waits for two seconds, in KIND, and has waited for one and a
 * half when it is carried into a child. "ended after MILLISECONDS" says how long it waited in all
 * there, and, in a second line, here. With `late` its time comes while the process forks: in a fork
 * handler of another library (libcarried_help.so).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdbool.h>

#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 30)
#define pthread_cond_clockwait(condition, lock, clock, until) ENOSYS
#define sem_clockwait(semaphore, clock, until) -1
#endif

enum { WHOLE = 2, BEFORE = 1500 /* milliseconds */, LATE = 2300 };

static const char *kind;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t unposted;
static unsigned word;
static struct timespec begun;
static bool has_begun;

static bool is(const char *asked)
{
    return strcmp(kind, asked) == 0;
}

static struct timespec until(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += WHOLE;
    return time;
}

/* In a child the wait may be over too early, as any may. */
static void wait_in_condition(void)
{
    struct timespec end = until(is("cond_clock") ? CLOCK_MONOTONIC : CLOCK_REALTIME);
    pthread_mutex_lock(&lock);
    while ((is("cond_clock") ? pthread_cond_clockwait(&never, &lock, CLOCK_MONOTONIC, &end)
                             : pthread_cond_timedwait(&never, &lock, &end)) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&lock);
}

static int wait_once(void)
{
    struct timespec real = until(CLOCK_REALTIME), steady = until(CLOCK_MONOTONIC);
    struct timespec whole = {WHOLE, 0};
    return is("sem_until")     ? sem_timedwait(&unposted, &real)
           : is("sem_clock")   ? sem_clockwait(&unposted, CLOCK_MONOTONIC, &steady)
           : is("futex_until") ? (int)syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0,
                                              &steady, NULL, FUTEX_BITSET_MATCH_ANY)
                               : (int)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &whole);
}

static void *wait_in_vain(void *unused)
{
    (void)unused;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    __atomic_store_n(&has_begun, true, __ATOMIC_SEQ_CST);
    if (is("cond_until") || is("cond_clock"))
        wait_in_condition();
    else
        must(wait_once() == -1 && errno == ETIMEDOUT, "the end of the wait");
    return NULL;
}

static long milliseconds_since_begun(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
}

static void see_it_end(pthread_t thread)
{
    must(pthread_join(thread, NULL) == 0, "pthread_join");
    say("ended after %ld\n", milliseconds_since_begun());
}

static void come_late(void)
{
    while (milliseconds_since_begun() < LATE)
        rest(1);
}

static void fork_late(void)
{
    void (*call_before_forks)(void (*)(void));
    *(void **)&call_before_forks = dlsym(RTLD_DEFAULT, "call_before_forks");
    must(call_before_forks != NULL, "libcarried_help.so");
    call_before_forks(come_late);
}

int main(int arguments_count, char **arguments)
{
    pthread_t thread;
    must(arguments_count >= 2, "carried_limits KIND [late]");
    kind = arguments[1];
    if (arguments_count > 2)
        fork_late();
    sem_init(&unposted, 0, 0);
    must(pthread_create(&thread, NULL, wait_in_vain, NULL) == 0, "pthread_create");
    while (!__atomic_load_n(&has_begun, __ATOMIC_SEQ_CST) || milliseconds_since_begun() < BEFORE)
        rest(1);
    pid_t child = fork();
    if (child == 0) {
        see_it_end(thread);
        _exit(0);
    }
    must(end_of(child) == 0, "the child");
    see_it_end(thread);
    return 0;
}
