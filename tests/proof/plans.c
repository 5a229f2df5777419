/*
 * Plans of waits in a child that lost a thread: a wait x who ends it x what happened before.
 *
 *     plans list         PLAN live|dead, a line each
 *     plans PLAN SEED    runs one; the seed gives the time that the wait lasts
 *
 * A live plan ends with 0. A dead one hangs: nobody ends its wait, which can be proven. At the end:
 *
 *     long-waits N       slices of a watched wait that were over, and so looks at it, at the least
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define GUEST_WITHOUT_MAIN
#include "../guest/prog/guest.h"

#include <dlfcn.h>

#define EACH_WAIT(DO)                                                                       \
    DO(semaphore)                                                                           \
    DO(shared_semaphore)                                                                    \
    DO(condition) DO(mutex) DO(own_mutex) DO(read_lock) DO(write_lock) DO(barrier) DO(join) \
        DO(futex) DO(futex_bitset) DO(shared_futex)
#define EACH_WAKER(DO) DO(thread) DO(signal) DO(fault_signal) DO(timer) DO(process) DO(nobody)
#define EACH_PAST(DO)                                                                   \
    DO(nothing)                                                                         \
    DO(timed_wait)                                                                      \
    DO(cancelled) DO(jumped_out) DO(forked_again) DO(closed_library) DO(sleeper_beside) \
        DO(thread_ended) DO(requeued) DO(waker_left_a_wait)

#define NAME(name) #name,
#define WAIT(name) wait_##name,
#define WAKER(name) waker_##name,
#define PAST(name) past_##name,
enum wait { EACH_WAIT(WAIT) WAITS };
enum waker { EACH_WAKER(WAKER) WAKERS };
enum past { EACH_PAST(PAST) PASTS };
static const char *const WAIT_NAMES[] = {EACH_WAIT(NAME)};
static const char *const WAKER_NAMES[] = {EACH_WAKER(NAME)};
static const char *const PAST_NAMES[] = {EACH_PAST(NAME)};

struct plan {
    enum wait wait;
    enum waker waker;
    enum past past;
};

static struct plan plan;
static long delay; /* milliseconds */
static struct shared {
    sem_t semaphore;
    int word;
    pid_t waiter;
    long slices;
} * shared;

static sem_t own_semaphore, never, held;
static int own_word, other_word, ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t condition_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_t joined;
static sigjmp_buf out;

static int is_shared(enum wait wait)
{
    return wait == wait_shared_semaphore || wait == wait_shared_futex;
}

static int is_futex(enum wait wait)
{
    return wait == wait_futex || wait == wait_futex_bitset || wait == wait_shared_futex;
}

static sem_t *semaphore(void)
{
    return plan.wait == wait_shared_semaphore ? &shared->semaphore : &own_semaphore;
}

static int *word(void)
{
    return plan.wait == wait_shared_futex ? &shared->word : &own_word;
}

static int futex_flag(void)
{
    return plan.wait == wait_shared_futex ? 0 : FUTEX_PRIVATE_FLAG;
}

/* Which plans there are: what is shared can be ended by another process, and is dead for nobody. */
static int makes_sense(struct plan it)
{
    int semaphore = it.wait == wait_semaphore || it.wait == wait_shared_semaphore;
    if (it.waker == waker_process && !is_shared(it.wait))
        return 0;
    if (it.waker == waker_nobody && is_shared(it.wait))
        return 0;
    int by_handler =
        it.waker == waker_signal || it.waker == waker_fault_signal || it.waker == waker_timer;
    if (it.wait == wait_own_mutex && !by_handler && it.waker != waker_nobody)
        return 0;
    if (it.past == past_waker_left_a_wait && it.waker != waker_thread)
        return 0;
    if (it.past == past_requeued && (it.wait != wait_futex || it.waker != waker_thread))
        return 0;
    if (it.past == past_cancelled && !semaphore && it.wait != wait_condition)
        return 0;
    if (it.past == past_jumped_out && !semaphore && !is_futex(it.wait) && it.wait != wait_mutex)
        return 0;
    if (it.past == past_timed_wait && (it.wait == wait_barrier || it.wait == wait_join))
        return 0;
    /* A thread that has yet to arrive is looked for once, when the other one does. */
    return !(it.wait == wait_barrier && it.waker == waker_nobody && it.past == past_sleeper_beside);
}

static void end_wait(void)
{
    if (is_futex(plan.wait)) {
        __atomic_store_n(word(), 1, __ATOMIC_SEQ_CST);
        futex(word(), FUTEX_WAKE | futex_flag(), 1);
    } else {
        sem_post(semaphore());
    }
}

/* A handler ends what it may, and leaves what it may not. */
static void handle_wake(int number)
{
    (void)number;
    if (plan.wait == wait_semaphore || plan.wait == wait_shared_semaphore || is_futex(plan.wait))
        end_wait();
    else
        siglongjmp(out, 1);
}

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
    struct timespec end = milliseconds_from_now(CLOCK_REALTIME, delay);
    sem_timedwait(&left, &end);
}

static void rest_or_sleep(void)
{
    if (plan.past == past_waker_left_a_wait)
        leave_a_wait_and_rest();
    else if (plan.waker == waker_thread)
        rest(delay);
    else
        wait_for(&never);
}

/* Holds what is waited for, or is waited for: until the delay is over, or for ever. */
static void *be_waited_for(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
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

static void wait_once(void)
{
    long operation = plan.wait == wait_futex_bitset ? FUTEX_WAIT_BITSET : FUTEX_WAIT;
    switch (plan.wait) {
    case wait_semaphore:
    case wait_shared_semaphore:
        wait_for(semaphore());
        break;
    case wait_condition:
        pthread_mutex_lock(&condition_mutex);
        while (!ready)
            pthread_cond_wait(&condition, &condition_mutex);
        pthread_mutex_unlock(&condition_mutex);
        break;
    case wait_mutex:
    case wait_own_mutex:
        must(pthread_mutex_lock(&mutex) == 0, "pthread_mutex_lock");
        break;
    case wait_read_lock:
        must(pthread_rwlock_rdlock(&lock) == 0, "pthread_rwlock_rdlock");
        break;
    case wait_write_lock:
        must(pthread_rwlock_wrlock(&lock) == 0, "pthread_rwlock_wrlock");
        break;
    case wait_barrier:
        pthread_barrier_wait(&barrier);
        break;
    case wait_join:
        must(pthread_join(joined, NULL) == 0, "pthread_join");
        break;
    default:
        while (!__atomic_load_n(word(), __ATOMIC_SEQ_CST))
            futex(word(), (int)operation | futex_flag(), 0);
    }
}

static void wait_for_a_time(long milliseconds)
{
    struct timespec at = milliseconds_from_now(CLOCK_REALTIME, milliseconds);
    struct timespec span = {0, milliseconds * 1000000};
    switch (plan.wait) {
    case wait_semaphore:
    case wait_shared_semaphore:
        must(sem_timedwait(semaphore(), &at) < 0, "sem_timedwait");
        break;
    case wait_condition:
        pthread_mutex_lock(&condition_mutex);
        pthread_cond_timedwait(&condition, &condition_mutex, &at);
        pthread_mutex_unlock(&condition_mutex);
        break;
    case wait_mutex:
    case wait_own_mutex:
        must(pthread_mutex_timedlock(&mutex, &at) == ETIMEDOUT, "pthread_mutex_timedlock");
        break;
    case wait_read_lock:
        must(pthread_rwlock_timedrdlock(&lock, &at) == ETIMEDOUT, "pthread_rwlock_timedrdlock");
        break;
    case wait_write_lock:
        must(pthread_rwlock_timedwrlock(&lock, &at) == ETIMEDOUT, "pthread_rwlock_timedwrlock");
        break;
    default:
        syscall(SYS_futex, word(), FUTEX_WAIT | futex_flag(), 0, &span, NULL, 0);
    }
}

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
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    wait_for(&never);
    return unused;
}

static void *move_and_wake(void *unused)
{
    rest(delay / 2);
    syscall(SYS_futex, &own_word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1L, &other_word, 0);
    rest(delay / 2);
    __atomic_store_n(&own_word, 1, __ATOMIC_SEQ_CST);
    futex(&other_word, FUTEX_WAKE_PRIVATE, 1);
    futex(&own_word, FUTEX_WAKE_PRIVATE, 1);
    return unused;
}

static void have_a_past(void)
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
        }
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

static void wait_as_planned(void)
{
    int holder = plan.wait == wait_mutex || plan.wait == wait_read_lock ||
                 plan.wait == wait_write_lock || plan.wait == wait_join;
    pthread_barrier_init(&barrier, NULL, 2);
    sem_init(&held, 0, 0);
    if (plan.past == past_requeued)
        start(move_and_wake, NULL);
    if (holder) {
        joined = start(be_waited_for, NULL);
        wait_for(&held);
    }
    if (plan.wait == wait_own_mutex)
        pthread_mutex_lock(&mutex);
    have_a_past();
    if (!holder && plan.waker == waker_thread && plan.past != past_requeued)
        start(be_waited_for, NULL);
    struct timespec before = milliseconds_from_now(CLOCK_MONOTONIC, 0), after;
    if (!sigsetjmp(out, 1)) {
        if (plan.waker == waker_signal)
            handle(SIGUSR1, handle_wake, SA_RESTART);
        if (plan.waker == waker_fault_signal)
            handle(SIGSEGV, handle_wake, SA_RESTART);
        if (plan.waker == waker_timer) {
            handle(SIGALRM, handle_wake, SA_RESTART);
            alarm_in(delay * 1000);
        }
        __atomic_store_n(&shared->waiter, getpid(), __ATOMIC_SEQ_CST);
        wait_once();
    }
    after = milliseconds_from_now(CLOCK_MONOTONIC, 0);
    long spent = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    static const short SLICES[] = {20, 50, 100, 200, 500, 1000};
    for (int i = 0; spent >= SLICES[i < 5 ? i : 5]; i++) {
        spent -= SLICES[i < 5 ? i : 5];
        shared->slices++;
    }
}

static void run_in_grandchild(void)
{
    start_sleeper();
    _exit(end_of(start_child(wait_as_planned)));
}

static int run_plan(void)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED, "mmap");
    sem_init(&shared->semaphore, 1, 0);
    sem_init(&own_semaphore, 0, 0);
    sem_init(&never, 0, 0);
    start_sleeper();
    pid_t child = start_child(plan.past == past_forked_again ? run_in_grandchild : wait_as_planned);
    int is_sent = plan.waker == waker_signal || plan.waker == waker_fault_signal;
    if (is_sent || plan.waker == waker_process) {
        while (!__atomic_load_n(&shared->waiter, __ATOMIC_SEQ_CST) &&
               waitpid(child, NULL, WNOHANG) == 0)
            rest(1);
        rest(delay);
        if (plan.waker == waker_process)
            end_wait();
        else if (shared->waiter)
            kill(shared->waiter, plan.waker == waker_signal ? SIGUSR1 : SIGSEGV);
    }
    int status = end_in_time(child);
    say("long-waits %ld\n", shared->slices);
    return status < 0 ? 98 : status;
}

static void name_of(struct plan it, char *name, size_t size)
{
    snprintf(name, size, "%s-%s-%s", WAIT_NAMES[it.wait], WAKER_NAMES[it.waker],
             PAST_NAMES[it.past]);
}

int main(int count, char **arguments)
{
    char name[80];
    must(count > 1, "plans list | PLAN SEED");
    for (int i = 0; i < WAITS * WAKERS * PASTS; i++) {
        plan = (struct plan){(enum wait)(i % WAITS), (enum waker)(i / WAITS % WAKERS),
                             (enum past)(i / WAITS / WAKERS)};
        name_of(plan, name, sizeof name);
        if (!makes_sense(plan))
            continue;
        if (strcmp(arguments[1], "list") == 0) {
            say("%s %s\n", name, plan.waker == waker_nobody ? "dead" : "live");
        } else if (strcmp(arguments[1], name) == 0) {
            unsigned seed = count > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : 0;
            delay = 40 + rand_r(&seed) % 400;
            return run_plan();
        }
    }
    must(strcmp(arguments[1], "list") == 0, "the plan");
    return 0;
}
