/*
 * The record: one JSON object on one line, for tools. Never longer than FP_EVENT_MAX bytes, so
 * that one write(2) is one record: runtimes that do not fit are counted in "omitted".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_EVENT_H
#define FP_POLICY_EVENT_H

#include "policy/model.h"

enum { FP_EVENT_VERSION = 1, FP_EVENT_MAX = 4096 };

/* What every record begins with. */
struct fp_event_header {
    const char *event;
    long seconds, nanoseconds; /* since the epoch */
    pid_t pid, parent;
    const char *host;
    const char *rank; /* NULL: not one of many */
};

/* "python", "native in python" or "native". */
const char *fp_origin_name(enum fp_origin origin);

enum fp_shortfall {
#define FP_SHORTFALL(NAME, name, what) FP_SHORTFALL_##NAME,
#include "policy/shortfalls.def"
#undef FP_SHORTFALL
    FP_SHORTFALL_COUNT
};

/* "a child may use stacks ...". */
const char *fp_shortfall_what(enum fp_shortfall shortfall);

/* What the preload begins with; shortfalls: a bit for each. */
struct fp_start {
    const char *program, *shim_version, *policy, *policy_file;
    unsigned shortfalls;
};

/* "start": the preload took. */
void fp_event_start(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_start *start);

/* "fork" or "refused", by header->event; child is 0 where it is not known. */
void fp_event_fork(struct fp_text *text, const struct fp_event_header *header,
                   const struct fp_snapshot *snapshot, const struct fp_verdict *verdict,
                   pid_t child);

/* "error": something the user asked for that could not be done. */
void fp_event_error(struct fp_text *text, const struct fp_event_header *header,
                    const char *message);

#endif
