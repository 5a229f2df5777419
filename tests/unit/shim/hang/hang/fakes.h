/*
 * Tests of shim/hang/hang.c: which facts a look gathers, in which order, and what it does with the
 * judgement. The judgement itself (policy/hang.c) is the real one; these are the rooms below.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_HANG_FAKES_H
#define FP_TESTS_HANG_FAKES_H

#include "shim/hang/hang.h"

#include "shim/base/block_signals.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/hang/act.h"
#include "shim/hang/memory.h"
#include "shim/hang/signal_handlers.h"
#include "shim/python/python.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

FP_THREAD struct fp_self fp_self;
bool fp_active = true;
struct fp_config fp_config = {.options = {.hang_milliseconds = 30000, .grace_milliseconds = 5000}};

/* What the rooms below say. */
static struct fp_company_look seen = {.gil_is_free = true};
static bool is_shared, has_sharer, is_parked, is_tied, is_about_lost, has_python, is_over,
    is_sound = true;
static enum fp_waker waker;
static uint64_t timers;
static pid_t owner, lost = -1;

/* What they were asked. */
static struct {
    int looks, glances, thorough, proofs, doubts, evidence, private, signals;
    bool asked_gil_is_free, was_interruptible, others_sleep;
    enum fp_break breaks;
    struct fp_opinion opinion;
    uint64_t blocked, timers;
    sigset_t mask;
    int inside;
} asked;

void fp_block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    asked.signals++;
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void fp_company_look(struct fp_company_look *look, uint64_t blocked, bool thorough)
{
    asked.looks++;
    asked.thorough += thorough;
    asked.blocked = blocked;
    asked.inside = fp_self.inside;
    pthread_sigmask(SIG_SETMASK, NULL, &asked.mask);
    *look = seen;
}

void fp_company_child(void)
{
}

bool fp_company_seems_awake(void)
{
    asked.glances++;
    asked.inside = fp_self.inside;
    pthread_sigmask(SIG_SETMASK, NULL, &asked.mask);
    errno = EIO;
    return seen.company == FP_COMPANY_AWAKE;
}

uint64_t fp_timers_set(void)
{
    return timers;
}

enum fp_waker fp_waker_find(const struct fp_company_look *look, enum fp_break main_breaks,
                            bool has_gil, uint64_t now, uint64_t seen_timers)
{
    (void)look;
    cr_assert_eq(now, timers);
    asked.timers = seen_timers;
    cr_assert_eq(has_gil, has_python && asked.asked_gil_is_free);
    asked.breaks = main_breaks;
    return waker;
}

bool fp_memory_has_sharer(void)
{
    return has_sharer;
}

bool fp_memory_is_private(const void *address)
{
    (void)address;
    asked.private ++;
    return !is_shared;
}

const struct fp_lost_thread *fp_lost_find(pid_t tid)
{
    static const struct fp_lost_thread found;
    return tid == lost ? &found : NULL;
}

bool fp_origin_awaits_gil(void)
{
    return !is_sound;
}

bool fp_python_enter(bool is_free, int *state)
{
    *state = 0;
    asked.asked_gil_is_free = is_free;
    return has_python && is_free;
}

void fp_python_leave(int state)
{
    (void)state;
}

void fp_evidence_read_python(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                             bool has_gil, bool others_sleep)
{
    (void)evidence, (void)waiting, (void)has_gil;
    asked.evidence++;
    asked.others_sleep = others_sleep;
}

void fp_evidence_weigh(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                       const struct fp_company_look *look, bool owner_lost)
{
    (void)evidence, (void)waiting, (void)look;
    cr_assert_eq(owner_lost, owner && owner == lost);
}

bool fp_evidence_is_tied(const struct fp_evidence *evidence)
{
    (void)evidence;
    return is_tied;
}

struct fp_owner fp_owner_of(const void *address)
{
    return (struct fp_owner){.base = address};
}

/* In these tests every other code is native. */
static const char python_code;

bool fp_python_owns(struct fp_owner of)
{
    return of.base == &python_code;
}

bool fp_evidence_is_parked(const struct fp_evidence *evidence, const struct fp_waiting *waiting,
                           const struct fp_company_look *look)
{
    (void)look;
    (void)evidence, (void)waiting;
    return is_parked;
}

bool fp_evidence_points_to_lost(const struct fp_evidence *evidence,
                                const struct fp_waiting *waiting)
{
    (void)evidence, (void)waiting;
    return is_about_lost;
}

enum fp_advance fp_act_on_proof(struct fp_waiting *waiting, const struct fp_company_look *look,
                                struct fp_evidence *evidence, struct fp_opinion opinion,
                                bool interruptible)
{
    (void)waiting, (void)look, (void)evidence;
    asked.proofs++;
    asked.opinion = opinion;
    asked.was_interruptible = interruptible;
    return FP_ADVANCE_INTERRUPT;
}

void fp_act_on_doubt(struct fp_waiting *waiting, const struct fp_company_look *look,
                     struct fp_evidence *evidence, struct fp_opinion opinion, bool interruptible)
{
    (void)look, (void)evidence, (void)interruptible;
    asked.doubts++;
    asked.opinion = opinion;
    waiting->told = true;
}

static bool has_signal, interrupts = true;

bool fp_handlers_interrupt(void)
{
    return interrupts;
}

bool fp_handlers_wait(const sigset_t *blocked)
{
    (void)blocked;
    return has_signal;
}

static inline pid_t owner_of(const struct fp_waiting *waiting)
{
    (void)waiting;
    return owner;
}

static inline bool try(struct fp_waiting *waiting)
{
    (void)waiting;
    return is_over;
}

static int object;

static inline struct fp_waiting wait_for(enum fp_wait wait)
{
    return (struct fp_waiting){.wait = wait,
                               .object = &object,
                               .slices = 1,
                               .since = fp_milliseconds(),
                               .is_over = try,
                               .proofs = 1};
}

static inline struct fp_waiting long_wait(enum fp_wait wait)
{
    struct fp_waiting waiting = wait_for(wait);
    waiting.since = 0;
    return waiting;
}

static inline enum fp_advance look_at(struct fp_waiting waiting)
{
    memset(&asked, 0, sizeof asked);
    return fp_hang_look(&waiting);
}

static inline enum fp_advance look(enum fp_wait wait)
{
    return look_at(wait_for(wait));
}

#endif
