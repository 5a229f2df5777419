/*
 * A job that is to run under the shim: where its program and the shim are, and the proof that the
 * one would load the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_LAUNCH_H
#define FP_CLI_LAUNCH_H

#include <stdbool.h>

/* The path of the shim: beside this program, else in ../lib/forkpolicy. NULL, and said, when it is
   in neither. Static. */
const char *fp_cli_library(void);

/* Finds a command as execvp would. 0, or FP_EXIT_NOT_FOUND / FP_EXIT_NOT_RUNNABLE, and said.
 *path is malloced. */
int fp_cli_find(const char *command, char **path);

/* Whether a program begins with "#!". */
bool fp_cli_is_script(const char *program);

/* The interpreter that a script named python... starts (pyenv's shims are such), by asking it.
   Malloced; NULL where it is none. */
char *fp_cli_python_behind(const char *script);

/*
 * Proves, without running it, that the loader of this program would preload the shim. 0, or
 * FP_EXIT_NO_PRELOAD, and said.
 */
int fp_cli_prove(const char *program);

/* The value of LD_PRELOAD for a job: the shim first, then the amplifier where it is asked for, then
   what the user has there. Malloced. */
char *fp_cli_preload(bool amplifies);

/* Sets it for the job. A program with AddressSanitizer ends where its runtime is not the first
   library, unless it is told not to look: the shim wraps nothing of what it wraps but threads, and
   calls it. */
void fp_cli_set_preload(const char *preload);

#endif
