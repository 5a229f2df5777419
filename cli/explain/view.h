/*
 * A process as the kernel shows it to another one: its threads, what each waits for, its memory
 * map. Nothing of it is stopped or changed; reading `syscall` and `mem` needs the right to trace
 * it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_VIEW_H
#define FP_CLI_VIEW_H

#include "cli/base/process_tree.h"

#include <stdint.h>
#include <stdio.h>

struct fp_task {
    pid_t tid;
    pid_t own_tid; /* in the PID namespace of its process, as locks and Python have it */
    char state;
    char name[32];
    uint64_t switches; /* how often it gave up or lost the processor */
    uint64_t blocked;  /* signals, by bit number - 1 */
    uint64_t begun;    /* in ticks since the machine's start */
    long call;         /* the system call that it is in; -1 = none, or not to be read */
    uint64_t arguments[6];
};

struct fp_mapping {
    uint64_t start, end, offset;
    bool is_private;
    char *path; /* "" = none; of a file that was replaced, without " (deleted)" */
};

struct fp_view {
    struct fp_tree_process process;
    char program[256]; /* its command line, as a user would write it */
    struct fp_task *tasks;
    size_t task_count;
    struct fp_mapping *mappings;
    size_t mapping_count;
    uint64_t handled; /* signals with a handler */
    bool may_trace;   /* calls and memory could be read */
    bool rests;       /* no thread of it ran between two looks */
    bool has_shim, is_python;
    bool has_ring; /* of io_uring: the kernel works for it while its threads sleep */
    unsigned children;
};

/* False, and the reason in `why`: gone, a zombie, a kernel thread, another user's. */
bool fp_view_read(struct fp_view *view, pid_t pid, char *why, size_t size);

/* Whether no thread of it has run since the view was read. */
bool fp_view_rests(const struct fp_view *view);

void fp_view_free(struct fp_view *view);

const struct fp_task *fp_view_task(const struct fp_view *view, pid_t tid);

/* The same by the number that the process itself has for the thread. */
const struct fp_task *fp_view_own_task(const struct fp_view *view, pid_t own_tid);

/* The pid of a process in its own PID namespace. */
pid_t fp_view_own_pid(pid_t pid);

/* A part of fp_view_read; false where the map is empty or may not be read (errno). */
bool fp_view_read_mappings(struct fp_view *view);

/* The mapping an address lies in, or NULL. */
const struct fp_mapping *fp_view_mapping(const struct fp_view *view, uint64_t address);

/* Copies memory of the process; false where there is none to be read. */
bool fp_view_copy(const struct fp_view *view, uint64_t address, void *to, size_t size);

/* Whether a task waits for a futex word and nothing else; `is_endless`: without a time limit. */
bool fp_task_in_futex(const struct fp_task *task, bool *is_endless);

/* The call of a task in words: "read(5: a pipe)", "futex", "epoll_wait"; static. */
const char *fp_task_call(const struct fp_view *view, const struct fp_task *task);

#endif
