/*
 * One fork on its way through the shim: what was seen, what the policy says, and the strings that
 * both point to. Too large for the stack of the forking thread: it lies in one of the shim's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_FORK_CONTEXT_H
#define FP_SHIM_FORK_FORK_CONTEXT_H

#include "policy/decide.h"
#include "shim/base/own_stack.h"
#include "shim/base/program.h"
#include "shim/fork/allowed.h"
#include "shim/python/python.h"
#include "shim/threads/census.h"

enum { FP_NAMES_SIZE = 120 };

/* Where a fork is asked for. */
struct fp_place {
    enum fp_origin origin;
    struct fp_site site; /* points into what follows */
    struct fp_python_stack python;
    char dso[FP_LINE_SIZE];
    char allowed[FP_ALLOWED_SIZE];
};

struct fp_fork_context {
    struct fp_snapshot snapshot;
    struct fp_verdict verdict;
    bool told[FP_RUNTIMES_MAX];        /* to be said now: it was not for this fork site before */
    uint32_t entries[FP_RUNTIMES_MAX]; /* in the registry; FP_ENTRY_NONE for strangers */
    struct fp_census census;
    struct fp_place place;
    char program[FP_PROGRAM_SIZE];
    char names[FP_RUNTIMES_MAX][FP_NAMES_SIZE];
};

_Static_assert(sizeof(struct fp_fork_context) <= FP_STACK_SIZE, "must fit into a stack of ours");

/* What a fork will have to do, whoever asks for it. */
struct fp_outlook {
    bool tells;   /* there is a log, or a live runtime of which the policy speaks */
    bool watches; /* the child is to be watched */
};

/* Without a system call. */
struct fp_outlook fp_look_ahead(void);

/* Where the calling thread forks; `caller` is an address in the code that calls. */
void fp_look_at_place(struct fp_place *place, const void *caller);

/* The same in memory of its own, as work of ours; NULL where there is none. */
struct fp_place *fp_place_take(const void *caller);

/* Between the two the rules are asked for a fork at this place, if any of them depends on it.
   Parent and child both end it. */
struct fp_place *fp_place_begin(const void *caller);
void fp_place_end(struct fp_place *place);

/*
 * Looks at what is alive, and asks the policy. False when there is nothing to decide about: no
 * thread but the calling one, or code that is known to fork only to exec. `caller` is an address in
 * the code that forks.
 */
bool fp_look_and_decide(struct fp_fork_context *at_fork, const char *call, const void *caller);

/* Marks the runtimes of the table of which only threads would be lost that no child misses. */
void fp_spare_mark(struct fp_fork_context *at_fork);

/* In the parent, before a fork whose child will be watched. True where the child is to go on with
   the code that forks, as far as can be told. `threads`: of the parent, where they were counted. */
bool fp_prepare_child(const char *call, const struct fp_place *place, unsigned threads);

/* The same for a fork of which nothing is said. */
bool fp_prepare_silently(const char *call, const void *caller);

/* Says what was not said for this fork site before, on stderr; a fork that is refused is recorded,
   too. Before the fork: the threads are still there to be named, and the child may hang at once. */
void fp_report_say(struct fp_fork_context *at_fork);

/* Writes the record "fork" with the child's pid, 0 where it is not known. Keeps errno. */
void fp_report_record(const struct fp_fork_context *at_fork, pid_t child);

/* The record that proves that the preload took, written under `forkpolicy run` alone; with what an
   older libc falls short of. */
void fp_report_start(unsigned shortfalls);

#endif
