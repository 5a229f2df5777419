/*
 * Which processes have which ends of a pipe, by /proc/PID/fd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_PIPES_H
#define FP_CLI_PIPES_H

#include <stdbool.h>
#include <sys/types.h>

/* The number of the pipe that a descriptor of a process is; 0 where it is none. */
unsigned long fp_pipe_of(pid_t pid, int descriptor);

/* Whether the process has the end of that pipe that is written to, or read from. */
bool fp_pipe_has_end(pid_t pid, unsigned long pipe, bool to_write);

#endif
