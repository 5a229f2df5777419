/*
 * Threads that are carried into a child: the reasons against, the message and the record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_CARRY_H
#define FP_POLICY_CARRY_H

#include "policy/event.h"

enum fp_uncarried {
#define FP_UNCARRIED(NAME, name, why) FP_UNCARRIED_##NAME,
#include "policy/carry_reasons.def"
#undef FP_UNCARRIED
    FP_UNCARRIED_COUNT
};

/* What came of one runtime at one fork. */
struct fp_carry_outcome {
    enum fp_uncarried reason; /* NONE: its threads are carried */
    unsigned threads;
    int thread;     /* the one that the reason speaks of; 0 = none */
    int descriptor; /* the one that it speaks of; 0 = none */
    unsigned long microseconds;
};

/* Whether children of this version were tried with its threads, fork handlers and callers. */
bool fp_carry_is_tried(const struct fp_identity *identity, const char *version);

/* "a thread runs ...". */
const char *fp_uncarried_why(enum fp_uncarried reason);

/* One line: "forkpolicy: NAME is not carried into the child: WHY; it acts as "reset"". */
void fp_message_uncarried(struct fp_text *text, const struct fp_runtime *runtime,
                          const struct fp_carry_outcome *outcome);

/* The record "carry". */
void fp_event_carry(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_runtime *runtime, const struct fp_carry_outcome *outcome);

#endif
