/*
 * What the program says of its own, and the statuses with which it ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_SAY_H
#define FP_CLI_SAY_H

enum {
    FP_EXIT_USAGE = 2,       /* bad arguments, a bad policy or bad options */
    FP_EXIT_NO_PRELOAD = 69, /* the shim would not be in the job */
    FP_EXIT_NOT_RUNNABLE = 126,
    FP_EXIT_NOT_FOUND = 127,
};

/* Prints "forkpolicy: ..." on stderr. */
__attribute__((format(printf, 1, 2))) void fp_cli_say(const char *format, ...);

#endif
