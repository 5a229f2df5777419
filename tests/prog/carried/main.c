/*
 * carried CASE KIND THREADS FORKS: a pool whose idle threads are carried into forked children. KIND
 * is what its threads sleep in: cond, sem, or futex (by syscall), or one of these with a time limit
 * that does not come: cond_until, cond_clock, sem_until, sem_clock, futex_until, futex_while. A
 * child that works says "ok", one that does not "bad WHY"; a line for each outcome that is new, and
 * how often at the end.
 *
 *   works      the child has work done, joins the threads, starts others, ends
 *   kept       the child's threads are as they were: name, mask, signal stack, thread-specific data
 *   deep       so do children of children of children
 *   grown      likewise, and each has one thread more, which it started
 *   handed     work is handed over right before the fork: each piece is done once, in one process
 *   unwoken    the threads' futex has changed since they slept, and nobody woke them
 *   stirred    before a thread sleeps it wakes the others, for nothing, while the process forks
 *   held       the forking thread holds the pool's lock
 *   killed     children are killed at once
 *   crashes    children work, and abort
 *   flat       as works; the parent's memory and descriptors stay the same
 *   signals    signals break in upon the pool all the time
 *   at_once    two threads fork at once; children work, or are without the pool
 *   others     another thread sleeps meanwhile
 *   raw        another one that no hook saw
 *   runs       a thread of the pool runs
 *   task       a thread of the pool waits in the midst of its work
 *   handled    from the second fork on, a thread of the pool sleeps in a signal handler
 *   inside     a thread of the pool forks
 *   shared     for another process
 *   recursive  with a lock that knows its owner
 *   robust     a thread of the pool holds a robust lock
 *   stack      a thread of the pool has a stack of the program's
 *   handlers   the program has fork handlers
 *   woken      another library's fork handler wakes a thread (with libcarried_help.so)
 *   starting   a thread of the pool has yet to begin (likewise)
 *   busy       as runs, and another library's thread forks, too (likewise)
 *   lost       as handlers; the child starts a thread, and forks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "carried.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/time.h>

const char *name, *kind;
int count;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t wanted = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
sem_t posted, release;
unsigned word;
pthread_t threads[MOST];
pthread_key_t keys[KEYS];
int first, last, done, blocks;
static int forks_are_over, other_is_over;

bool is(const char *asked)
{
    return strcmp(name, asked) == 0;
}

static void ignore(int signal)
{
    (void)signal;
}

static int sleep_raw(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return 0;
}

static void prepare_nothing(void)
{
}

static void hand_one_over(void)
{
    pthread_mutex_lock(&lock);
    hand_over(1);
    pthread_mutex_unlock(&lock);
}

static void *help(const char *symbol)
{
    void *found = dlsym(RTLD_DEFAULT, symbol);
    must(found != NULL, "libcarried_help.so");
    return found;
}

/* Whichever thread forks first waits for the pool to rest; the other's forks come meanwhile. */
static void *fork_beside(void *unused)
{
    while (!__atomic_load_n(&forks_are_over, __ATOMIC_SEQ_CST)) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
    __atomic_store_n(&other_is_over, 1, __ATOMIC_SEQ_CST);
    return unused;
}

/* When the pool is idle. */
static void get_help(void)
{
    pthread_t late;
    void (*call_before_forks)(void (*)(void)), (*start_other_thread)(void *(*)(void *));
    if (is("busy")) {
        *(void **)&start_other_thread = help("start_other_thread");
        start_other_thread(fork_beside);
    }
    if (is("woken")) {
        *(void **)&call_before_forks = help("call_before_forks");
        call_before_forks(hand_one_over);
    }
    if (is("starting")) {
        *(int *)help("threads_are_held") = 1;
        must(pthread_create(&late, NULL, return_argument, NULL) == 0, "pthread_create");
    }
}

static void set_up(void)
{
    pthread_mutexattr_t kind_of_lock;
    pthread_condattr_t kind_of_wait;
    pthread_mutexattr_init(&kind_of_lock);
    pthread_condattr_init(&kind_of_wait);
    if (is("recursive"))
        pthread_mutexattr_settype(&kind_of_lock, PTHREAD_MUTEX_RECURSIVE);
    if (is("shared"))
        pthread_condattr_setpshared(&kind_of_wait, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&lock, &kind_of_lock);
    pthread_cond_init(&wanted, &kind_of_wait);
    sem_init(&posted, 0, 0);
    sem_init(&release, 0, 0);
    for (int i = 0; i < KEYS; i++)
        pthread_key_create(&keys[i], free);
    if (is("handlers") || is("lost"))
        pthread_atfork(prepare_nothing, NULL, NULL);
    if (is("others"))
        pthread_create(&threads[MOST - 1], NULL, sleep_for_ever, NULL);
    if (is("raw")) {
        static char stack[65536];
        clone(sleep_raw, stack + sizeof stack,
              CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
              NULL);
    }
    if (is("signals")) {
        struct itimerval often = {{0, 300}, {0, 300}};
        struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &often, NULL);
    }
}

int main(int arguments_count, char **arguments)
{
    must(arguments_count == 5, "carried CASE KIND THREADS FORKS");
    name = arguments[1];
    kind = arguments[2];
    count = atoi(arguments[3]);
    long forks = atol(arguments[4]);
    set_up();
    start_pool();
    get_help();
    if (is_at_work()) {
        blocks = 1;
        pthread_mutex_lock(&lock);
        hand_over(1);
        pthread_mutex_unlock(&lock);
        while (__atomic_load_n(&first, __ATOMIC_SEQ_CST) != last)
            sched_yield();
    }
    if (is("inside")) {
        must(have_done(1, false) == NULL, "the parent's pool");
    } else if (is("at_once")) {
        pthread_t other;
        pthread_create(&other, NULL, fork_often, (void *)forks);
        fork_often((void *)forks);
        pthread_join(other, NULL);
    } else {
        fork_in_turn((int)forks);
    }
    __atomic_store_n(&forks_are_over, 1, __ATOMIC_SEQ_CST);
    while (is("busy") && !__atomic_load_n(&other_is_over, __ATOMIC_SEQ_CST))
        sched_yield();
    say_how_many();
    _exit(0);
}
