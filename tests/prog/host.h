/*
 * What the hosts share. Output goes straight to the descriptor: a stdio buffer would be copied by
 * a fork and printed twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 34)
#define HAS_SMALL_FORK 0
#define _Fork lacking_small_fork
#else
#define HAS_SMALL_FORK 1
#endif
#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 32)
/* A thread has the mask of its maker, too. */
#define pthread_attr_setsigmask_np(attributes, mask) pthread_sigmask(SIG_BLOCK, mask, NULL)
UNUSED static const char *strerrorname_np(int error)
{
    switch (error) {
    case ENOTSUP:
        return "ENOTSUP";
    case EINVAL:
        return "EINVAL";
    case EAGAIN:
        return "EAGAIN";
    case ENOSYS:
        return "ENOSYS";
    default:
        return strerror(error);
    }
}
#endif

__attribute__((format(printf, 1, 2))) UNUSED static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vdprintf(STDOUT_FILENO, format, arguments);
    va_end(arguments);
}

/* Ends the host where it cannot do its duty: with or without the shim that is a failed test. */
UNUSED static void must(int holds, const char *what)
{
    if (holds)
        return;
    say("failed: %s\n", what);
    _exit(99);
}

/* Ends the host where this libc lacks what the host is about: support.py skips the test. */
_Noreturn UNUSED static void lacks(const char *what)
{
    say("skipped: this libc has no %s\n", what);
    _exit(77);
}

UNUSED static pid_t lacking_small_fork(void)
{
    lacks("_Fork");
}

/* A function by the handle of libc, or of the library that had the threads before glibc 2.34. */
UNUSED static void *of_libc(const char *name)
{
    static const char *const LIBRARIES[] = {"libc.so.6", "libpthread.so.0"};
    void *found = NULL;
    for (int i = 0; i < 2 && !found; i++) {
        void *library = dlopen(LIBRARIES[i], RTLD_LAZY | RTLD_NOLOAD);
        found = library ? dlsym(library, name) : NULL;
    }
    must(found != NULL, name);
    return found;
}

/* Waits for a child; its exit code, or 128 + the signal. Never given -1. */
UNUSED static int end_of(pid_t child)
{
    int status;
    must(child > 0, "fork");
    while (waitpid(child, &status, 0) < 0)
        must(errno == EINTR, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

UNUSED static void *sleep_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

/* One more thread that only sleeps. */
UNUSED static pthread_t start_sleeper(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0, "pthread_create");
    return thread;
}

UNUSED static void *return_argument(void *argument)
{
    return argument;
}

UNUSED static void rest(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        ;
}

UNUSED static void *return_thread_id(void *id)
{
    *(pid_t *)id = (pid_t)syscall(SYS_gettid);
    return id;
}

/* Starts a thread and sees it end. pthread_join returns before the kernel has counted the thread
   out, and a number of threads that is told next would vary from run to run. */
UNUSED static void start_and_join(void)
{
    pthread_t thread;
    pid_t id = 0;
    void *result = NULL;
    must(pthread_create(&thread, NULL, return_thread_id, &id) == 0, "pthread_create");
    must(pthread_join(thread, &result) == 0 && result == &id && id > 0, "pthread_join");
    int error = errno;
    while (syscall(SYS_tgkill, getpid(), id, 0) == 0)
        rest(1);
    errno = error;
}

UNUSED static int task_count(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    must(tasks != NULL, "/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* Waits until the kernel lists so many threads: the last steps of an end are not instant. */
UNUSED static void wait_for_tasks(int wanted)
{
    for (int i = 0; i < 12000 && task_count() != wanted; i++)
        rest(5);
    must(task_count() == wanted, "the number of threads");
}

#endif
