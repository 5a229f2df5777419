/* See sandbox.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/sandbox.h"

#include "shim/base/emit.h"
#include "shim/base/self.h"
#include "shim/watch/got.h"
#include "shim/watch/watched.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void (*point)(void), (*point_back)(void);

void fp_sandbox_init(void (*to_watch)(void), void (*back)(void))
{
    point = to_watch;
    point_back = back;
}

bool fp_sandbox_is_made_by(long number, long operation)
{
    return (number == SYS_prctl && operation == PR_SET_SECCOMP) ||
           (number == SYS_seccomp &&
            (operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER));
}

void fp_sandbox_begin(void)
{
    fp_got_scan_and(point_back);
}

void fp_sandbox_end(bool is_made)
{
    if (is_made) {
        fp_active = false;
        fp_emit_log_to(NULL);
    } else {
        int saved = errno;
        fp_got_scan_and(point);
        errno = saved;
    }
}

/* libc's own is variadic, and takes what the registers hold. */
int fp_watched_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    int (*real)(int, unsigned long, unsigned long, unsigned long, unsigned long);
    *(void **)&real = fp_got_real(FP_WATCHED_prctl);
    if (!fp_sandbox_is_made_by(SYS_prctl, option))
        return real(option, a, b, c, d);
    fp_sandbox_begin();
    int answer = real(option, a, b, c, d);
    fp_sandbox_end(answer == 0);
    return answer;
}
