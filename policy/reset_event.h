/*
 * Records of what is done around a fork so that the child works.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_RESET_EVENT_H
#define FP_POLICY_RESET_EVENT_H

#include "policy/event.h"

/* "reset": the parent called `function` to make a runtime ready to work in the child. `wrong` is ""
   where that went well. */
void fp_event_reset(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_runtime *runtime, struct fp_slice function,
                    unsigned long microseconds, const char *wrong);

/* "handler": a registered runtime's, in one phase of a fork; `wrong` is "" where it went well. */
void fp_event_handler(struct fp_text *text, const struct fp_event_header *header, const char *name,
                      const char *phase, unsigned long microseconds, const char *wrong);

/* "sever": TCP connections of the parent's that a child inherited, in words. */
void fp_event_sever(struct fp_text *text, const struct fp_event_header *header, bool severed,
                    unsigned count, struct fp_slice sockets);

/* "quiesce": how long a fork waited for other threads, and for which one last. */
void fp_event_quiesce(struct fp_text *text, const struct fp_event_header *header,
                      unsigned long microseconds, const char *thread, bool is_quiet);

#endif
