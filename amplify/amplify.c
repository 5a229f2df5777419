/*
 * libforkamplify.so, preloaded behind the shim by `forkpolicy run --amplify N`: a fork waits, for N
 * milliseconds at most, until another thread holds a lock, so that the hang which needs this shows
 * in tens of runs instead of in thousands.
 *
 * Every lock that goes through libc is counted for its thread: mutexes, read-write locks and
 * semaphores (Python's locks). A fork that is wanted keeps whoever comes to an unlock from it until
 * the fork is done. In Python the wait comes at the audit event, before Python takes its own locks,
 * and gives the interpreter lock away again and again, so that other threads stop at many places.
 *
 * Locks made of futexes without libc (Rust's, Go's) are not seen. For finding hangs, not for
 * running jobs: every lock costs more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { THREADS_MAX = 4096, LOCKS_MAX = 8, TOLD_MAX = 3 };

/* What is held longer needs no amplifying; and a Python thread holds one as long as it lives. */
enum { YOUNG_MICROSECONDS = 100 * 1000, TARRY_MICROSECONDS = 500 };

/* One thread: the locks that it took last, and whether it sleeps for another one or for a
   condition, in which it will not come to an unlock. */
struct holder {
    struct {
        void *_Atomic lock;
        _Atomic long since; /* microseconds */
        _Atomic bool is_semaphore;
    } held[LOCKS_MAX];
    unsigned next;
    _Atomic int sleeps;
    _Atomic pid_t tid;
};

static struct holder holders[THREADS_MAX];
static _Atomic unsigned holder_count;
static _Thread_local struct holder *self __attribute__((tls_model("initial-exec")));

static _Atomic bool fork_wanted, python_fork_wanted;
static _Atomic pid_t forker;
static long limit_milliseconds;

static struct holder *me(void)
{
    static struct holder none; /* for whom there is no room */
    if (!self) {
        unsigned index = atomic_fetch_add(&holder_count, 1);
        self = index < THREADS_MAX ? &holders[index] : &none;
        atomic_store(&self->tid, (pid_t)syscall(SYS_gettid));
    }
    return self;
}

static long microseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void take(void *lock, bool is_semaphore)
{
    struct holder *holder = me();
    unsigned at = holder->next++ % LOCKS_MAX;
    atomic_store(&holder->held[at].since, microseconds());
    atomic_store(&holder->held[at].is_semaphore, is_semaphore);
    atomic_store(&holder->held[at].lock, lock);
}

/* A lock may be given back by another thread than the one that took it: then it grows old. */
static void give(void *lock)
{
    for (unsigned i = 0; i < LOCKS_MAX; i++)
        if (atomic_load(&me()->held[i].lock) == lock)
            atomic_store(&me()->held[i].lock, NULL);
}

/* Python's locks are semaphores; its mutexes guard what no child misses. */
static bool holds(const struct holder *holder, bool semaphores)
{
    for (unsigned i = 0; i < LOCKS_MAX; i++)
        if (atomic_load(&holder->held[i].lock) &&
            (!semaphores || atomic_load(&holder->held[i].is_semaphore)) &&
            microseconds() - atomic_load(&holder->held[i].since) < YOUNG_MICROSECONDS)
            return true;
    return false;
}

/* The thread that holds a lock and will come to its unlock; 0 = none. */
static pid_t find_holder(bool semaphores)
{
    unsigned count = atomic_load(&holder_count);
    for (unsigned i = 0; i < count && i < THREADS_MAX; i++)
        if (&holders[i] != self && holds(&holders[i], semaphores) &&
            !atomic_load(&holders[i].sleeps))
            return atomic_load(&holders[i].tid);
    return 0;
}

/* A fork is wanted, and this thread holds what the child may want. */
static void linger(void)
{
    if (!atomic_load(&fork_wanted) || !holds(me(), false) || atomic_load(&forker) == me()->tid)
        return;
    long end = microseconds() + limit_milliseconds * 1000;
    while (atomic_load(&fork_wanted) && microseconds() < end)
        sched_yield();
}

/* A Python thread that has just taken a lock stays long enough for the thread that forks to ask for
   the interpreter lock: it then gives that away while it holds the other. */
static void tarry(void)
{
    long end = microseconds() + TARRY_MICROSECONDS;
    if (atomic_load(&forker) != me()->tid)
        while (atomic_load(&python_fork_wanted) && microseconds() < end)
            sched_yield();
}

static void say(const char *where, pid_t holder, long waited)
{
    static _Atomic int told;
    char line[200];
    if (atomic_fetch_add(&told, 1) >= TOLD_MAX)
        return;
    int length =
        holder ? snprintf(line, sizeof line,
                          "forkpolicy: amplify: %s in pid %d waited %ld.%03ld ms, until thread %d "
                          "held a lock\n",
                          where, (int)getpid(), waited / 1000, waited % 1000, (int)holder)
               : snprintf(line, sizeof line,
                          "forkpolicy: amplify: %s in pid %d waited %ld ms; no other thread took a "
                          "lock meanwhile (one that is held for %d ms needs no amplifying)\n",
                          where, (int)getpid(), waited / 1000, YOUNG_MICROSECONDS / 1000);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return;
}

static pid_t (*real_fork(void))(void)
{
    static pid_t (*real)(void);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fork");
    return real;
}

/* At the audit event of this very fork, by the thread that forks. */
static _Thread_local bool was_amplified __attribute__((tls_model("initial-exec")));

static pid_t wait_for_holder(long begun)
{
    pid_t holder = 0;
    atomic_store(&forker, me()->tid);
    atomic_store(&fork_wanted, true);
    while (!(holder = find_holder(false)) && microseconds() - begun < limit_milliseconds * 1000)
        sched_yield();
    return holder;
}

EXPORT pid_t fork(void)
{
    int saved = errno;
    me(); /* one of those that are counted */
    if (!was_amplified && atomic_load(&holder_count) > 1) {
        long begun = microseconds();
        pid_t holder = wait_for_holder(begun);
        say("fork()", holder, microseconds() - begun);
    }
    was_amplified = false;
    errno = saved;
    pid_t child = real_fork()();
    atomic_store(&fork_wanted, false);
    if (child == 0)
        atomic_store(&holder_count, 0), self = NULL;
    return child;
}

/* Python: between two checks of the interpreter another thread runs; with the shortest interval it
   stops wherever it is, also between taking a lock and giving it back. */
static struct {
    void *(*save)(void);
    void (*restore)(void *);
    void (*set_interval)(unsigned long);
    unsigned long (*get_interval)(void);
    int (*add_hook)(int (*)(const char *, void *, void *), void *);
    int (*runs)(void);
    int (*holds_lock)(void);
    int (*later)(int (*)(void *), void *);
} python;

static void find_python(void)
{
    *(void **)&python.save = dlsym(RTLD_DEFAULT, "PyEval_SaveThread");
    *(void **)&python.restore = dlsym(RTLD_DEFAULT, "PyEval_RestoreThread");
    *(void **)&python.set_interval = dlsym(RTLD_DEFAULT, "_PyEval_SetSwitchInterval");
    *(void **)&python.get_interval = dlsym(RTLD_DEFAULT, "_PyEval_GetSwitchInterval");
    *(void **)&python.add_hook = dlsym(RTLD_DEFAULT, "PySys_AddAuditHook");
    *(void **)&python.runs = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
    *(void **)&python.holds_lock = dlsym(RTLD_DEFAULT, "PyGILState_Check");
    *(void **)&python.later = dlsym(RTLD_DEFAULT, "Py_AddPendingCall");
}

static int hear(const char *event, void *arguments, void *unused)
{
    (void)arguments, (void)unused;
    if (strcmp(event, "os.fork") != 0 && strcmp(event, "os.forkpty") != 0)
        return 0;
    me();
    long begun = microseconds();
    pid_t holder = 0;
    unsigned long interval = python.get_interval ? python.get_interval() : 5000;
    atomic_store(&forker, me()->tid);
    atomic_store(&python_fork_wanted, true);
    if (python.set_interval)
        python.set_interval(1);
    while (atomic_load(&holder_count) > 1 && !(holder = find_holder(true)) &&
           microseconds() - begun < limit_milliseconds * 1000) {
        void *state = python.save();
        sched_yield();
        python.restore(state);
    }
    atomic_store(&python_fork_wanted, false);
    if (python.set_interval)
        python.set_interval(interval);
    if (atomic_load(&holder_count) > 1)
        say(event, holder, microseconds() - begun);
    was_amplified = holder != 0;
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *given = getenv("FORKPOLICY_AMPLIFY");
    limit_milliseconds = given ? strtol(given, NULL, 10) : 0;
    find_python();
}

static int add_hook(void *unused)
{
    (void)unused;
    return python.add_hook(hear, NULL);
}

/* CPython frees a hook by the allocator that it has at its end, which is another one than before
   its start in development mode: so it is added when Python runs, at the first thread. */
static void listen_to_python(void)
{
    static atomic_bool listens;
    if (limit_milliseconds <= 0 || !python.save || !python.restore || !python.add_hook ||
        !python.runs || !python.holds_lock || !python.later || !python.runs() ||
        atomic_exchange(&listens, true))
        return;
    if (python.holds_lock())
        add_hook(NULL);
    else if (python.later(add_hook, NULL) != 0)
        atomic_store(&listens, false);
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*routine)(void *), void *argument)
{
    static __typeof(pthread_create) *real;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    listen_to_python();
    return real(thread, attributes, routine, argument);
}

/* libc's function as programs get it: before glibc 2.36 RTLD_NEXT gives the older one of two
   versions, and conditions had another layout on x86-64 until 2.3.2. musl has no versions. */
extern __typeof(dlvsym) dlvsym __attribute__((weak));
static void *find_next(const char *name)
{
    static const char CONDITIONS[] = "pthread_cond_";
    bool has_two = dlvsym && strncmp(name, CONDITIONS, sizeof CONDITIONS - 1) == 0;
    void *newer = has_two ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : NULL;
    return newer ? newer : dlsym(RTLD_NEXT, name);
}

/* How libc's calls are wrapped; `got` is what is done where one has got what it waits for. */
#define REAL(name)               \
    static __typeof(name) *real; \
    if (!real)                   \
    *(void **)&real = find_next(#name)

#define WAITS(name, parameters, arguments, got) \
    EXPORT int name parameters                  \
    {                                           \
        REAL(name);                             \
        atomic_fetch_add(&me()->sleeps, 1);     \
        int error = real arguments;             \
        atomic_fetch_sub(&me()->sleeps, 1);     \
        if (error == 0)                         \
            got;                                \
        return error;                           \
    }

#define TAKES(name, parameters, arguments) \
    WAITS(name, parameters, arguments, (take(lock, strncmp(#name, "sem_", 4) == 0), tarry()))

#define SLEEPS(name, parameters, arguments) WAITS(name, parameters, arguments, (void)0)

#define GIVES(name, parameters, arguments) \
    EXPORT int name parameters             \
    {                                      \
        REAL(name);                        \
        linger();                          \
        give(lock);                        \
        return real arguments;             \
    }

#include "amplify/locks.def"
