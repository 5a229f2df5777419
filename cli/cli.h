/*
 * The program `forkpolicy`: an ordinary host program. It talks to the shim through environment
 * variables and the log only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_CLI_H
#define FP_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum {
    FP_EXIT_USAGE = 2,       /* bad arguments, a bad policy or bad options */
    FP_EXIT_NO_PRELOAD = 69, /* the shim would not be in the job */
    FP_EXIT_NOT_RUNNABLE = 126,
    FP_EXIT_NOT_FOUND = 127,
};

#define FP_VERB(own, name, usage, help) int fp_cli_##own(int count, char **arguments);
#include "cli/verbs.def"
#undef FP_VERB

/* Prints "forkpolicy: ..." on stderr. */
__attribute__((format(printf, 1, 2))) void fp_cli_say(const char *format, ...);

/* The part of --help that is about `loader-stats`. */
void fp_loader_stats_help(void);

/* The path of the shim: beside this program, else in ../lib/forkpolicy. NULL, and said, when it is
   in neither. Static. */
const char *fp_cli_library(void);

/* Finds a command as execvp would. 0, or FP_EXIT_NOT_FOUND / FP_EXIT_NOT_RUNNABLE, and said.
 *path is malloced. */
int fp_cli_find(const char *command, char **path);

/*
 * Proves, without running it, that the loader of this program would preload the shim. 0, or
 * FP_EXIT_NO_PRELOAD, and said.
 */
int fp_cli_prove(const char *program);

/* The value of LD_PRELOAD for a job: the shim first, then the amplifier where it is asked for, then
   what the user has there. Malloced. */
char *fp_cli_preload(bool amplifies);

#endif
