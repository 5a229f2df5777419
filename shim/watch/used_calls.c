/*
 * What the libraries of lost runtimes call instead of libc: each call is noted, then made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "policy/text.h"
#include "shim/watch/condition_calls.h"
#include "shim/watch/got.h"
#include "shim/watch/used.h"
#include "shim/watch/watched.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Passed on by a jump, so that the watch finds the caller's address. */
long fp_used_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long command = b & FUTEX_CMD_MASK;
    if (number == SYS_futex && (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET))
        fp_used_note(CALLER, "futex");
    return fp_watched_syscall(number, a, b, c, d, e, f);
}

static bool is_eventfd(int file)
{
    char path[40], link[24];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/fd/%d", file);
    ssize_t length = readlink(path, link, sizeof link);
    return length == 20 && memcmp(link, "anon_inode:[eventfd]", 20) == 0;
}

ssize_t fp_used_write(int file, const void *bytes, size_t count)
{
    int saved = errno;
    if (count == sizeof(uint64_t) && is_eventfd(file))
        fp_used_note(CALLER, "eventfd");
    errno = saved;
    return REAL(write)(file, bytes, count);
}

int fp_used_cond_signal(pthread_cond_t *condition)
{
    fp_used_note(CALLER, "pthread_cond_signal");
    return fp_condition_signal(condition, CALLER);
}

int fp_used_cond_broadcast(pthread_cond_t *condition)
{
    fp_used_note(CALLER, "pthread_cond_broadcast");
    return fp_condition_broadcast(condition, CALLER);
}

int fp_used_sem_post(sem_t *semaphore)
{
    fp_used_note(CALLER, "sem_post");
    return REAL(sem_post)(semaphore);
}
