/*
 * The processes of a job, seen from outside: everything that descends from this process, which has
 * made itself their reaper, so that orphans stay below it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_PROCESS_TREE_H
#define FP_CLI_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fp_tree_process {
    pid_t pid, parent, session;
    char state;  /* as in /proc/PID/stat, of the main thread */
    bool forked; /* and no program was executed since */
    unsigned threads;
    unsigned long long ticks; /* processor time of it and of the children that it has reaped */
    unsigned long long
        begun; /* in ticks since the machine's start: tells two users of a pid apart */
};

struct fp_tree {
    struct fp_tree_process *processes; /* parents before their children */
    size_t count, capacity;
};

/* One process; false where it is gone. */
bool fp_tree_read_process(pid_t pid, struct fp_tree_process *process);

/* Every live descendant of `root`, which itself is left out. Zero the tree before the first time.
 */
void fp_tree_read(struct fp_tree *tree, pid_t root);

void fp_tree_free(struct fp_tree *tree);

/* The entry of a pid, or NULL. */
const struct fp_tree_process *fp_tree_find(const struct fp_tree *tree, pid_t pid);

/*
 * Ends every descendant of this process, which must be their reaper: asks with SIGTERM, and kills
 * what is there after `milliseconds`. Nobody is left when it returns. How many there were.
 */
size_t fp_tree_end(unsigned milliseconds);

#endif
