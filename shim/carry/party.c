/* See party.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/party.h"

#include "common/large.h"
#include "shim/base/child_section.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

FP_LARGE static struct fp_party party;
static _Atomic bool is_taken;

FP_THREAD bool fp_party_mine;

FP_CHILD struct fp_party *fp_party(void)
{
    return &party;
}

bool fp_party_is_hindered(const struct fp_party *in)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->members[i].outcome.reason != FP_UNCARRIED_NONE)
            return true;
    return false;
}

void fp_party_hinder(struct fp_party *in, enum fp_uncarried reason)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->members[i].outcome.reason == FP_UNCARRIED_NONE)
            in->members[i].outcome.reason = reason;
}

void fp_party_compare(struct fp_party *in, long switches)
{
    in->is_unmoved = switches > 0 && switches == in->rested &&
                     in->rested_for == (int)syscall(SYS_gettid);
}

void fp_party_note(struct fp_party *in, long switches)
{
    in->rested = fp_party_is_hindered(in) ? 0 : switches;
    in->rested_for = (int)syscall(SYS_gettid);
}

bool fp_party_take(void)
{
    bool is_free = false;
    fp_party_mine = atomic_compare_exchange_strong(&is_taken, &is_free, true);
    return fp_party_mine;
}

FP_CHILD void fp_party_give(void)
{
    party.is_closed = party.is_ready = fp_party_mine = false;
    atomic_store(&is_taken, false);
}

FP_CHILD struct fp_member *fp_party_member(struct fp_party *in, uint32_t runtime)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->members[i].runtime == runtime)
            return &in->members[i];
    return NULL;
}
