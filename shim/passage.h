/*
 * One fork on its way through the shim: what was seen, what the policy says, and the strings that
 * both point to. Lives on the forking thread's stack, which may be as small as 64 KiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_PASSAGE_H
#define FP_SHIM_PASSAGE_H

#include "policy/decide.h"
#include "shim/census.h"
#include "shim/python.h"

enum { FP_PROGRAM_SIZE = 128, FP_NAMES_SIZE = 120 };

/* Where a fork is asked for. */
struct fp_place {
    enum fp_origin origin;
    struct fp_site site; /* points into what follows */
    struct fp_python_stack python;
    char dso[FP_LINE_SIZE];
};

struct fp_passage {
    struct fp_snapshot snapshot;
    struct fp_verdict verdict;
    bool told[FP_RUNTIMES_MAX];        /* to be said now: it was not for this fork site before */
    uint32_t entries[FP_RUNTIMES_MAX]; /* in the registry; FP_ENTRY_NONE for strangers */
    struct fp_census census;
    struct fp_place place;
    char program[FP_PROGRAM_SIZE];
    char names[FP_RUNTIMES_MAX][FP_NAMES_SIZE];
};

/* What a fork will have to do, whoever asks for it. */
struct fp_outlook {
    bool tells;   /* there is a log, or a live runtime of which the policy speaks */
    bool watches; /* the child is to be watched */
};

/* Without a system call. */
struct fp_outlook fp_look_ahead(void);

/* Where the calling thread forks; `caller` is an address in the code that calls. */
void fp_look_at_place(struct fp_place *place, const void *caller);

/*
 * Looks at what is alive. False when there is nothing to decide about: no thread but the calling
 * one, or code that is known to fork only to exec. `caller` is an address in the code that forks.
 */
bool fp_look(struct fp_passage *passage, const char *call, const void *caller);

/* Says what was not said for this fork site before, on stderr. Before the fork: the threads are
   still there to be named, and the child may hang at once. */
void fp_report_say(struct fp_passage *passage);

/* The command line as a user would write it: "python3 train.py", "python3 -m pytest". */
void fp_report_program(char program[FP_PROGRAM_SIZE]);

/* Writes the record: "fork" with the child's pid (0 where it is not known), or "refused". */
void fp_report_record(const struct fp_passage *passage, pid_t child);

/* The record that proves that the preload took, written under `forkpolicy run` alone. */
void fp_report_start(void);

#endif
