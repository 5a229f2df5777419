/*
 * Which processes have which ends of a pipe, by /proc/PID/fd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_PIPES_H
#define FP_CLI_EXPLAIN_PIPES_H

#include "cli/base/process_tree.h"

enum { FP_PIPE_ANY = 0 }; /* of a process whose files may not be looked at, or are on their way */

struct fp_pipe_end {
    unsigned long pipe; /* FP_PIPE_ANY: it may have this end of any pipe */
    pid_t pid;
    bool reads, writes;
};

struct fp_pipes {
    struct fp_pipe_end *ends;
    size_t count, capacity;
};

/* The number of the pipe that a descriptor of a process is; 0 where it is none. */
unsigned long fp_pipe_of(pid_t pid, int descriptor);

/* All ends that these processes have, by any of their threads. */
void fp_pipes_read(struct fp_pipes *pipes, const struct fp_tree *tree);

void fp_pipes_free(struct fp_pipes *pipes);

#endif
