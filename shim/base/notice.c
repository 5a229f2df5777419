/* See notice.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/notice.h"

#include "common/files.h"
#include "common/large.h"
#include "shim/base/emit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

FP_LARGE static char buffer[2048];
static struct fp_text text = FP_TEXT(buffer);
static atomic_bool pending;

struct fp_text *fp_notice_text(void)
{
    return &text;
}

/* Children of this process that it waited for, in programs that it was before an exec, too. */
static bool has_had_children(void)
{
    struct rusage children;
    return getrusage(RUSAGE_CHILDREN, &children) == 0 && children.ru_maxrss > 0;
}

/* The parent of a process, or 0. */
static pid_t parent_of(pid_t pid)
{
    char path[32], stat[512];
    struct fp_text name = FP_TEXT(path);
    fp_text_format(&name, "/proc/%d/stat", (int)pid);
    if (fp_file_read(path, stat, sizeof stat) <= 0)
        return 0;
    const char *behind = strrchr(stat, ')'); /* the name may hold anything */
    return behind && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

static bool is_ancestor(pid_t sought)
{
    enum { DEEPEST = 100 };
    pid_t pid = getppid();
    for (int i = 0; i < DEEPEST && pid > 0 && pid != sought; i++)
        pid = parent_of(pid);
    return pid == sought;
}

/*
 * One process of a job says the notice: the first that reads it puts its pid into the environment,
 * which its children inherit. An exec keeps the pid: then a shell that has run a program before
 * (sh -c "a; b") has said it. The pid of a process that is no ancestor was left there by another
 * job, a login or a service that ran before.
 */
static bool is_ours_to_say(void)
{
    static const char NAME[] = "FORKPOLICY_NOTICE_BY";
    char pid[16];
    struct fp_text own = FP_TEXT(pid);
    fp_text_format(&own, "%d", (int)getpid());
    const char *claimed = secure_getenv(NAME);
    if (claimed && strcmp(claimed, pid) == 0)
        return !has_had_children();
    if (claimed && is_ancestor((pid_t)strtol(claimed, NULL, 10)))
        return false;
    setenv(NAME, pid, 1);
    return true;
}

void fp_notice_claim(void)
{
    if (text.cut)
        text.data[text.length - 1] = '\n';
    atomic_store(&pending, text.length && is_ours_to_say());
}

void fp_notice_say(void)
{
    if (atomic_load_explicit(&pending, memory_order_relaxed) && atomic_exchange(&pending, false))
        fp_emit_text((struct fp_slice){text.data, text.length});
}

/* A process that starts others inside libc alone (posix_spawn, system) passes no hook, but holds
   the claim: it says the notice at its end. */
__attribute__((destructor)) static void say_before_exit(void)
{
    if (atomic_load_explicit(&pending, memory_order_relaxed) && has_had_children())
        fp_notice_say();
}
