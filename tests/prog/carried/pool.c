/* The pool. SPDX-License-Identifier: Apache-2.0 */
#include "carried.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { QUEUE = 4096 };

static int ready, is_over;
static long queue[QUEUE], sum;
static unsigned long handed,
    slept[MOST]; /* how often work was handed over; before a thread slept */
static __thread long mark;
static __thread bool is_blocked; /* SIGWINCH: not for long */
static char places[MOST][32768];
static const char *wrong; /* what a thread of the pool found out about itself */

static void look_at_self(long id)
{
    char own[16];
    sigset_t mask;
    stack_t stack;
    prctl(PR_GET_NAME, own);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigaltstack(NULL, &stack);
    if (strcmp(own, "pool") != 0)
        wrong = "name";
    if (!sigismember(&mask, SIGUSR2) || sigismember(&mask, SIGUSR1))
        wrong = "mask";
    if (sigismember(&mask, SIGWINCH) != is_blocked)
        wrong = "mask of that moment";
    if (stack.ss_sp != places[id])
        wrong = "signal stack";
    if (mark != id || !pthread_equal(pthread_self(), threads[id]))
        wrong = "self";
    for (int i = 0; i < KEYS; i++)
        if (*(long *)pthread_getspecific(keys[i]) != id * KEYS + i)
            wrong = "specific";
    if (sched_getcpu() < 0)
        wrong = "rseq";
}

static void block_or_not(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGWINCH);
    is_blocked = !is_blocked;
    pthread_sigmask(is_blocked ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
}

static void work(long id, long what)
{
    char *memory = malloc((size_t)(100 + what * 37 % 3000));
    memset(memory, 1, 100);
    look_at_self(id);
    block_or_not();
    free(memory);
    if (what == 0 && blocks && is("task"))
        sem_wait(&release);
    while (what == 0 && blocks && (is("runs") || is("busy")) &&
           !__atomic_load_n(&is_over, __ATOMIC_SEQ_CST)) {
    }
    if (what == 0 && is("inside"))
        fork_here();
}

/* With the lock. */
static void stir(void)
{
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 60; i++)
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL);
    pthread_mutex_lock(&lock);
}

static void *serve(void *argument)
{
    long id = (long)argument;
    sigset_t mask;
    stack_t stack = {.ss_sp = places[id], .ss_size = sizeof places[id]};
    pthread_mutex_t robust;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    sigaltstack(&stack, NULL);
    prctl(PR_SET_NAME, "pool");
    mark = id;
    for (int i = 0; i < KEYS; i++) {
        long *own = malloc(sizeof *own);
        *own = id * KEYS + i;
        pthread_setspecific(keys[i], own);
    }
    if (is("robust")) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(&robust, &attributes);
        pthread_mutex_lock(&robust);
    }
    pthread_mutex_lock(&lock);
    ready++;
    for (;;) {
        while (first == last && !is_over) {
            slept[id] = handed;
            sleep_here();
        }
        if (first == last)
            break;
        long what = queue[first++ % QUEUE];
        pthread_mutex_unlock(&lock);
        work(id, what);
        pthread_mutex_lock(&lock);
        sum += what;
        done++;
        pthread_cond_broadcast(&answered);
        if (what == 0 && is("stirred"))
            stir();
    }
    pthread_mutex_unlock(&lock);
    return (void *)(id * 3);
}

void hand_over(int pieces)
{
    for (int i = 0; i < pieces; i++)
        queue[last++ % QUEUE] = i;
    handed++;
    wake(pieces);
}

/* Locked by the caller, or not. */
const char *have_done(int pieces, bool is_locked)
{
    if (!is_locked)
        pthread_mutex_lock(&lock);
    done = 0;
    sum = 0;
    hand_over(pieces);
    while (done < pieces)
        pthread_cond_wait(&answered, &lock);
    bool is_right = sum == (long)pieces * (pieces - 1) / 2;
    pthread_mutex_unlock(&lock);
    return wrong ? wrong : is_right ? NULL : "sum";
}

const char *end_pool(void)
{
    pthread_mutex_lock(&lock);
    is_over = 1;
    wake(count);
    pthread_mutex_unlock(&lock);
    for (long i = 0; i < count; i++) {
        void *result;
        if (pthread_join(threads[i], &result) != 0 || result != (void *)(i * 3))
            return "join";
    }
    start_and_join();
    while (task_count() != 1) /* a thread that was joined is on the kernel's list a moment longer */
        sched_yield();
    return NULL;
}

/* All but `busy` sleep, and none of them has yet to return from a wait that was woken. A child that
   lost such a thread would wait for it within pthread_cond_broadcast (glibc 2.25 to 2.40). */
void wait_until_idle(int busy)
{
    for (int idle = -1; idle < count - busy; sched_yield()) {
        pthread_mutex_lock(&lock);
        idle = 0;
        for (int i = 0; i < count; i++)
            idle += ready == count && (slept[i] == handed || !sleeps_in("cond"));
        pthread_mutex_unlock(&lock);
    }
}

void start_thread(long id)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (is("stack"))
        pthread_attr_setstack(
            &attributes,
            mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            1 << 20);
    must(pthread_create(&threads[id], &attributes, serve, (void *)id) == 0, "pthread_create");
}

void start_pool(void)
{
    for (long i = 0; i < count; i++)
        start_thread(i);
    wait_until_idle(0);
}
