/*
 * libc's syscall() in a watched child: Rust's and absl's locks wait by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/watch/futex.h"

#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/signal_handlers.h"
#include "shim/watch/got.h"
#include "shim/watch/sandbox.h"
#include "shim/watch/timed_waits.h"
#include "shim/watch/wait_loop.h"
#include "shim/watch/watched.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_requeue /* Linux 6.7 */
#define SYS_futex_requeue 456
#endif

typedef long system_call(long number, long a, long b, long c, long d, long e, long f);

/* FUTEX_REQUEUE, FUTEX_CMP_REQUEUE and futex_requeue that this process has made: they move sleepers
   to another word, on which the next slice of their wait would not be. */
static _Atomic unsigned requeues;

static int *word_of(const struct fp_waiting *waiting)
{
    return (int *)(uintptr_t)waiting->object;
}

/* The kernel is asked, with a time limit that is over: the word may have been unmapped meanwhile.
 */
static bool word_has_changed(struct fp_waiting *waiting)
{
    const struct timespec past = {0, 0};
    long operation = FUTEX_WAIT_BITSET | (waiting->flags & FUTEX_PRIVATE_FLAG);
    long result = syscall(SYS_futex, word_of(waiting), operation, waiting->argument, &past, NULL,
                          waiting->bits);
    return result == 0 || errno != ETIMEDOUT; /* woken, or the word is another */
}

/* FUTEX_WAIT with a moment for its end is FUTEX_WAIT_BITSET for any bit. */
static int futex_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    bool restarts = fp_handlers_restart();
    long operation = FUTEX_WAIT_BITSET | (waiting->flags & FUTEX_PRIVATE_FLAG);
    if (syscall(SYS_futex, word_of(waiting), operation, waiting->argument, deadline, NULL,
                waiting->bits) == 0)
        return 0;
    /* Another word may be this one's now. To wake without a reason is allowed (futex(2)). */
    if (errno == ETIMEDOUT && atomic_load(&requeues) != (unsigned)waiting->requeues)
        return 0;
    return errno == EINTR && restarts ? ETIMEDOUT : errno;
}

/* Another process may move its sleepers to another word as well. Nothing can be proven of it. */
static bool is_shared(const struct fp_futex_call *call)
{
    static FP_THREAD const int *last; /* of those that were */
    if (call->operation & FUTEX_PRIVATE_FLAG)
        return false;
    if (call->word != last && fp_hang_may_be_shared(call->word))
        last = call->word;
    return call->word == last;
}

long fp_futex_wait(const struct fp_futex_call *call)
{
    long command = call->operation & FUTEX_CMD_MASK;
    if (is_shared(call))
        return syscall(SYS_futex, call->word, call->operation, call->value, NULL, NULL, call->bits);
    struct fp_waiting waiting = {.wait = call->wait,
                                 .object = call->word,
                                 .caller = call->caller,
                                 .is_over = word_has_changed,
                                 .argument = call->value,
                                 .flags = call->operation,
                                 .requeues = atomic_load(&requeues),
                                 .bits =
                                     command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : call->bits};
    int saved = errno;
    int error = fp_waiting_endure(&waiting, futex_slice);
    /* Over, but not woken: the caller is to look at the word again. */
    errno = error ? error : saved;
    return error ? -1 : 0;
}

__attribute__((noinline)) static long watch_futex(const void *caller, long a, long b, long c,
                                                  long d, long e, long f)
{
    system_call *real = (system_call *)fp_got_real(FP_WATCHED_syscall);
    if (d) {
        long result = real(SYS_futex, a, b, c, d, e, f);
        fp_timed_note(FP_WAIT_FUTEX, (const void *)a, caller, result == 0);
        return result;
    }
    struct fp_futex_call call = {.wait = FP_WAIT_FUTEX,
                                 .word = (int *)a,
                                 .operation = b,
                                 .value = c,
                                 .bits = f,
                                 .caller = caller};
    return fp_futex_wait(&call);
}

__attribute__((noinline)) static long make_sandbox(long number, long a, long b, long c, long d,
                                                   long e, long f)
{
    fp_sandbox_begin();
    long answer = ((system_call *)fp_got_real(FP_WATCHED_syscall))(number, a, b, c, d, e, f);
    /* With SECCOMP_FILTER_FLAG_NEW_LISTENER it is a descriptor. */
    fp_sandbox_end(answer >= 0);
    return answer;
}

/* What is no futex wait is passed on by a jump: the child of a raw vfork or clone returns on this
   stack frame. */
long fp_watched_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long command = b & FUTEX_CMD_MASK;
    if (__builtin_expect(number == SYS_futex, 0) && !fp_self.inside &&
        (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET))
        return watch_futex(__builtin_return_address(0), a, b, c, d, e, f);
    if (__builtin_expect(fp_sandbox_is_made_by(number, a), 0))
        return make_sandbox(number, a, b, c, d, e, f);
    if (__builtin_expect(number == SYS_futex_requeue, 0) ||
        (__builtin_expect(number == SYS_futex, 0) &&
         (command == FUTEX_REQUEUE || command == FUTEX_CMP_REQUEUE)))
        atomic_fetch_add(&requeues, 1);
    return ((system_call *)fp_got_real(FP_WATCHED_syscall))(number, a, b, c, d, e, f);
}
