/*
 * Our own atfork handlers: they see the forks that no hook sees, and reset the table in every
 * child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HOOKS_ATFORK_HANDLERS_H
#define FP_SHIM_HOOKS_ATFORK_HANDLERS_H

typedef void fp_atfork_handler(void);

void fp_atfork_init(void);

/* libc's own registration. */
int fp_atfork_register(fp_atfork_handler *prepare, fp_atfork_handler *parent,
                       fp_atfork_handler *child, void *dso);

#endif
