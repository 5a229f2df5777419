/*
 * Waits in a forked child whose parent has threads that the child lost. dead_waits CASE [LIMIT [LOG]]
 *
 * Dead cases wait for what nobody can ever do: the parent ends the child after LIMIT seconds (5), or
 * half a second after the shim has written a hang to LOG, and prints "hung", or else "status N" or "signal N". Fine cases look much like them, and the wait
 * ends after a second and a half: "fine". WAIT_beside_COMPANY is a fine case, too: a wait, and a
 * thread of the child that ends it when what it does itself is over. Without a case: lists them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { LATER = 1500, SHORT = 130, AGAIN = 200, TOLD = 500 }; /* milliseconds */

/* What is waited for. All of it is zero or set up before the fork; `shared` is shared with it. */
struct objects {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    sem_t sem, other;
    int word, happened;
};

static struct objects own, *shared;
static sem_t taken, told, begun;
static int from_parent[2];
static volatile sig_atomic_t handled;

static void check(int error, const char *what)
{
    errno = error;
    must(error == 0, what);
}

static pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, routine, argument), "pthread_create");
    return thread;
}

static void wait_for(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        must(errno == EINTR, "sem_wait");
}

static struct timespec from_now(clockid_t clock, long milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds % 1000 * 1000000;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void set_up(struct objects *objects, int is_shared)
{
    int sharing = is_shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
    pthread_mutexattr_t mutex;
    pthread_condattr_t changed;
    pthread_rwlockattr_t rwlock;
    pthread_barrierattr_t barrier;
    pthread_mutexattr_init(&mutex);
    pthread_condattr_init(&changed);
    pthread_rwlockattr_init(&rwlock);
    pthread_barrierattr_init(&barrier);
    check(pthread_mutexattr_setpshared(&mutex, sharing), "pthread_mutexattr_setpshared");
    check(pthread_condattr_setpshared(&changed, sharing), "pthread_condattr_setpshared");
    check(pthread_rwlockattr_setpshared(&rwlock, sharing), "pthread_rwlockattr_setpshared");
    check(pthread_barrierattr_setpshared(&barrier, sharing), "pthread_barrierattr_setpshared");
    check(pthread_mutex_init(&objects->mutex, &mutex), "pthread_mutex_init");
    check(pthread_cond_init(&objects->changed, &changed), "pthread_cond_init");
    check(pthread_rwlock_init(&objects->rwlock, &rwlock), "pthread_rwlock_init");
    check(pthread_barrier_init(&objects->barrier, &barrier, 2), "pthread_barrier_init");
    must(sem_init(&objects->sem, is_shared, 0) == 0, "sem_init");
    must(sem_init(&objects->other, is_shared, 0) == 0, "sem_init");
}

/* Waits, one of each kind, and what ends them. A lock is held by who ends the wait. */

static void hold_mutex(struct objects *of)
{
    check(pthread_mutex_lock(&of->mutex), "pthread_mutex_lock");
}

static void release_mutex(struct objects *of)
{
    check(pthread_mutex_unlock(&of->mutex), "pthread_mutex_unlock");
}

static void use_mutex(struct objects *of)
{
    hold_mutex(of);
    release_mutex(of);
}

static void hold_rwlock(struct objects *of)
{
    check(pthread_rwlock_wrlock(&of->rwlock), "pthread_rwlock_wrlock");
}

static void release_rwlock(struct objects *of)
{
    check(pthread_rwlock_unlock(&of->rwlock), "pthread_rwlock_unlock");
}

static void use_to_read(struct objects *of)
{
    check(pthread_rwlock_rdlock(&of->rwlock), "pthread_rwlock_rdlock");
    release_rwlock(of);
}

static void use_to_write(struct objects *of)
{
    hold_rwlock(of);
    release_rwlock(of);
}

static void await_change(struct objects *of)
{
    hold_mutex(of);
    while (!of->happened)
        check(pthread_cond_wait(&of->changed, &of->mutex), "pthread_cond_wait");
    release_mutex(of);
}

static void change(struct objects *of)
{
    hold_mutex(of);
    of->happened = 1;
    pthread_cond_broadcast(&of->changed);
    release_mutex(of);
}

static void await_post(struct objects *of)
{
    wait_for(&of->sem);
}

static void post(struct objects *of)
{
    sem_post(&of->sem);
}

static void meet(struct objects *of)
{
    int error = pthread_barrier_wait(&of->barrier);
    check(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
}

static void await_word(struct objects *of, int operation)
{
    while (!__atomic_load_n(&of->word, __ATOMIC_SEQ_CST))
        if (syscall(SYS_futex, &of->word, operation, 0, NULL, NULL, 0) < 0)
            must(errno == EINTR || errno == EAGAIN, "futex");
}

static void set_word(struct objects *of, int operation)
{
    __atomic_store_n(&of->word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &of->word, operation, 1, NULL, NULL, 0);
}

static void await_word_private(struct objects *of)
{
    await_word(of, FUTEX_WAIT_PRIVATE);
}

static void set_word_private(struct objects *of)
{
    set_word(of, FUTEX_WAKE_PRIVATE);
}

static void await_word_any(struct objects *of)
{
    await_word(of, FUTEX_WAIT);
}

static void set_word_any(struct objects *of)
{
    set_word(of, FUTEX_WAKE);
}

static pthread_t joined; /* the child's other thread */

static void join(struct objects *of)
{
    (void)of;
    check(pthread_join(joined, NULL), "pthread_join");
}

static const struct wait {
    const char *name;
    void (*hold)(struct objects *), (*wait)(struct objects *), (*end)(struct objects *);
} WAITS[] = {
    {"sem", NULL, await_post, post},
    {"cond", NULL, await_change, change},
    {"mutex", hold_mutex, use_mutex, release_mutex},
    {"rdlock", hold_rwlock, use_to_read, release_rwlock},
    {"wrlock", hold_rwlock, use_to_write, release_rwlock},
    {"join", NULL, join, NULL},
    {"barrier", NULL, meet, meet},
    {"futex", NULL, await_word_private, set_word_private},
    {"futex_any", NULL, await_word_any, set_word_any},
};

/* What a live thread of the child does until it ends the wait of another. */

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

static void in_timed_sem(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(sem_timedwait(&own.other, &end) < 0 && errno == ETIMEDOUT, "sem_timedwait");
}

static void in_timed_cond(void)
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
static pthread_mutex_t lost_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lost_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void in_timed_mutex(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(pthread_mutex_timedlock(&lost_mutex, &end) == ETIMEDOUT, "pthread_mutex_timedlock");
}

static void in_timed_rwlock(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(pthread_rwlock_timedrdlock(&lost_rwlock, &end) == ETIMEDOUT, "pthread_rwlock_timedrdlock");
}

static void in_timed_join(void)
{
    struct timespec end = from_now(CLOCK_REALTIME, LATER);
    must(pthread_timedjoin_np(start_sleeper(), NULL, &end) == ETIMEDOUT, "pthread_timedjoin_np");
}

static void in_timed_futex(void)
{
    static int never;
    struct timespec time = {LATER / 1000, LATER % 1000 * 1000000};
    must(syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0) < 0, "futex");
    must(errno == ETIMEDOUT, "the time-out");
}

static void in_timed_bitset(void)
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

static void *rest_and_post(void *sem)
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

static const struct company {
    const char *name;
    void (*stay)(void);
} COMPANIES[] = {
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
};

static const struct wait *chosen_wait;
static const struct company *chosen_company;

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

static void wait_beside(void)
{
    joined = start(keep_company, NULL);
    wait_for(&begun);
    chosen_wait->wait(&own);
    if (chosen_wait->wait != join)
        join(NULL);
}

/* The parent, after a while: whatever a thread of the child may have been told to stay for. */
static void help_company(pid_t child)
{
    must(write(from_parent[1], ".", 1) == 1, "write");
    post(shared);
    set_word(shared, FUTEX_WAKE);
    kill(child, SIGUSR2);
}

/* Dead cases. */

static void take_mutex(void)
{
    hold_mutex(&own);
}

static void take_rwlock(void)
{
    hold_rwlock(&own);
}

static void wait_for_mutex(void)
{
    use_mutex(&own);
}

static void *spin(void *unused)
{
    for (volatile int on = 1; on;)
        ;
    return unused;
}

static void wait_beside_spinner(void)
{
    start(spin, NULL);
    use_mutex(&own);
}

static void *sleep_long(void *unused)
{
    for (;;)
        rest(10000);
    return unused;
}

static void wait_beside_sleeper(void)
{
    start(sleep_long, NULL);
    use_mutex(&own);
}

static void wait_for_change(void)
{
    await_change(&own);
}

static void wait_to_read(void)
{
    use_to_read(&own);
}

static void wait_to_write(void)
{
    use_to_write(&own);
}

static void wait_for_post(void)
{
    await_post(&own);
}

static void *wait_in_thread(void *sem)
{
    wait_for(sem);
    return NULL;
}

static void wait_both(void)
{
    start(wait_in_thread, &own.other);
    wait_for(&own.sem);
}

static void join_waiting(void)
{
    joined = start(wait_in_thread, &own.sem);
    join(NULL);
}

static void meet_nobody(void)
{
    meet(&own);
}

static void wait_for_word(void)
{
    await_word(&own, FUTEX_WAIT_PRIVATE);
}

static void wait_for_word_any(void)
{
    await_word(&own, FUTEX_WAIT);
}

/* Fine cases: the object is shared with the parent, whose threads end the wait. */

static void share_mutex(void)
{
    hold_mutex(shared);
}

static void unshare_mutex(void)
{
    release_mutex(shared);
}

static void share_rwlock(void)
{
    hold_rwlock(shared);
}

static void unshare_rwlock(void)
{
    release_rwlock(shared);
}

static void wait_shared_mutex(void)
{
    use_mutex(shared);
}

static void wait_shared_rwlock(void)
{
    use_to_read(shared);
}

static void wait_shared_change(void)
{
    await_change(shared);
}

static void wait_shared_post(void)
{
    await_post(shared);
}

static void wait_shared_word(void)
{
    await_word(shared, FUTEX_WAIT);
}

static void meet_shared(void)
{
    meet(shared);
}

static void change_shared(pid_t unused)
{
    (void)unused;
    change(shared);
}

static void post_shared(pid_t unused)
{
    (void)unused;
    post(shared);
}

static void set_word_shared(pid_t unused)
{
    (void)unused;
    set_word(shared, FUTEX_WAKE);
}

static void join_meeting(pid_t unused)
{
    (void)unused;
    meet(shared);
}

/* Fine cases: a signal handler ends the wait. */

static void post_both(int number)
{
    (void)number;
    handled = 1;
    own.happened = 1; /* nobody holds the mutex for longer than it takes to wait */
    sem_post(&own.sem);
    sem_post(&own.other);
    set_word(&own, FUTEX_WAKE_PRIVATE);
    pthread_cond_signal(&own.changed);
}

static void note(int number)
{
    (void)number;
    handled = 1;
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    must(sigaction(number, &action, NULL) == 0, "sigaction");
}

static void handled_post(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    await_post(&own);
    must(handled, "handled");
}

static void handled_post_by(int number)
{
    handle(number, post_both, 0);
    await_post(&own);
    must(handled, "handled");
}

static void handled_terminate(void)
{
    handled_post_by(SIGTERM);
}

static void handled_interrupt(void)
{
    handled_post_by(SIGINT);
}

static void handled_alarm(void)
{
    struct itimerval once = {.it_value = {LATER / 1000, LATER % 1000 * 1000}};
    handle(SIGALRM, post_both, SA_RESTART);
    must(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
    await_post(&own);
    must(handled, "handled");
}

/* The handler only takes note; that the wait breaks off is what the program counts on. */
static void interrupted_post(void)
{
    handle(SIGUSR1, note, 0);
    while (!handled)
        must(sem_wait(&own.sem) < 0 && errno == EINTR, "EINTR of sem_wait");
}

static void interrupted_futex(void)
{
    handle(SIGUSR1, note, 0);
    while (!handled) {
        long result = syscall(SYS_futex, &own.word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
        must(result < 0 && errno == EINTR, "EINTR of the futex");
    }
}

static void handled_futex(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    await_word(&own, FUTEX_WAIT_PRIVATE);
    must(handled, "handled");
}

static void handled_change(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    await_change(&own);
    must(handled, "handled");
}

static void block(int number)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, number);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
}

/* Who waits has the signal blocked; it comes to the other thread, which waits for ever as well. */
static void handled_elsewhere(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    joined = start(wait_in_thread, &own.other);
    block(SIGUSR1);
    await_post(&own);
    join(NULL);
}

static void *hold_until_posted(void *unused)
{
    hold_mutex(&own);
    sem_post(&begun);
    await_post(&own);
    release_mutex(&own);
    return unused;
}

static void handled_by_the_owner(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    joined = start(hold_until_posted, NULL);
    wait_for(&begun);
    block(SIGUSR1);
    use_mutex(&own);
    join(NULL);
}

static void send_usr1(pid_t child)
{
    kill(child, SIGUSR1);
}

static void send_term(pid_t child)
{
    kill(child, SIGTERM);
}

static void send_int(pid_t child)
{
    kill(child, SIGINT);
}

/* Fine cases: locks. */

static void *wait_and_use(void *unused)
{
    use_mutex(&own);
    own.happened = 1;
    return unused;
}

/* Its owner is a thread of the parent by number, and lives on here by another one. */
static void release_later(void)
{
    pthread_t waiting = start(wait_and_use, NULL);
    rest(LATER);
    must(!own.happened, "the wait");
    release_mutex(&own);
    check(pthread_join(waiting, NULL), "pthread_join");
    must(own.happened, "the end of the wait");
}

/* The same, and who lives on sleeps itself: for a third thread, which works. */
static void release_after_post(void)
{
    pthread_t waiting = start(wait_and_use, NULL), posting = start(rest_and_post, &own.sem);
    await_post(&own);
    release_mutex(&own);
    check(pthread_join(waiting, NULL), "pthread_join");
    check(pthread_join(posting, NULL), "pthread_join");
}

static void init_mutex(int type, int robust, int protocol)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutexattr_setrobust(&attributes, robust);
    check(pthread_mutexattr_setprotocol(&attributes, protocol), "pthread_mutexattr_setprotocol");
    check(pthread_mutex_init(&own.mutex, &attributes), "pthread_mutex_init");
}

static void *hold_a_while(void *unused)
{
    hold_mutex(&own);
    sem_post(&begun);
    rest(LATER);
    own.happened = 1;
    release_mutex(&own);
    return unused;
}

static void use_after_another(void)
{
    joined = start(hold_a_while, NULL);
    wait_for(&begun);
    hold_mutex(&own);
    must(own.happened, "the wait");
    release_mutex(&own);
    join(NULL);
}

/* A lost thread holds it; the child makes it anew, as atfork handlers do. */
static void made_anew(void)
{
    check(pthread_mutex_init(&own.mutex, NULL), "pthread_mutex_init");
    use_after_another();
}

static void relock_recursive(void)
{
    init_mutex(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    for (int i = 0; i < 3; i++)
        hold_mutex(&own);
    for (int i = 0; i < 3; i++)
        release_mutex(&own);
    must(pthread_mutex_unlock(&own.mutex) == EPERM, "as often as it was locked");
    use_after_another();
}

static void relock_checked(void)
{
    init_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    hold_mutex(&own);
    must(pthread_mutex_lock(&own.mutex) == EDEADLK, "EDEADLK");
    release_mutex(&own);
    use_after_another();
}

static void use_robust(void)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    use_after_another();
}

static void use_inheriting(void)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    use_after_another();
}

static void *hold_and_end(void *unused)
{
    hold_mutex(&own);
    sem_post(&begun);
    rest(LATER);
    return unused;
}

/* The end of the owner ends the wait. */
static void inherit_robust(void)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    joined = start(hold_and_end, NULL);
    wait_for(&begun);
    must(pthread_mutex_lock(&own.mutex) == EOWNERDEAD, "EOWNERDEAD");
    check(pthread_mutex_consistent(&own.mutex), "pthread_mutex_consistent");
    release_mutex(&own);
    join(NULL);
}

static void *take_turns(void *end)
{
    long turns = 0;
    struct timespec now;
    do {
        hold_mutex(&own);
        must(own.word++ == 0, "one at a time");
        rest(turns++ % 4);
        own.word--;
        release_mutex(&own);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < ((struct timespec *)end)->tv_sec);
    return NULL;
}

/* Whoever waits finds another owner at each look. */
static void taken_over(void)
{
    struct timespec end = from_now(CLOCK_MONOTONIC, LATER + 1000);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        threads[i] = start(take_turns, &end);
    for (int i = 0; i < 6; i++)
        check(pthread_join(threads[i], NULL), "pthread_join");
}

/* Fine cases: what else ends a wait. */

static void time_out_often(void)
{
    for (int i = 0; i < 2; i++) {
        struct timespec end = from_now(CLOCK_REALTIME, SHORT);
        must(sem_timedwait(&own.sem, &end) < 0 && errno == ETIMEDOUT, "sem_timedwait");
        end = from_now(CLOCK_MONOTONIC, SHORT);
        must(sem_clockwait(&own.sem, CLOCK_MONOTONIC, &end) < 0, "sem_clockwait");
        must(errno == ETIMEDOUT, "the time-out");
        end = from_now(CLOCK_REALTIME, SHORT);
        hold_mutex(&own);
        must(pthread_cond_timedwait(&own.changed, &own.mutex, &end) == ETIMEDOUT, "cond");
        end = from_now(CLOCK_MONOTONIC, SHORT);
        must(pthread_cond_clockwait(&own.changed, &own.mutex, CLOCK_MONOTONIC, &end) == ETIMEDOUT,
             "pthread_cond_clockwait");
        release_mutex(&own);
        end = from_now(CLOCK_REALTIME, SHORT);
        must(pthread_mutex_timedlock(&lost_mutex, &end) == ETIMEDOUT, "pthread_mutex_timedlock");
        end = from_now(CLOCK_REALTIME, SHORT);
        must(pthread_rwlock_timedwrlock(&lost_rwlock, &end) == ETIMEDOUT, "rwlock");
    }
}

static volatile int cleaned;

static void clean_up(void *unused)
{
    (void)unused;
    cleaned++;
}

static void clean_up_locked(void *unused)
{
    clean_up(unused);
    release_mutex(&own); /* of the checking kind: the wait has taken it again */
}

static void *wait_cleanly(void *unused)
{
    pthread_cleanup_push(clean_up, NULL);
    sem_post(&begun);
    wait_for(&own.sem);
    pthread_cleanup_pop(0);
    return unused;
}

static void *wait_for_change_cleanly(void *unused)
{
    hold_mutex(&own);
    pthread_cleanup_push(clean_up_locked, NULL);
    sem_post(&begun);
    for (;;)
        pthread_cond_wait(&own.changed, &own.mutex);
    pthread_cleanup_pop(0);
    return unused;
}

static void *join_cleanly(void *unused)
{
    pthread_cleanup_push(clean_up, NULL);
    sem_post(&begun);
    pthread_join(joined, NULL);
    pthread_cleanup_pop(0);
    return unused;
}

static void cancel(void *(*routine)(void *))
{
    void *result = NULL;
    pthread_t thread = start(routine, NULL);
    wait_for(&begun);
    rest(LATER);
    check(pthread_cancel(thread), "pthread_cancel");
    check(pthread_join(thread, &result), "pthread_join");
    must(result == PTHREAD_CANCELED && cleaned == 1, "the clean-up");
}

static void cancel_sem(void)
{
    cancel(wait_cleanly);
}

static void cancel_cond(void)
{
    init_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    cancel(wait_for_change_cleanly);
    use_mutex(&own);
}

static void cancel_join(void)
{
    joined = start(wait_in_thread, &own.other);
    cancel(join_cleanly);
    sem_post(&own.other);
    join(NULL);
}

static void *cancel_later(void *thread)
{
    rest(LATER);
    check(pthread_cancel(*(pthread_t *)thread), "pthread_cancel");
    return NULL;
}

/* Who waits for the cancelled thread waits for ever otherwise, too. */
static void join_cancelled(void)
{
    void *result = NULL;
    joined = start(wait_cleanly, NULL);
    pthread_t cancelling = start(cancel_later, &joined);
    check(pthread_join(joined, &result), "pthread_join");
    must(result == PTHREAD_CANCELED && cleaned == 1, "the clean-up");
    check(pthread_join(cancelling, NULL), "pthread_join");
}

/* Cancelled about when a wait has lasted so long that a watch would look at it. */
static void cancel_often(void)
{
    enum { AT_ONCE = 10, LOOK = 19800 }; /* microseconds */
    pthread_t threads[AT_ONCE];
    void *result;
    for (int i = 1; i <= 60; i++) {
        for (int n = 0; n < AT_ONCE; n++)
            threads[n] = start(wait_cleanly, NULL);
        usleep((useconds_t)(LOOK + i * 7919 % 600));
        for (int n = 0; n < AT_ONCE; n++)
            check(pthread_cancel(threads[n]), "pthread_cancel");
        for (int n = 0; n < AT_ONCE; n++) {
            check(pthread_join(threads[n], &result), "pthread_join");
            must(result == PTHREAD_CANCELED, "the cancellation");
        }
    }
}

static void wait_after_cancels(void)
{
    cancel_often();
    await_post(&own);
}

static void *outlive_main(void *unused)
{
    pthread_detach(start(rest_and_post, &own.sem));
    await_post(&own);
    _exit(0);
    return unused;
}

static void leave_by_main(void)
{
    start(outlive_main, NULL);
    pthread_exit(NULL);
}

/* take: by the thread that will be lost, before the fork; give: by the same, after a while.
   before: by the thread that forks. then: by the parent, after a while and again and again. */
static const struct wait_case {
    const char *name;
    int dead;
    void (*take)(void), (*give)(void), (*before)(void), (*child)(void), (*then)(pid_t child);
    int from_thread; /* not the main thread forks */
} CASES[] = {
    {.name = "mutex", .dead = 1, .take = take_mutex, .child = wait_for_mutex},
    {.name = "mutex_spinner", .dead = 1, .take = take_mutex, .child = wait_beside_spinner},
    {.name = "mutex_sleeper", .dead = 1, .take = take_mutex, .child = wait_beside_sleeper},
    {.name = "cond", .dead = 1, .child = wait_for_change},
    {.name = "rdlock", .dead = 1, .take = take_rwlock, .child = wait_to_read},
    {.name = "wrlock", .dead = 1, .take = take_rwlock, .child = wait_to_write},
    {.name = "sem", .dead = 1, .child = wait_for_post},
    {.name = "two_sems", .dead = 1, .child = wait_both},
    {.name = "join", .dead = 1, .child = join_waiting},
    {.name = "barrier", .dead = 1, .child = meet_nobody},
    {.name = "futex", .dead = 1, .child = wait_for_word},
    {.name = "futex_any", .dead = 1, .child = wait_for_word_any},
    {.name = "sem_after_cancels", .dead = 1, .child = wait_after_cancels},

    {"shared_mutex", .take = share_mutex, .give = unshare_mutex, .child = wait_shared_mutex},
    {"shared_rwlock", .take = share_rwlock, .give = unshare_rwlock, .child = wait_shared_rwlock},
    {.name = "shared_cond", .child = wait_shared_change, .then = change_shared},
    {.name = "shared_sem", .child = wait_shared_post, .then = post_shared},
    {.name = "shared_futex", .child = wait_shared_word, .then = set_word_shared},
    {.name = "shared_barrier", .child = meet_shared, .then = join_meeting},

    {.name = "handler_sem", .child = handled_post, .then = send_usr1},
    {.name = "handler_term", .child = handled_terminate, .then = send_term},
    {.name = "handler_int", .child = handled_interrupt, .then = send_int},
    {.name = "handler_alarm", .child = handled_alarm},
    {.name = "handler_eintr", .child = interrupted_post, .then = send_usr1},
    {.name = "handler_futex", .child = handled_futex, .then = send_usr1},
    {.name = "handler_futex_eintr", .child = interrupted_futex, .then = send_usr1},
    {.name = "handler_cond", .child = handled_change, .then = send_usr1},
    {.name = "handler_elsewhere", .child = handled_elsewhere, .then = send_usr1},
    {.name = "handler_of_owner", .child = handled_by_the_owner, .then = send_usr1},

    {.name = "held_by_forker", .before = take_mutex, .child = release_later},
    {"held_by_thread", .before = take_mutex, .child = release_later, .from_thread = 1},
    {.name = "held_asleep", .before = take_mutex, .child = release_after_post},
    {.name = "made_anew", .take = take_mutex, .child = made_anew},
    {.name = "recursive", .child = relock_recursive},
    {.name = "checked", .child = relock_checked},
    {.name = "robust", .child = use_robust},
    {.name = "robust_end", .child = inherit_robust},
    {.name = "inheriting", .child = use_inheriting},
    {.name = "taken_over", .child = taken_over},

    {.name = "timed_sem", .child = in_timed_sem},
    {.name = "timed_cond", .child = in_timed_cond},
    {.name = "timed_mutex", .child = in_timed_mutex},
    {.name = "timed_rwlock", .child = in_timed_rwlock},
    {.name = "timed_join", .child = in_timed_join},
    {.name = "timed_futex", .child = in_timed_futex},
    {.name = "timed_bitset", .child = in_timed_bitset},
    {.name = "timed_loop", .child = time_out_often},
    {.name = "cancel_sem", .child = cancel_sem},
    {.name = "cancel_cond", .child = cancel_cond},
    {.name = "cancel_join", .child = cancel_join},
    {.name = "cancel_often", .child = cancel_often},
    {.name = "join_cancelled", .child = join_cancelled},
    {.name = "main_left", .child = leave_by_main},
};

enum {
    CASE_COUNT = sizeof CASES / sizeof *CASES,
    WAIT_COUNT = sizeof WAITS / sizeof *WAITS,
    COMPANY_COUNT = sizeof COMPANIES / sizeof *COMPANIES
};

static const struct wait_case BESIDE = {"beside", .child = wait_beside, .then = help_company};
static const struct wait_case *chosen;
static double limit = 5;
static const char *log_path;

static void *lost_thread(void *unused)
{
    check(pthread_mutex_lock(&lost_mutex), "pthread_mutex_lock");
    check(pthread_rwlock_wrlock(&lost_rwlock), "pthread_rwlock_wrlock");
    if (chosen->take)
        chosen->take();
    sem_post(&taken);
    if (chosen->give) {
        wait_for(&told);
        chosen->give();
    }
    return sleep_for_ever(unused);
}

/* Whether the shim has told of a hang. */
static int is_told(void)
{
    char line[4096];
    int found = 0;
    FILE *records = fopen(log_path, "r");
    while (records && !found && fgets(line, sizeof line, records))
        found = strstr(line, "\"event\":\"hang\"") != NULL;
    if (records)
        fclose(records);
    return found;
}

static void watch(pid_t child)
{
    int status = 0;
    long waited = 0, next = LATER;
    pid_t ended;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && (double)waited < limit * 1000) {
        rest(10);
        waited += 10;
        if (log_path && is_told()) {
            limit = (double)(waited + TOLD) / 1000;
            log_path = NULL;
        }
        if (waited < next)
            continue;
        next = waited + AGAIN; /* a signal may come too early where the machine is busy */
        sem_post(&told);
        if (chosen->then)
            chosen->then(child);
        if (chosen->then == join_meeting)
            next = (long)(limit * 2000);
    }
    must(ended >= 0, "waitpid");
    if (ended == 0) {
        kill(child, SIGKILL);
        end_of(child);
        say("hung\n");
    } else if (!chosen->dead && status == 0) {
        say("fine\n");
    } else if (WIFSIGNALED(status)) {
        say("signal %d\n", WTERMSIG(status));
    } else {
        say("status %d\n", WEXITSTATUS(status));
    }
}

static void *fork_and_watch(void *unused)
{
    if (chosen->before)
        chosen->before();
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        chosen->child();
        _exit(0);
    }
    watch(child);
    return unused;
}

static void choose(const char *name)
{
    for (int i = 0; i < CASE_COUNT; i++)
        if (strcmp(CASES[i].name, name) == 0)
            chosen = &CASES[i];
    const char *beside = strstr(name, "_beside_");
    for (int i = 0; beside && i < WAIT_COUNT; i++)
        if (strncmp(WAITS[i].name, name, (size_t)(beside - name)) == 0 &&
            !WAITS[i].name[beside - name])
            chosen_wait = &WAITS[i];
    for (int i = 0; beside && i < COMPANY_COUNT; i++)
        if (strcmp(COMPANIES[i].name, beside + strlen("_beside_")) == 0)
            chosen_company = &COMPANIES[i];
    if (chosen_wait && chosen_company)
        chosen = &BESIDE;
    must(chosen != NULL, name);
}

static void list_cases(void)
{
    for (int i = 0; i < CASE_COUNT; i++)
        say("%s %s\n", CASES[i].dead ? "dead" : "fine", CASES[i].name);
    for (int i = 0; i < WAIT_COUNT; i++)
        say("wait %s\n", WAITS[i].name);
    for (int i = 0; i < COMPANY_COUNT; i++)
        say("company %s\n", COMPANIES[i].name);
}

int main(int count, char **arguments)
{
    struct rlimit none = {0, 0};
    pthread_t thread;
    if (count < 2) {
        list_cases();
        return 0;
    }
    choose(arguments[1]);
    if (count > 2)
        limit = atof(arguments[2]);
    if (count > 3)
        log_path = arguments[3];
    setrlimit(RLIMIT_CORE, &none);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED && pipe(from_parent) == 0, "shared memory and a pipe");
    set_up(&own, 0);
    set_up(shared, 1);
    must(sem_init(&taken, 0, 0) == 0 && sem_init(&told, 0, 0) == 0, "sem_init");
    must(sem_init(&begun, 0, 0) == 0, "sem_init");
    block(SIGUSR2); /* for sigwait */
    start(lost_thread, NULL);
    wait_for(&taken);
    if (chosen->from_thread) {
        thread = start(fork_and_watch, NULL);
        check(pthread_join(thread, NULL), "pthread_join");
    } else {
        fork_and_watch(NULL);
    }
    return 0;
}
