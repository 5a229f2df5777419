/*
 * See supervise.h.
 *
 * The shim in the job's processes writes what it finds into the log, which is read here as it
 * grows. A proven hang whose process waits on is believed at once; one that is only likely, or
 * whose process has ended without its job going on, when the whole tree has been idle for a while,
 * or where every process that took its place hung as well.
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
#include "cli/ci/tail.h"
#include "cli/explain/explain.h"
#include "cli/explain/process.h"

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
    const struct fp_supervision *supervision;
    pid_t child;
    int status; /* of waitpid */
    bool ended;
    struct fp_tail tail;
    /* The worst hang that was told; pid 0: none. */
    pid_t hung;
    unsigned long line;
    bool is_proven, goes_on;
    long told_at; /* milliseconds */
    struct fp_idleness idleness;
    struct fp_replaced replaced;
};

static void note(const struct fp_log_record *record, void *context)
{
    struct job *job = context;
    fp_replaced_note(&job->replaced, record);
    /* Parked: it may be how a worker sleeps until it is killed. */
    if (strcmp(record->event, "hang") != 0 ||
        strcmp(fp_log_string(record->json, "reason"), "parked") == 0)
        return;
    const char *outcome = fp_log_string(record->json, "outcome");
    bool is_proven = strcmp(fp_log_string(record->json, "verdict"), "proven") == 0;
    bool goes_on = strcmp(outcome, "waits") != 0;
    /* The first one is the cause; a worse one takes its place: proven, and still waiting. */
    if (job->hung && (job->is_proven || !is_proven) && (!job->goes_on || goes_on))
        return;
    job->hung = (pid_t)record->pid;
    job->line = record->line;
    job->is_proven = is_proven;
    job->goes_on = goes_on;
    job->told_at = fp_idleness_now();
}

/* Why the job is to be ended now; NULL: it is not. */
static const char *reason_to_end(struct job *job, const struct fp_tree *tree)
{
    long time = fp_idleness_now(), idle = time - job->idleness.since;
    if (job->replaced.endless.pid) {
        job->hung = job->replaced.endless.pid;
        job->line = job->replaced.endless.line;
        return "it is gone, whatever takes its place hangs as it did, and its parent waits on";
    }
    bool waits = job->hung && !job->goes_on && fp_tree_find(tree, job->hung);
    if (waits && job->is_proven && time - job->told_at >= PROVEN_MILLISECONDS)
        return "it can never go on";
    if (waits && idle >= IDLE_MILLISECONDS && time - job->told_at >= IDLE_MILLISECONDS)
        return "it has not gone on, and the job is idle";
    if (job->hung && !waits && idle >= IDLE_MILLISECONDS &&
        time - job->told_at >= IDLE_MILLISECONDS)
        return "it is gone, and the job, idle since, waits on without it";
    return NULL;
}

/* A full disk is no reason not to end the job. */
static void append(const char *log, const char *record, size_t length)
{
    int file = open(log, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return;
    write(file, record, length);
    close(file);
}

/* Which one of a process and its descendants hangs as seen from outside, 0 = none; then the log
   gets the record. */
static pid_t hangs_silently(struct job *job, pid_t pid)
{
    const struct fp_explain_options json = {.json = true};
    struct fp_explanation worst = {FP_GRADE_NONE, 0};
    char *record = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&record, &length);
    if (stream) {
        fp_explain_process(stream, pid, &json, &worst);
        fclose(stream);
    }
    if (worst.grade >= FP_GRADE_STRONG)
        append(job->supervision->log, record, length);
    free(record);
    return worst.grade >= FP_GRADE_STRONG ? worst.pid : 0;
}

/* For how long, in milliseconds, a job may be idle before it is looked at from outside. */
static unsigned hang_limit(const struct job *job)
{
    return job->supervision->hang_milliseconds + IDLE_MILLISECONDS;
}

/* What no record told: all processes idle for longer than the shim waits, and one that waits for
   ever. */
static pid_t find_silent_hang(struct job *job, const struct fp_tree *tree)
{
    pid_t hung = 0;
    if (fp_idleness_now() - job->idleness.since < (long)hang_limit(job))
        return 0;
    for (size_t i = 0; i < tree->count && !hung; i++)
        if (tree->processes[i].parent == getpid()) /* the job itself, or an orphan of it */
            hung = hangs_silently(job, tree->processes[i].pid);
    job->idleness.since = fp_idleness_now(); /* asks again after as long */
    return hung;
}

static int end(struct job *job, const char *reason)
{
    const struct fp_explain_options all = {.stacks = true, .brief = job->line != 0};
    struct fp_explanation worst;
    struct fp_tree tree = {0};
    fp_cli_say("run: pid %d of the job hangs: %s. What its processes wait for:", (int)job->hung,
               reason);
    fp_tree_read(&tree, getpid());
    for (size_t i = 0; i < tree.count; i++) /* the job itself, and orphans of it */
        if (tree.processes[i].parent == getpid())
            fp_explain_process(stderr, tree.processes[i].pid, &all, &worst);
    fp_tree_free(&tree);
    size_t count = fp_tree_end(GRACE_MILLISECONDS);
    fp_cli_say("run: the job was ended, %zu process%s; status %d", count, count == 1 ? "" : "es",
               FP_EXIT_HUNG);
    /* The shim's own report may have been swallowed with the job's output. */
    if (job->line && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        fp_explain_log(job->supervision->log, job->line);
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
static const char *look_behind(struct job *job, int signals, struct fp_tree *tree)
{
    long until = fp_idleness_now() + BEHIND_MILLISECONDS;
    do {
        fp_tail_read(&job->tail, note, job);
        fp_tree_read(tree, getpid());
        if (job->is_proven && reason_to_end(job, tree))
            return "the job has ended, and left it behind";
        if (has_forked(tree))
            take_signals(job, signals, LOOK_MILLISECONDS);
    } while (has_forked(tree) && fp_idleness_now() < until);
    return NULL;
}

static int watch(struct job *job, int signals)
{
    struct fp_tree tree = {0};
    const char *reason = NULL;
    while (!job->ended && !reason) {
        take_signals(job, signals, LOOK_MILLISECONDS);
        fp_tail_read(&job->tail, note, job);
        if (job->ended)
            break;
        fp_tree_read(&tree, getpid());
        fp_idleness_note(&job->idleness, &tree);
        fp_replaced_look(&job->replaced, &tree);
        fp_idleness_say(&job->idleness, hang_limit(job) / 1000, tree.count);
        reason = reason_to_end(job, &tree);
        if (!reason && !job->hung && (job->hung = find_silent_hang(job, &tree)))
            reason = "the job is idle, and nobody else can wake it";
    }
    if (!reason)
        reason = look_behind(job, signals, &tree);
    fp_tree_free(&tree);
    fp_replaced_free(&job->replaced);
    if (reason)
        return end(job, reason);
    return WIFSIGNALED(job->status) ? 128 + WTERMSIG(job->status) : WEXITSTATUS(job->status);
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

int fp_supervise(const struct fp_supervision *supervision, const char *program, char **arguments)
{
    struct job job = {.supervision = supervision};
    sigset_t mask;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fp_tail_begin(&job.tail, supervision->log);
    int signals = open_signals(&mask);
    job.idleness.since = fp_idleness_now();
    job.child = signals < 0 ? -1 : fork();
    if (job.child < 0) {
        fp_cli_say("run: %s", strerror(errno));
        return FP_EXIT_NOT_RUNNABLE;
    }
    if (job.child == 0)
        become(program, arguments, &mask);
    return watch(&job, signals);
}
