/*
 * Values of JSON put into fields of record.h's types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_MEMBER_H
#define FP_CLI_MEMBER_H

#include "cli/base/arena.h"

#include <jansson.h>

/* `json` may be NULL: there is no such member. */
typedef void fp_log_take(struct fp_cli_arena *arena, const json_t *json, void *field);

fp_log_take fp_log_take_TEXT, fp_log_take_FLAG, fp_log_take_GIVEN, fp_log_take_NUMBER,
    fp_log_take_PID, fp_log_take_COUNT, fp_log_take_LARGE, fp_log_take_EVENT, fp_log_take_CLASS,
    fp_log_take_ACTION, fp_log_take_ASKED, fp_log_take_GRADE, fp_log_take_REASON, fp_log_take_CAUSE,
    fp_log_take_OUTCOME, fp_log_take_WAIT, fp_log_take_TEXTS;

#endif
