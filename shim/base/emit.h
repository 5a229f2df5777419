/*
 * The only two ways out: text on stderr and records in FORKPOLICY_LOG, one write(2) each. No
 * descriptor is kept: the log is opened for each record, so that a host that closes or reuses
 * descriptors can neither lose the log nor find a record in a file of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_EMIT_H
#define FP_SHIM_BASE_EMIT_H

#include "policy/event.h"

/* Whole lines, each beginning "forkpolicy:". */
void fp_emit_text(struct fp_slice text);

/* Whether text is left out, of which the log has a record. */
void fp_emit_quiet(bool is_quiet);

/* Records go to this path, in which "%p" stands for the pid; NULL: nowhere. Borrowed. */
void fp_emit_log_to(const char *path);

/* Whether there is a log to write records for. */
bool fp_emit_has_log(void);

/* Fills what every record begins with; `host` is the caller's buffer, kept until it is encoded. */
struct fp_event_header fp_emit_header(const char *event, char *host, size_t size);

void fp_emit_record(const struct fp_text *record);

#endif
