/*
 * Who is carried in the fork under way: one fork at a time, and its child has the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_PARTY_H
#define FP_SHIM_CARRY_PARTY_H

#include "policy/carry.h"
#include "shim/base/self.h"

enum { FP_PARTY_MAX = 16 };

struct fp_member {
    uint32_t runtime; /* index in the registry */
    bool is_tried;    /* this version, with its fork handlers; only Python code calls it */
    struct fp_carry_outcome outcome;
};

struct fp_party {
    size_t count;
    struct fp_member members[FP_PARTY_MAX];
    size_t bytes; /* of the snapshots */
    unsigned long microseconds;
    long rested;      /* how often the others had gone to sleep when all rested; 0: not known */
    int rested_for;   /* the thread that forked then, which is not among these others */
    bool is_unmoved;  /* as often as then */
    bool is_closed;   /* all of them rest, the snapshots are there, and the gate is closed */
    bool is_ready;    /* and nobody has been woken until everybody's fork handlers had run */
    bool is_restored; /* in the child: libc knows them again; they have yet to be started */
};

/* The calling thread forks with it. */
extern FP_THREAD bool fp_party_mine;

struct fp_party *fp_party(void);

/* False where another thread has it. Child room: in the parent another one may have had it. */
bool fp_party_take(void);
void fp_party_give(void);

/* The member of that runtime, or NULL. */
struct fp_member *fp_party_member(struct fp_party *party, uint32_t runtime);

/* Whether any member is not to be carried; and the reason of those that have none yet. */
bool fp_party_is_hindered(const struct fp_party *party);
void fp_party_hinder(struct fp_party *party, enum fp_uncarried reason);

/* Whether nobody has gone to sleep since all rested; how often they had, now that they rest. 0: that
   is not known. */
void fp_party_compare(struct fp_party *party, long switches);
void fp_party_note(struct fp_party *party, long switches);

/* tell.c: says, once for each reason, who is not carried, and records what came of each. */
void fp_party_tell(struct fp_party *party);

#endif
