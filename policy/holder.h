/*
 * Who held a lock when the process forked: threads of the parent, and where they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_HOLDER_H
#define FP_POLICY_HOLDER_H

#include "policy/text.h"

enum { FP_HOLDERS_MAX = 3 };

struct fp_holder {
    const char *thread, *line, *function; /* "" = not known */
};

struct fp_holders {
    struct fp_holder list[FP_HOLDERS_MAX];
    size_t count, others; /* others: those for which there was no room */
    bool sure;            /* the lock names its owner; else each may have held it */
};

/* "by thread 'holder' at /home/me/app.py:12 in hold", with "perhaps" where it is not sure. */
void fp_add_holders(struct fp_text *text, const struct fp_holders *holders);

/* The line of them; nothing where they are not known. */
void fp_add_held(struct fp_text *text, const struct fp_holders *holders);

/* The members "holders" and "holders_sure" of a record. */
void fp_record_holders(struct fp_text *text, const struct fp_holders *holders);

#endif
