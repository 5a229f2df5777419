/*
 * Programs of one kind in one file: PROGRAM SCENARIO runs one of them. Each does well bare.
 *
 *     SCENARIO(name) { return status; }    in the process itself
 *     CHILD(name) { }                      in a forked child that lost a thread; its end is told
 *
 * The tests find the names in the source: a macro in capitals at the start of a line, whose first
 * argument is the name. A file may have macros of its own that expand to one of these.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include "../../prog/host.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>

/* Milliseconds: long enough for a watch to look several times, and a limit for what hangs. */
enum { LOOKS = 400, LIMIT = 8000 };

struct scenario {
    const char *name;
    int (*run)(void);
};

#define SCENARIO(name)                                               \
    static int name(void);                                           \
    static const struct scenario scenario_##name                     \
        __attribute__((used, section("scenarios"))) = {#name, name}; \
    static int name(void)

#define CHILD(name)                           \
    static void name##_in_child(void);        \
    SCENARIO(name)                            \
    {                                         \
        start_sleeper();                      \
        return run_in_child(name##_in_child); \
    }                                         \
    static void name##_in_child(void)

UNUSED static int tell_end(int status)
{
    say("the child ends with %d\n", status);
    return status != 0;
}

/* Sees a child end within the limit; the status as end_of gives it, or -1. */
UNUSED static int end_in_time(pid_t child)
{
    must(child > 0, "fork");
    for (int i = 0; i < LIMIT / 5; i++) {
        siginfo_t info = {0};
        must(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0, "waitid");
        if (info.si_pid == child)
            return end_of(child);
        rest(5);
    }
    kill(child, SIGKILL);
    end_of(child);
    return -1;
}

UNUSED static pid_t start_child(void (*body)(void))
{
    pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    must(child > 0, "fork");
    return child;
}

UNUSED static int run_in_child(void (*body)(void))
{
    return tell_end(end_in_time(start_child(body)));
}

UNUSED static pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, routine, argument) == 0, "pthread_create");
    return thread;
}

UNUSED static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        must(errno == EINTR, "sem_wait");
}

UNUSED static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    must(sigaction(number, &action, NULL) == 0, "sigaction");
}

UNUSED static void alarm_in(long microseconds)
{
    struct itimerval timer = {
        .it_value = {microseconds / 1000000, (suseconds_t)(microseconds % 1000000)}};
    must(setitimer(ITIMER_REAL, &timer, NULL) == 0, "setitimer");
}

UNUSED static struct timespec milliseconds_from_now(clockid_t clock, long milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds % 1000 * 1000000;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

UNUSED static long futex(const void *word, int operation, int value)
{
    return syscall(SYS_futex, word, operation, value, NULL, NULL, ~0U);
}

#ifndef GUEST_WITHOUT_MAIN
extern const struct scenario __start_scenarios[], __stop_scenarios[];

int main(int count, char **arguments)
{
    for (const struct scenario *each = __start_scenarios; each < __stop_scenarios; each++)
        if (count > 1 && strcmp(each->name, arguments[1]) == 0)
            return each->run();
    say("there is no such scenario\n");
    return 2;
}
#endif

#endif
