/*
 * Plans of waits in a child that lost a thread: a wait x who ends it x what happened before.
 *
 *     plans list                 PLAN live|dead, a line each
 *     plans PLAN SEED            runs one; the seed gives the time that the wait lasts
 *     plans PLAN SEED SECONDS    a live one again and again for so long, by waits of up to 2 ms
 *
 * A live plan ends with 0. A dead one hangs: nobody ends its wait, which can be proven. At the end,
 * under a shim that counts (hasty.c):
 *
 *     waits N looks M    how often the child waited, and how often the shim looked around meanwhile
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define GUEST_WITHOUT_MAIN
#include "../guest/prog/guest.h"

#include <dlfcn.h>
#include <stdatomic.h>

#define EACH_WAIT(DO)    \
    DO(semaphore)        \
    DO(shared_semaphore) \
    DO(condition)        \
    DO(mutex)            \
    DO(own_mutex)        \
    DO(read_lock) DO(write_lock) DO(barrier) DO(join) DO(futex) DO(futex_bitset) DO(shared_futex)
#define EACH_WAKER(DO) \
    DO(thread)         \
    DO(relay) DO(conditions) DO(signal) DO(fault_signal) DO(timer) DO(process) DO(nobody)
#define EACH_PAST(DO) \
    DO(nothing)       \
    DO(timed_wait)    \
    DO(cancelled)     \
    DO(jumped_out)    \
    DO(forked_again)  \
    DO(closed_library) DO(sleeper_beside) DO(thread_ended) DO(requeued) DO(waker_left_a_wait)

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
static long delay; /* microseconds that this wait lasts */
static long seconds;
static unsigned seed;
static struct shared {
    sem_t semaphore;
    int word;
    pid_t waiter;
    unsigned long waits; /* the number of the one that has begun, or is about to */
    unsigned long looks;
    long delay;
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

/* What hasty.c counts; NULL under another shim. */
static const unsigned long *looks(void)
{
    return dlsym(RTLD_DEFAULT, "fp_looks");
}

static void rest_us(long microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        ;
}

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
    struct timespec end = milliseconds_from_now(CLOCK_REALTIME, delay / 1000);
    sem_timedwait(&left, &end);
}

/* Two threads that wake each other up, so that one of them is always awake. */

static sem_t ping, pong;
static atomic_int is_relayed;

static void *answer(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
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
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
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

static int is_thread(void)
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
        if (pthread_mutex_timedlock(&mutex, &at) == 0)
            pthread_mutex_unlock(&mutex); /* the holder had more time than this thread */
        break;
    case wait_read_lock:
        if (pthread_rwlock_timedrdlock(&lock, &at) == 0)
            pthread_rwlock_unlock(&lock);
        break;
    case wait_write_lock:
        if (pthread_rwlock_timedwrlock(&lock, &at) == 0)
            pthread_rwlock_unlock(&lock);
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

/* What a wait has got before its time. */
static void give_back(void)
{
    if (plan.wait == wait_mutex || plan.wait == wait_own_mutex)
        pthread_mutex_unlock(&mutex);
    else
        end_wait();
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
    rest_us(delay / 2);
    syscall(SYS_futex, &own_word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1L, &other_word, 0);
    rest_us(delay / 2);
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

/* What a wait that was left by a jump leaves behind is not for use. */
static void prepare_wait(void)
{
    own_word = ready = 0;
    if (plan.wait == wait_shared_futex)
        __atomic_store_n(&shared->word, 0, __ATOMIC_SEQ_CST);
    if (!is_thread()) {
        pthread_mutex_init(&condition_mutex, NULL);
        pthread_cond_init(&condition, NULL);
    }
    pthread_barrier_init(&barrier, NULL, 2);
}

static void leave_what_was_waited_for(void)
{
    if (!is_thread())
        return;
    if (plan.wait == wait_mutex)
        pthread_mutex_unlock(&mutex);
    if (plan.wait == wait_read_lock || plan.wait == wait_write_lock)
        pthread_rwlock_unlock(&lock);
}

static void let_handlers_wake(void)
{
    if (plan.waker == waker_signal)
        handle(SIGUSR1, handle_wake, SA_RESTART);
    if (plan.waker == waker_fault_signal)
        handle(SIGSEGV, handle_wake, SA_RESTART);
    if (plan.waker == waker_timer)
        handle(SIGALRM, handle_wake, SA_RESTART);
}

static void begin_and_wait(void)
{
    if (sigsetjmp(out, 1))
        return;
    let_handlers_wake();
    if (plan.waker == waker_timer)
        alarm_in(delay);
    shared->delay = delay;
    __atomic_fetch_add(&shared->waits, 1, __ATOMIC_SEQ_CST);
    wait_once();
}

static void wait_a_time(int is_first)
{
    int holder = plan.wait == wait_mutex || plan.wait == wait_read_lock ||
                 plan.wait == wait_write_lock || plan.wait == wait_join;
    static pthread_t waker;
    prepare_wait();
    if (plan.past == past_requeued)
        waker = start(move_and_wake, NULL);
    else if (holder && (is_first || is_thread())) {
        waker = joined = start(be_waited_for, NULL);
        wait_for(&held);
    }
    if (is_first && plan.wait == wait_own_mutex)
        pthread_mutex_lock(&mutex);
    if (is_first || plan.past == past_closed_library || plan.past == past_thread_ended)
        have_a_past();
    if (!holder && is_thread() && plan.past != past_requeued)
        waker = start(be_waited_for, NULL);
    begin_and_wait();
    leave_what_was_waited_for();
    if (is_thread() && plan.wait != wait_join)
        pthread_join(waker, NULL);
    if (!holder && plan.past != past_requeued && is_thread())
        wait_for(&held);
}

static void wait_as_planned(void)
{
    time_t end = time(NULL) + seconds;
    sem_init(&held, 0, 0);
    shared->waiter = getpid();
    wait_a_time(1);
    while (time(NULL) < end) {
        delay = 1 + rand_r(&seed) % 2000;
        wait_a_time(0);
    }
    if (looks())
        shared->looks = *looks();
}

static void run_in_grandchild(void)
{
    start_sleeper();
    _exit(end_of(start_child(wait_as_planned)));
}

static int has_ended(pid_t child)
{
    siginfo_t info = {0};
    must(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0, "waitid");
    return info.si_pid == child;
}

/* From outside: each wait of the child's, once. */
static void wake_each_time(pid_t child)
{
    time_t end = time(NULL) + seconds + LIMIT / 1000;
    for (unsigned long woken = 0; !has_ended(child) && time(NULL) < end;) {
        if (__atomic_load_n(&shared->waits, __ATOMIC_SEQ_CST) == woken) {
            rest_us(50);
            continue;
        }
        woken++;
        rest_us(shared->delay);
        if (plan.waker == waker_process)
            end_wait();
        else
            kill(shared->waiter, plan.waker == waker_signal ? SIGUSR1 : SIGSEGV);
    }
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
    if (plan.waker == waker_signal || plan.waker == waker_fault_signal ||
        plan.waker == waker_process)
        wake_each_time(child);
    for (long i = 0; i < seconds * 100 && !has_ended(child); i++)
        rest(10);
    int status = end_in_time(child);
    if (looks())
        say("waits %lu looks %lu\n", shared->waits, shared->looks);
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
            seed = count > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : 0;
            seconds = count > 3 ? strtol(arguments[3], NULL, 10) : 0;
            delay = (40 + rand_r(&seed) % 400) * 1000L;
            return run_plan();
        }
    }
    must(strcmp(arguments[1], "list") == 0, "the plan");
    return 0;
}
