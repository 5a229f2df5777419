/*
 * A fork that is held up by a handler which some library registered for forks (pthread_atfork,
 * forkpolicy.h): told by the stack of the thread that forks. numpy's and grpc's have hung parents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_HANDLERS_H
#define FP_CLI_HANDLERS_H

#include "cli/explain/stacks.h"

/* The library whose handler this thread is in, within a fork; NULL = it is in none. */
const char *fp_handler_of_fork(const struct fp_stack *stack);

#endif
