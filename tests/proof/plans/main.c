/*
 * The plans (plan.h), one by one:
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
#include "plan.h"

#include <dlfcn.h>

#define NAME(name) #name,
static const char *const WAIT_NAMES[] = {EACH_WAIT(NAME)};
static const char *const WAKER_NAMES[] = {EACH_WAKER(NAME)};
static const char *const PAST_NAMES[] = {EACH_PAST(NAME)};

struct plan plan;
long delay;
struct shared *shared;
static long seconds;
static unsigned seed;

/* What hasty.c counts; NULL under another shim. */
static const unsigned long *looks(void)
{
    return dlsym(RTLD_DEFAULT, "fp_looks");
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

/* A handler ends what it may, and leaves what it may not. */
static void handle_wake(int number)
{
    (void)number;
    if (plan.wait == wait_semaphore || plan.wait == wait_shared_semaphore || is_futex(plan.wait))
        end_wait();
    else
        siglongjmp(out, 1);
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
