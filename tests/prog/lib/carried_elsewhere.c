/* Preloaded behind the shim: a machine where threads are not carried, as ELSEWHERE says.
 *
 *   libc     the libc is a later one
 *   shadow   the processor keeps shadow stacks
 *   pending  an epoll instance has something to tell while its thread sleeps
 *   traced   the forking thread loses the processor at each call, as under strace
 *   slots    this library has a thread, and calls none of the functions that a thread can wait in
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHADOW_STACK_STATUS = 0x5005 };

/* Constructors of others run before the environment is there. */
static bool is(const char *asked)
{
    static char variables[65536];
    static bool is_read;
    if (!is_read) {
        long (*call)(long, ...);
        *(void **)&call = dlsym(RTLD_NEXT, "syscall");
        int file = (int)call(SYS_open, "/proc/self/environ", 0);
        call(SYS_read, file, variables, sizeof variables - 1);
        call(SYS_close, file);
        is_read = true;
    }
    for (const char *at = variables; *at; at += strlen(at) + 1)
        if (strncmp(at, "ELSEWHERE=", 10) == 0)
            return strcmp(at + 10, asked) == 0;
    return false;
}

const char *gnu_get_libc_version(void)
{
    return is("libc") ? "2.99" : "2.36";
}

long syscall(long number, ...)
{
    static long (*call)(long, ...);
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    if (!call)
        *(void **)&call = dlsym(RTLD_NEXT, "syscall");
    if (number == SYS_ppoll && is("pending"))
        return 1;
#ifdef SYS_arch_prctl
    if (number == SYS_arch_prctl && arguments[0] == SHADOW_STACK_STATUS && is("shadow")) {
        *(unsigned long *)arguments[1] = 1;
        return 0;
    }
#endif
    return call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}

int getrusage(__rusage_who_t who, struct rusage *usage)
{
    static _Atomic long calls;
    int (*ask)(__rusage_who_t, struct rusage *);
    *(void **)&ask = dlsym(RTLD_NEXT, "getrusage");
    int answer = ask(who, usage);
    if (is("traced"))
        usage->ru_nvcsw += calls++;
    return answer;
}

static void *rest(void *unused)
{
    for (;;)
        pause();
    return unused;
}

__attribute__((constructor)) static void start(void)
{
    pthread_t thread;
    if (is("slots") && pthread_create(&thread, NULL, rest, NULL) != 0)
        abort();
}
