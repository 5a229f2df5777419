/*
 * See supervise.h.
 *
 * The shim in the job's processes writes what it finds into the log, which is read here as it
 * grows. A proven hang whose process waits on is believed at once; one that is only likely, or
 * whose process has ended without its job going on, when the whole tree has been idle for a while,
 * or where every process that took its place hung as well. What takes longer than --timeout is
 * ended, whatever it waits for.
 * No thread, no process but the job's: a poll, five times a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/ci/supervise.h"

#include "cli/base/process_tree.h"
#include "cli/base/say.h"
#include "cli/ci/idleness.h"
#include "cli/ci/replaced.h"
#include "cli/ci/say_end.h"
#include "cli/ci/silent.h"
#include "cli/ci/told.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MILLISECONDS = 200,
    PROVEN_MILLISECONDS = 400, /* the process may be about to go on by itself: an exception */
    IDLE_MILLISECONDS = 5000,  /* of the whole tree, before a likely hang is one */
    BEHIND_MILLISECONDS = 2000,
    GRACE_MILLISECONDS = 2000, /* between SIGTERM and SIGKILL */
};

struct job {
    struct fp_supervision *supervision;
    pid_t child;
    int status; /* of waitpid */
    bool ended;
    struct fp_tail tail;
    struct fp_told told;
    long begun; /* milliseconds */
    struct fp_idleness idleness;
    struct fp_replaced replaced;
};

static void note(const struct fp_log_record *record, void *context)
{
    struct job *job = context;
    fp_replaced_note(&job->replaced, record);
    fp_told_note(&job->told, record);
}

/* Whether the job is to be ended now for a hang that was told. */
static bool has_hung(struct job *job, const struct fp_tree *tree, enum fp_ending *ending)
{
    long time = fp_idleness_now(), idle = time - job->idleness.since;
    bool waits = job->told.hung && !job->told.goes_on && fp_tree_find(tree, job->told.hung);
    *ending = FP_ENDING_HUNG;
    if (job->replaced.endless.pid) {
        job->told.hung = job->replaced.endless.pid;
        job->told.line = job->replaced.endless.line;
        *ending = FP_ENDING_REPLACED;
        return true;
    }
    if (waits && job->told.is_proven && time - job->told.at >= PROVEN_MILLISECONDS)
        return true;
    /* Waits on, or is gone and the job waits on without it. */
    return job->told.hung && idle >= IDLE_MILLISECONDS && time - job->told.at >= IDLE_MILLISECONDS;
}

static bool has_timed_out(const struct job *job)
{
    long limit = job->supervision->timeout_milliseconds;
    return limit && fp_idleness_now() - job->begun >= limit;
}

/* For how long, in milliseconds, a job may be idle before it is looked at from outside. */
static unsigned hang_limit(const struct job *job)
{
    return job->supervision->hang_milliseconds + IDLE_MILLISECONDS;
}

/* What no record told: all processes idle for longer than the shim waits, and one that waits for
   ever. */
static bool find_silent_hang(struct job *job, const struct fp_tree *tree)
{
    struct fp_silent found = {0, 0};
    if (job->told.hung || fp_idleness_now() - job->idleness.since < (long)hang_limit(job))
        return false;
    for (size_t i = 0; i < tree->count && !found.pid; i++)
        if (tree->processes[i].parent == getpid()) /* the job itself, or an orphan of it */
            found = fp_silent_find(&job->tail, tree->processes[i].pid);
    job->idleness.since = fp_idleness_now(); /* asks again after as long */
    job->told.hung = found.pid;
    job->told.line = found.line;
    return found.pid;
}

static int status_of(const struct job *job)
{
    return WIFSIGNALED(job->status) ? 128 + WTERMSIG(job->status) : WEXITSTATUS(job->status);
}

static void say(struct job *job, enum fp_ending ending, unsigned long line,
                const struct fp_waits *waits)
{
    bool hung = job->told.hung != 0;
    const struct fp_job_end end = {
        .ending = ending,
        .number = ending == FP_ENDING_TIMED_OUT
                      ? (unsigned)((job->supervision->timeout_milliseconds + 999) / 1000)
                      : (unsigned)status_of(job),
        .alike = hung && job->told.hanging.count > 1 ? (unsigned)job->told.hanging.count - 1 : 0};
    fp_ci_say_end(&end, job->supervision->log, line, waits, job->supervision->report);
    job->supervision->has_said = true;
}

/* The report is written while the processes are there. */
static int end(struct job *job, enum fp_ending ending)
{
    static struct fp_waits waits;
    struct fp_tree tree = {0};
    fp_tree_read(&tree, getpid());
    if (!job->told.line)
        fp_waits_read(&waits, &tree);
    fp_tree_free(&tree);
    fp_ci_write_report(job->supervision->report, job->supervision->log, job->told.line);
    fp_tree_end(GRACE_MILLISECONDS);
    say(job, ending, job->told.line, &waits);
    return FP_EXIT_HUNG;
}

/* A terminal sends its signals to the whole group, the job included; others are handed on. */
static void hand_on(const struct job *job, const struct signalfd_siginfo *signal)
{
    bool from_terminal = signal->ssi_code == SI_KERNEL;
    if (!from_terminal && job->child > 0)
        kill(job->child, (int)signal->ssi_signo);
}

static void reap(struct job *job)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == job->child) {
            job->status = status;
            job->ended = true;
        }
}

static void take_signals(struct job *job, int signals, int milliseconds)
{
    struct pollfd ready = {.fd = signals, .events = POLLIN};
    struct signalfd_siginfo signal;
    if (poll(&ready, 1, milliseconds) <= 0)
        return;
    while (read(signals, &signal, sizeof signal) == sizeof signal)
        if (signal.ssi_signo != SIGCHLD)
            hand_on(job, &signal);
    reap(job);
}

static bool has_forked(const struct fp_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->processes[i].forked)
            return true;
    return false;
}

/* A child that hangs behind the job's own end would keep its output open for ever; one that works
   on is the job's own affair. */
static bool leaves_a_hang(struct job *job, int signals, struct fp_tree *tree)
{
    enum fp_ending ending;
    long until = fp_idleness_now() + BEHIND_MILLISECONDS;
    do {
        fp_tail_read(&job->tail, note, job);
        fp_tree_read(tree, getpid());
        if (job->told.is_proven && has_hung(job, tree, &ending))
            return true;
        if (has_forked(tree))
            take_signals(job, signals, LOOK_MILLISECONDS);
    } while (has_forked(tree) && fp_idleness_now() < until);
    return false;
}

/* A job that ended by itself: a record that explains a failure is reported. One that returns 0
   though a child of it hung has not passed. */
static int leave(struct job *job)
{
    int status = status_of(job);
    bool passes = status == 0 && !job->supervision->keeps_status;
    unsigned long line = status ? job->told.acted : passes ? job->told.unheard : 0;
    if (!line)
        return status;
    fp_ci_write_report(job->supervision->report, job->supervision->log, line);
    say(job, status ? FP_ENDING_FAILED : FP_ENDING_PASSED, line, NULL);
    return status ? status : FP_EXIT_HUNG;
}

/* Whether the job is to be ended; else it has ended. */
static bool watch(struct job *job, int signals, enum fp_ending *ending)
{
    struct fp_tree tree = {0};
    bool is_over = false;
    while (!job->ended && !is_over) {
        take_signals(job, signals, LOOK_MILLISECONDS);
        fp_tail_read(&job->tail, note, job);
        if (job->ended)
            break;
        fp_tree_read(&tree, getpid());
        fp_idleness_note(&job->idleness, &tree);
        fp_replaced_look(&job->replaced, &tree);
        fp_idleness_say(&job->idleness, hang_limit(job) / 1000, tree.count);
        is_over = has_hung(job, &tree, ending) || find_silent_hang(job, &tree);
        if (!is_over && has_timed_out(job)) {
            *ending = FP_ENDING_TIMED_OUT;
            is_over = true;
        }
    }
    if (!is_over && leaves_a_hang(job, signals, &tree)) {
        *ending = FP_ENDING_LEFT_BEHIND;
        is_over = true;
    }
    fp_tree_free(&tree);
    fp_replaced_free(&job->replaced);
    return is_over;
}

/* Those that end or stop a program, and those that programs give a meaning. */
static const int SIGNALS[] = {SIGCHLD, SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM,
                              SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGALRM};

static int open_signals(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        sigaddset(&set, SIGNALS[i]);
    sigprocmask(SIG_BLOCK, &set, before);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static _Noreturn void become(const char *program, char **arguments, const sigset_t *mask)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("FORKPOLICY_RUN", pid, 1);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(program, arguments);
    fp_cli_say("%s: %s", program, strerror(errno));
    _exit(FP_EXIT_NOT_RUNNABLE);
}

int fp_supervise(struct fp_supervision *supervision, const char *program, char **arguments)
{
    struct job job = {.supervision = supervision};
    enum fp_ending ending;
    sigset_t mask;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fp_tail_begin(&job.tail, supervision->log);
    int signals = open_signals(&mask);
    job.idleness.since = job.begun = fp_idleness_now();
    job.child = signals < 0 ? -1 : fork();
    if (job.child < 0) {
        fp_cli_say("run: %s", strerror(errno));
        return FP_EXIT_NOT_RUNNABLE;
    }
    if (job.child == 0)
        become(program, arguments, &mask);
    int status = watch(&job, signals, &ending) ? end(&job, ending) : leave(&job);
    fp_set_free(&job.told.hanging);
    return status;
}
