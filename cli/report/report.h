/*
 * The formats of `forkpolicy report`. Those that draw get the records themselves, oldest first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_H
#define FP_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* One self-contained page. `records` is an array of records as in the log; `omitted` more there was
   no room for; `before`: those of an earlier log to compare with, or NULL. False where it could not
   be written. */
bool fp_report_html(FILE *stream, const json_t *records, unsigned long omitted,
                    const json_t *before);

/* A trace in the JSON format of Chrome and Perfetto. */
bool fp_report_perfetto(FILE *stream, const json_t *records, unsigned long omitted);

#endif
