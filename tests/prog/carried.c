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
#include "host.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>

#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 30)
#define pthread_cond_clockwait(condition, lock, clock, until) ENOSYS
#define sem_clockwait(semaphore, clock, until) -1
#endif

enum { MOST = 256, QUEUE = 4096, KEYS = 40 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static sem_t posted;
static unsigned word; /* of kind futex: how often it was posted */
static pthread_t threads[MOST];
static int count, ready, first, last, done, blocks, is_over;
static int forks_are_over, other_is_over;
static long queue[QUEUE], sum;
static unsigned long handed,
    slept[MOST]; /* how often work was handed over; before a thread slept */
static pthread_key_t keys[KEYS];
static __thread long mark;
static __thread bool is_blocked; /* SIGWINCH: not for long */
static const char *kind, *name;
static char places[MOST][32768];
static sem_t release;

static bool is(const char *asked)
{
    return strcmp(name, asked) == 0;
}

static bool sleeps_in(const char *what)
{
    return strncmp(kind, what, strlen(what)) == 0;
}

static bool is_kind(const char *what)
{
    return strcmp(kind, what) == 0;
}

static struct timespec far_away(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += 1000;
    return time;
}

static void sleep_in_condition(void)
{
    struct timespec until = far_away(is_kind("cond_clock") ? CLOCK_MONOTONIC : CLOCK_REALTIME);
    if (is_kind("cond_until"))
        pthread_cond_timedwait(&wanted, &lock, &until);
    else if (is_kind("cond_clock"))
        pthread_cond_clockwait(&wanted, &lock, CLOCK_MONOTONIC, &until);
    else
        pthread_cond_wait(&wanted, &lock);
}

static int sleep_in_semaphore(void)
{
    struct timespec until = far_away(is_kind("sem_clock") ? CLOCK_MONOTONIC : CLOCK_REALTIME);
    return is_kind("sem_until")   ? sem_timedwait(&posted, &until)
           : is_kind("sem_clock") ? sem_clockwait(&posted, CLOCK_MONOTONIC, &until)
                                  : sem_wait(&posted);
}

static void sleep_in_futex(unsigned seen)
{
    struct timespec until = far_away(CLOCK_MONOTONIC), long_time = {1000, 0};
    int private = is("shared") ? 0 : FUTEX_PRIVATE_FLAG;
    if (is_kind("futex_until"))
        syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | private, seen, &until, NULL,
                FUTEX_BITSET_MATCH_ANY);
    else
        syscall(SYS_futex, &word, FUTEX_WAIT | private, seen,
                is_kind("futex_while") ? &long_time : NULL);
}

/* Where the pool is idle; with the lock, and without work. */
static void sleep_here(void)
{
    if (sleeps_in("cond")) {
        sleep_in_condition();
        return;
    }
    unsigned seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&lock);
    if (sleeps_in("sem"))
        while (sleep_in_semaphore() != 0) {
        }
    else
        sleep_in_futex(seen);
    pthread_mutex_lock(&lock);
}

static void wake(int how_many)
{
    if (sleeps_in("cond"))
        pthread_cond_broadcast(&wanted);
    else if (sleeps_in("sem"))
        for (int i = 0; i < how_many; i++)
            sem_post(&posted);
    __atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, is("shared") ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, MOST, NULL);
}

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

static void fork_here(void);

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

static void hand_over(int pieces)
{
    for (int i = 0; i < pieces; i++)
        queue[last++ % QUEUE] = i;
    handed++;
    wake(pieces);
}

/* Locked by the caller, or not. */
static const char *have_done(int pieces, bool is_locked)
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

static const char *end_pool(void)
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
static void wait_until_idle(int busy)
{
    for (int idle = -1; idle < count - busy; sched_yield()) {
        pthread_mutex_lock(&lock);
        idle = 0;
        for (int i = 0; i < count; i++)
            idle += ready == count && (slept[i] == handed || !sleeps_in("cond"));
        pthread_mutex_unlock(&lock);
    }
}

static void start_thread(long id)
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

/* A child's own verdict; "" where it works. */
static const char *try_pool(int depth)
{
    const char *what = have_done(50, is("held"));
    if (what)
        return what;
    if (task_count() != count + 1)
        return "tasks";
    if (is("grown")) {
        start_thread(count++);
        wait_until_idle(0);
    }
    if (depth > 0) {
        pid_t child = fork();
        if (child == 0) {
            const char *why = try_pool(depth - 1);
            _exit(why ? 1 : 0);
        }
        int status;
        waitpid(child, &status, 0);
        if (status)
            return "grandchild";
        what = have_done(50, false);
    }
    return what ? what : end_pool();
}

static _Atomic int handling; /* a thread's number */

static void sleep_on(int signal)
{
    (void)signal;
    handling = (int)syscall(SYS_gettid);
    for (;;)
        pause();
}

static bool is_asleep(int thread)
{
    char path[64], stat[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    int file = open(path, O_RDONLY);
    must(read(file, stat, sizeof stat - 1) > 0, path);
    close(file);
    return strstr(stat, ") S ") != NULL;
}

static void have_handled(void)
{
    struct sigaction action = {.sa_handler = sleep_on};
    sigaction(SIGUSR1, &action, NULL);
    pthread_kill(threads[0], SIGUSR1);
    while (!handling || !is_asleep(handling))
        sched_yield();
}

static int works, fails;

static void note(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        works++;
    else
        fails++;
}

static void start_one_and_fork(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_for_ever, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static pid_t fork_child(int depth)
{
    if (is("held"))
        pthread_mutex_lock(&lock);
    if (is("handed")) {
        pthread_mutex_lock(&lock);
        done = 0;
        hand_over(3);
        pthread_mutex_unlock(&lock);
    }
    pid_t child = fork();
    if (child == 0) {
        signal(SIGUSR1, SIG_DFL); /* which could have ended a wait */
        if (is("lost"))
            start_one_and_fork();
        const char *why = is("handed") && done != 3 ? "done elsewhere" : try_pool(depth);
        if (why)
            say("bad %s\n", why);
        if (is("crashes"))
            abort();
        exit(why ? 1 : 0);
    }
    if (is("held"))
        pthread_mutex_unlock(&lock);
    return child;
}

static void fork_here(void)
{
    int status;
    wait_until_idle(1);
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(&lock);
        hand_over(1);
        while (first != last)
            pthread_cond_wait(&answered, &lock);
        _exit(0);
    }
    waitpid(child, &status, 0);
    note(status);
}

static void *fork_often(void *forks)
{
    for (long i = 0; i < (long)forks; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            _exit(try_pool(0) ? 1 : 0);
        }
        waitpid(child, &status, 0);
        pthread_mutex_lock(&lock);
        note(status);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
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

static void start_pool(void)
{
    for (long i = 0; i < count; i++)
        start_thread(i);
    wait_until_idle(0);
}

static long resident(void)
{
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    (void)fclose(file);
    return pages;
}

static bool is_deep(void)
{
    return is("deep") || is("grown");
}

/* A thread of the pool is. */
static bool is_at_work(void)
{
    return is("runs") || is("task") || is("busy");
}

static void fork_in_turn(int forks)
{
    long before = 0;
    int descriptor = 0;
    for (int i = 0; i < forks; i++) {
        int status;
        if (!is("handed") && !is("flat") && !is_deep()) /* these have the fork wait for rest */
            wait_until_idle(is_at_work());
        if (is("unwoken"))
            __atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
        if (is("stirred"))
            must(have_done(1, false) == NULL, "the parent's pool");
        if (is("handled") && i == 1)
            have_handled();
        pid_t child = fork_child(is_deep() ? 2 : 0);
        must(child > 0, "fork");
        if (is("killed"))
            kill(child, SIGKILL);
        waitpid(child, &status, 0);
        note(status);
        if (!is_at_work() && !is("shared") && !is("woken") && !is("handled"))
            must(have_done(20, false) == NULL, "the parent's pool");
        if (i == forks / 4) {
            before = resident();
            descriptor = dup(0);
            close(descriptor);
        }
    }
    if (is("flat")) {
        int now = dup(0);
        say("memory %s, descriptors %s\n", resident() - before > 64 ? "grew" : "flat",
            now == descriptor ? "flat" : "grew");
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
    say("%d work, %d do not\n", works, fails);
    _exit(0);
}
