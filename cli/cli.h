/*
 * The verbs of the program `forkpolicy`, an ordinary host program. It talks to the shim through
 * environment variables and the log only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_CLI_H
#define FP_CLI_CLI_H

#define FP_VERB(own, name, usage, help) int fp_cli_##own(int count, char **arguments);
#include "cli/verbs.def"
#undef FP_VERB

/* The commit that the program was built from, "" where none is known (packaging/commit.sh). */
extern const char fp_commit[];

/* The parts of --help that are about one verb. */
void fp_explain_help(void);
void fp_report_help(void);
void fp_loader_stats_help(void);
void fp_runtimes_help(void);

#endif
