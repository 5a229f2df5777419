/*
 * Threads that no hook sees starting, threads that end without telling, and a fork beside them.
 *   owned=N       threads by pthread_create
 *   clone=N       by a raw clone with CLONE_THREAD, named raw-clone
 *   libc=N        by the pthread_create of libc's own handle, named by-handle
 *   timer         the helper of a SIGEV_THREAD timer
 *   starting=N    owned threads that have yet to begin (with libcarried_help.so)
 *   raw_exit=N    threads by pthread_create that have ended by the exit system call
 *   thread        forks from a thread of its own, by pthread_create
 *   raw_fork      forks from a child that the fork system call made behind every hook's back
 *   nested        the child starts an owned thread and forks, too
 *   last_words    forks from a destructor of thread-specific data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/prctl.h>

enum { STACK = 65536 };

static sem_t ready;
static volatile int cloned;
static int nested, alive = 1;
static pthread_key_t key;

static void *own(void *name)
{
    pthread_setname_np(pthread_self(), name);
    sem_post(&ready);
    return sleep_for_ever(NULL);
}

/* Without thread-local data of its own: system calls that succeed, and nothing else. */
static int sleep_cloned(void *unused)
{
    static int never;
    syscall(SYS_prctl, PR_SET_NAME, "raw-clone", 0, 0, 0);
    __atomic_fetch_add(&cloned, 1, __ATOMIC_SEQ_CST);
    for (;;)
        syscall(SYS_futex, &never, FUTEX_WAIT, 0, NULL, NULL, 0);
    return unused != NULL;
}

static void start_clone(void)
{
    char *stack = malloc(STACK);
    int before = cloned;
    must(clone(sleep_cloned, stack + STACK,
               CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
               NULL) > 0,
         "clone");
    while (cloned == before)
        sched_yield();
    alive++;
}

static void start_owned(int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                                      void *),
                        const char *name)
{
    pthread_t thread;
    must(create(&thread, NULL, own, (void *)name) == 0, "pthread_create");
    sem_wait(&ready);
    alive++;
}

static void start_by_handle(void)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&create = of_libc("pthread_create");
    start_owned(create, "by-handle");
}

static void *raw_exit(void *unused)
{
    syscall(SYS_exit, 0);
    return unused;
}

static void start_raw_exit(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, raw_exit, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
}

static void ignore(union sigval unused)
{
    (void)unused;
}

static void start_timer(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = ignore};
    must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    alive++;
}

static void start_held(void)
{
    pthread_t thread;
    int *are_held = dlsym(RTLD_DEFAULT, "threads_are_held");
    must(are_held != NULL, "libcarried_help.so");
    *are_held = 1;
    must(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0, "pthread_create");
    alive++;
}

static void fork_once(void)
{
    pid_t child = fork();
    if (child == 0 && nested) {
        nested = 0;
        start_owned(pthread_create, "in-child");
        fork_once();
        _exit(0);
    }
    if (child == 0)
        _exit(task_count());
    say("child ended with %d\n", end_of(child));
}

static void *fork_in_thread(void *unused)
{
    fork_once();
    return unused;
}

static void fork_last(void *unused)
{
    (void)unused;
    fork_once();
}

static void *set_key(void *unused)
{
    pthread_setspecific(key, &key);
    return unused;
}

static void in_thread(void *(*routine)(void *))
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, routine, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
}

static void raw_fork(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    must(child >= 0, "the fork system call");
    if (child == 0) {
        start_owned(pthread_create, "in-child");
        fork_once();
        _exit(0);
    }
    say("raw child ended with %d\n", end_of(child));
}

static int number_of(const char *argument)
{
    const char *equals = strchr(argument, '=');
    return equals ? atoi(equals + 1) : 1;
}

int main(int count, char **arguments)
{
    void (*fork_how)(void) = fork_once;
    void *(*routine)(void *) = NULL;
    sem_init(&ready, 0, 0);
    must(pthread_key_create(&key, fork_last) == 0, "pthread_key_create");
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        int number = number_of(argument);
        for (int n = 0; n < number; n++) {
            if (strncmp(argument, "owned", 5) == 0)
                start_owned(pthread_create, "owned");
            else if (strncmp(argument, "clone", 5) == 0)
                start_clone();
            else if (strncmp(argument, "libc", 4) == 0)
                start_by_handle();
            else if (strncmp(argument, "raw_exit", 8) == 0)
                start_raw_exit();
            else if (strncmp(argument, "starting", 8) == 0)
                start_held();
            else if (strcmp(argument, "timer") == 0)
                start_timer();
            else if (strcmp(argument, "nested") == 0)
                nested = 1;
            else if (strcmp(argument, "thread") == 0)
                routine = fork_in_thread;
            else if (strcmp(argument, "last_words") == 0)
                routine = set_key;
            else if (strcmp(argument, "raw_fork") == 0)
                fork_how = raw_fork;
            else
                must(0, argument);
        }
    }
    wait_for_tasks(alive);
    say("threads %d\n", alive);
    if (routine)
        in_thread(routine);
    else
        fork_how();
    return 0;
}
