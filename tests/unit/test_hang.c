/*
 * Whether a wait can ever end; the names say which weaker rule a test would catch.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "policy/hang.h"

#include <stdio.h>

static const char *reason_of(struct fp_opinion opinion)
{
    static const char *const NAMES[] = {"none",   "alone", "asleep",  "helpers",
                                        "owner",  "team",  "handler", "signal",
                                        "parked", "timed", "company", "outside"};
    return NAMES[opinion.reason];
}

static void expect_at(int line, struct fp_wait_facts facts, enum fp_grade grade,
                      enum fp_reason reason)
{
    struct fp_opinion got = fp_hang_judge(&facts);
    cr_expect(got.grade == grade && got.reason == reason, "line %d, %s: %s for %s", line,
              fp_wait_name(facts.wait), fp_grade_name(got.grade), reason_of(got));
}

#define FACTS(...)                    \
    (struct fp_wait_facts)            \
    {                                 \
        .wait = FP_WAIT_##__VA_ARGS__ \
    }
#define EXPECT(facts, grade, reason) \
    expect_at(__LINE__, facts, FP_GRADE_##grade, FP_REASON_##reason)

/* The waits whose end comes from another thread of the process, all of them alike. */
static bool is_plain(enum fp_wait wait)
{
    return wait != FP_WAIT_EPOLL && wait != FP_WAIT_REGION;
}

Test(hang, the_only_thread_waits_for_ever_whatever_it_waits_for)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++)
        if (is_plain((enum fp_wait)wait))
            EXPECT(((struct fp_wait_facts){.wait = (enum fp_wait)wait, .evaluated = true}), PROVEN,
                   ALONE);
}

Test(hang, r0_a_wait_that_is_satisfied_is_none_not_even_with_a_lost_owner)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++)
        for (int company = 0; company <= FP_COMPANY_AWAKE && is_plain((enum fp_wait)wait);
             company++)
            for (int more = 0; more < 4; more++)
                EXPECT(((struct fp_wait_facts){.wait = (enum fp_wait)wait,
                                               .satisfied = true,
                                               .company = (enum fp_company)company,
                                               .evaluated = true,
                                               .owner_lost = more & 1,
                                               .about_lost = more & 2}),
                       NONE, NONE);
}

Test(hang, r1_what_another_process_can_end_is_no_hang_not_even_with_a_lost_owner)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++)
        for (int company = 0; company <= FP_COMPANY_AWAKE && is_plain((enum fp_wait)wait);
             company++)
            for (int more = 0; more < 4; more++)
                EXPECT(((struct fp_wait_facts){.wait = (enum fp_wait)wait,
                                               .shared = true,
                                               .company = (enum fp_company)company,
                                               .evaluated = true,
                                               .owner_lost = more & 1,
                                               .about_lost = more & 2}),
                       NONE, NONE);
}

Test(hang, r2_company_that_sleeps_for_ever_is_as_good_as_none_not_so_one_that_is_awake)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++) {
        struct fp_wait_facts facts = {.wait = (enum fp_wait)wait, .evaluated = true};
        if (!is_plain(facts.wait))
            continue;
        facts.company = FP_COMPANY_ASLEEP;
        EXPECT(facts, PROVEN, ASLEEP);
        facts.company = FP_COMPANY_AWAKE;
        EXPECT(facts, NONE, NONE);
        facts.about_lost = true;
        EXPECT(facts, SUSPECTED, COMPANY);
    }
}

Test(hang, r3_a_time_limit_ends_every_wait_even_that_of_the_only_thread)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++) {
        struct fp_wait_facts facts = {.wait = (enum fp_wait)wait, .timed = true};
        if (!is_plain(facts.wait))
            continue;
        EXPECT(facts, NONE, NONE);
        facts.about_lost = true;
        EXPECT(facts, SUSPECTED, TIMED);
        facts.company = FP_COMPANY_ASLEEP;
        facts.evaluated = true;
        EXPECT(facts, SUSPECTED, TIMED);
    }
}

/* It wakes the thread, or leaves the wait by siglongjmp or exit, whatever is waited for. */
Test(hang, r4_a_handler_may_end_every_wait_its_own_or_that_of_another_who_ends_this_one)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++) {
        struct fp_wait_facts facts = {
            .wait = (enum fp_wait)wait, .waker = FP_WAKER_HANDLER, .evaluated = true};
        if (facts.wait == FP_WAIT_EPOLL)
            continue;
        EXPECT(facts, STRONG, HANDLER);
        facts.company = FP_COMPANY_ASLEEP;
        facts.evaluated = true;
        EXPECT(facts, STRONG, HANDLER);
    }
}

Test(hang, r4_an_interrupt_as_anything_has_it_does_not_weaken_the_proof)
{
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_INTERRUPT), PROVEN, ALONE);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_INTERRUPT, .company = FP_COMPANY_ASLEEP), PROVEN,
           ASLEEP);
    EXPECT(FACTS(MUTEX, .waker = FP_WAKER_INTERRUPT, .company = FP_COMPANY_ASLEEP), PROVEN, ASLEEP);
}

Test(hang, r5_nobody_unlocks_for_a_lost_owner_not_even_threads_that_are_awake)
{
    for (int company = 0; company <= FP_COMPANY_AWAKE; company++)
        for (int waker = 0; waker < FP_WAKER_EXIT; waker++)
            for (int more = 0; more < 8; more++)
                EXPECT(FACTS(MUTEX, .owner_lost = true, .company = (enum fp_company)company,
                             .waker = (enum fp_waker)waker, .timed = more & 1, .parked = more & 2,
                             .about_lost = more & 4),
                       PROVEN, OWNER);
    EXPECT(FACTS(MUTEX, .owner_lost = true, .waker = FP_WAKER_HANDLER), STRONG, HANDLER);
    EXPECT(FACTS(WRITE_LOCK, .owner_lost = true, .company = FP_COMPANY_AWAKE), PROVEN, OWNER);
    EXPECT(FACTS(MUTEX, .owner_lost = true, .company = FP_COMPANY_AWAKE, .satisfied = true), NONE,
           NONE);
    EXPECT(FACTS(MUTEX, .owner_lost = true, .company = FP_COMPANY_AWAKE, .shared = true), NONE,
           NONE);
}

Test(hang, r4_a_timer_that_ends_the_process_is_no_rescue_of_what_was_lost)
{
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_TIMER), STRONG, TIMER);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_TIMER, .about_lost = true), STRONG, TIMER);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_TIMER, .tied = true), PROVEN, SIGNAL);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_TIMER, .tied = true, .parked = true), STRONG, PARKED);
    EXPECT(FACTS(MUTEX, .waker = FP_WAKER_TIMER, .owner_lost = true), PROVEN, SIGNAL);
    EXPECT(FACTS(REGION, .waker = FP_WAKER_TIMER), PROVEN, SIGNAL);
}

Test(hang, r4_a_handler_that_only_ends_the_process_is_no_rescue_of_what_was_lost)
{
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++) {
        struct fp_wait_facts facts = {
            .wait = (enum fp_wait)wait, .waker = FP_WAKER_EXIT, .evaluated = true};
        if (!is_plain(facts.wait))
            continue;
        EXPECT(facts, STRONG, HANDLER);
        facts.about_lost = true;
        EXPECT(facts, STRONG, HANDLER);
        facts.tied = true;
        EXPECT(facts, PROVEN, SIGNAL);
        facts.timed = true;
        EXPECT(facts, SUSPECTED, TIMED);
    }
    EXPECT(FACTS(REGION, .waker = FP_WAKER_EXIT), PROVEN, SIGNAL);
    EXPECT(FACTS(MUTEX, .waker = FP_WAKER_EXIT, .owner_lost = true), PROVEN, SIGNAL);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_EXIT, .parked = true), STRONG, PARKED);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_HANDLER, .tied = true), STRONG, HANDLER);
}

Test(hang, r6_a_condition_in_company_is_no_proof_until_its_caller_has_looked_again)
{
    EXPECT(FACTS(CONDITION, .company = FP_COMPANY_ASLEEP), NONE, NONE);
    EXPECT(FACTS(CONDITION, .company = FP_COMPANY_ASLEEP, .about_lost = true), SUSPECTED, COMPANY);
    EXPECT(FACTS(CONDITION, .company = FP_COMPANY_ASLEEP, .evaluated = true), PROVEN, ASLEEP);
    EXPECT(FACTS(CONDITION, .company = FP_COMPANY_ASLEEP, .parked = true), NONE, NONE);
    EXPECT(FACTS(CONDITION, .company = FP_COMPANY_ASLEEP, .waker = FP_WAKER_HANDLER), NONE, NONE);
}

/* Who changed it may have ended since. */
Test(hang, r6_a_condition_needs_a_second_look_alone_too_and_no_other_wait_ever_does)
{
    EXPECT(FACTS(CONDITION), NONE, NONE);
    EXPECT(FACTS(CONDITION, .about_lost = true), SUSPECTED, ALONE);
    EXPECT(FACTS(CONDITION, .evaluated = true), PROVEN, ALONE);
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++)
        if (is_plain((enum fp_wait)wait) && wait != FP_WAIT_CONDITION)
            EXPECT(
                ((struct fp_wait_facts){.wait = (enum fp_wait)wait, .company = FP_COMPANY_ASLEEP}),
                PROVEN, ASLEEP);
}

Test(hang, a_program_that_is_parked_is_never_proven_nor_suspected)
{
    EXPECT(FACTS(SEMAPHORE, .parked = true), STRONG, PARKED);
    EXPECT(FACTS(SEMAPHORE, .parked = true, .about_lost = true), STRONG, PARKED);
    EXPECT(FACTS(SEMAPHORE, .parked = true, .waker = FP_WAKER_HANDLER), STRONG, PARKED);
    EXPECT(FACTS(SEMAPHORE, .parked = true, .company = FP_COMPANY_ASLEEP), STRONG, PARKED);
    EXPECT(FACTS(SEMAPHORE, .parked = true, .company = FP_COMPANY_AWAKE, .about_lost = true), NONE,
           NONE);
    EXPECT(FACTS(SEMAPHORE, .parked = true, .timed = true, .about_lost = true), NONE, NONE);
    EXPECT(FACTS(EPOLL, .parked = true, .about_lost = true), NONE, NONE);
}

Test(hang, epoll_is_never_more_than_suspected_since_anybody_may_hold_the_other_end)
{
    for (int company = 0; company <= FP_COMPANY_AWAKE; company++)
        for (int timed = 0; timed < 2; timed++) {
            EXPECT(FACTS(EPOLL, .company = (enum fp_company)company, .timed = timed), NONE, NONE);
            EXPECT(FACTS(EPOLL, .company = (enum fp_company)company, .timed = timed,
                         .about_lost = true, .evaluated = true),
                   SUSPECTED, OUTSIDE);
        }
}

Test(hang, a_region_without_its_team_is_proven_whatever_else_is_seen)
{
    EXPECT(FACTS(REGION), PROVEN, TEAM);
    EXPECT(FACTS(REGION, .company = FP_COMPANY_AWAKE), PROVEN, TEAM);
    EXPECT(FACTS(REGION, .waker = FP_WAKER_HANDLER), STRONG, HANDLER);
    EXPECT(FACTS(REGION, .parked = true, .timed = true), PROVEN, TEAM);
    EXPECT(FACTS(REGION, .owner_lost = true), PROVEN, TEAM);
}

Test(hang, what_has_nothing_to_do_with_the_lost_is_not_suspected_but_proof_needs_no_culprit)
{
    EXPECT(FACTS(SEMAPHORE, .about_lost = true), PROVEN, ALONE);
    EXPECT(FACTS(SEMAPHORE), PROVEN, ALONE);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_HANDLER, .about_lost = true), STRONG, HANDLER);
    EXPECT(FACTS(SEMAPHORE, .waker = FP_WAKER_HANDLER), STRONG, HANDLER);
}

/* A loop that polls for what was lost, and one that merely sleeps, look the same from here. */
Test(hang, the_reason_of_a_doubt_is_the_surest_way_out_not_the_last_one_seen)
{
    EXPECT(FACTS(CONDITION, .timed = true, .company = FP_COMPANY_AWAKE, .about_lost = true),
           SUSPECTED, TIMED);
    EXPECT(FACTS(EPOLL, .timed = true, .company = FP_COMPANY_AWAKE, .about_lost = true), SUSPECTED,
           OUTSIDE);
    EXPECT(FACTS(SEMAPHORE, .parked = true, .waker = FP_WAKER_HANDLER), STRONG, PARKED);
}

/* Every combination of facts, by a number. */
enum { COMBINATIONS = FP_WAIT_COUNT * 4 * 5 * 256 };

static struct fp_wait_facts combination(unsigned number)
{
    struct fp_wait_facts facts = {.satisfied = number & 1,
                                  .shared = number & 2,
                                  .timed = number & 4,
                                  .owner_lost = number & 8,
                                  .evaluated = number & 16,
                                  .parked = number & 32,
                                  .about_lost = number & 64,
                                  .tied = number & 128};
    number /= 256;
    facts.company = (enum fp_company)(number % 4);
    facts.waker = (enum fp_waker)(number / 4 % 5);
    facts.wait = (enum fp_wait)(number / 20);
    return facts;
}

static const char *shown(const struct fp_wait_facts *facts)
{
    static char text[200];
    snprintf(text, sizeof text,
             "%s satisfied %d shared %d timed %d company %d waker %d owner_lost %d evaluated %d "
             "parked %d about_lost %d tied %d",
             fp_wait_name(facts->wait), facts->satisfied, facts->shared, facts->timed,
             (int)facts->company, (int)facts->waker, facts->owner_lost, facts->evaluated,
             facts->parked, facts->about_lost, facts->tied);
    return text;
}

static bool is_tied(const struct fp_wait_facts *facts)
{
    return facts->tied || facts->owner_lost || facts->wait == FP_WAIT_REGION;
}

Test(hang, everywhere_a_proof_holds_only_where_no_way_out_was_seen)
{
    for (unsigned number = 0; number < COMBINATIONS; number++) {
        struct fp_wait_facts facts = combination(number);
        struct fp_opinion got = fp_hang_judge(&facts);
        if (got.grade != FP_GRADE_PROVEN)
            continue;
        cr_assert(facts.waker < FP_WAKER_EXIT ||
                      (facts.waker < FP_WAKER_HANDLER && is_tied(&facts)),
                  "%s", shown(&facts));
        if (facts.wait == FP_WAIT_REGION)
            continue;
        cr_assert(!facts.satisfied && !facts.shared, "%s", shown(&facts));
        if (facts.owner_lost)
            continue;
        cr_assert(!facts.timed && !facts.parked, "%s", shown(&facts));
        cr_assert(facts.wait != FP_WAIT_EPOLL, "%s", shown(&facts));
        cr_assert(facts.company != FP_COMPANY_AWAKE, "%s", shown(&facts));
        cr_assert(facts.company != FP_COMPANY_HELPERS || facts.tied, "%s", shown(&facts));
        cr_assert(facts.wait != FP_WAIT_CONDITION || facts.evaluated, "%s", shown(&facts));
    }
}

Test(hang, everywhere_a_proof_is_made_where_no_way_out_is_left)
{
    for (unsigned number = 0; number < COMBINATIONS; number++) {
        struct fp_wait_facts facts = combination(number);
        bool open = facts.wait == FP_WAIT_EPOLL || facts.timed || facts.parked ||
                    facts.company == FP_COMPANY_AWAKE ||
                    (facts.company == FP_COMPANY_HELPERS && !facts.tied) ||
                    (facts.wait == FP_WAIT_CONDITION && !facts.evaluated);
        bool dead =
            (facts.waker < FP_WAKER_EXIT || (facts.waker < FP_WAKER_HANDLER && is_tied(&facts))) &&
            (facts.wait == FP_WAIT_REGION ||
             (!facts.satisfied && !facts.shared && (facts.owner_lost || !open)));
        cr_assert(!dead || fp_hang_judge(&facts).grade == FP_GRADE_PROVEN, "%s", shown(&facts));
    }
}

Test(hang, everywhere_each_grade_has_reasons_of_its_own)
{
    static const enum fp_grade GRADES[] = {
        [FP_REASON_NONE] = FP_GRADE_NONE,        [FP_REASON_ALONE] = FP_GRADE_PROVEN,
        [FP_REASON_ASLEEP] = FP_GRADE_PROVEN,    [FP_REASON_OWNER] = FP_GRADE_PROVEN,
        [FP_REASON_TEAM] = FP_GRADE_PROVEN,      [FP_REASON_SIGNAL] = FP_GRADE_PROVEN,
        [FP_REASON_HELPERS] = FP_GRADE_PROVEN,   [FP_REASON_HANDLER] = FP_GRADE_STRONG,
        [FP_REASON_PARKED] = FP_GRADE_STRONG,    [FP_REASON_TIMER] = FP_GRADE_STRONG,
        [FP_REASON_TIMED] = FP_GRADE_SUSPECTED,  [FP_REASON_COMPANY] = FP_GRADE_SUSPECTED,
        [FP_REASON_OUTSIDE] = FP_GRADE_SUSPECTED};
    for (unsigned number = 0; number < COMBINATIONS; number++) {
        struct fp_wait_facts facts = combination(number);
        struct fp_opinion got = fp_hang_judge(&facts);
        bool is_unclear = facts.wait == FP_WAIT_CONDITION && got.reason == FP_REASON_ALONE &&
                          got.grade == FP_GRADE_SUSPECTED;
        cr_assert(is_unclear || got.grade == GRADES[got.reason], "%s: %s", shown(&facts),
                  reason_of(got));
        cr_assert(got.reason != FP_REASON_ALONE || facts.company == FP_COMPANY_NONE, "%s",
                  shown(&facts));
        cr_assert(got.reason != FP_REASON_ASLEEP || facts.company == FP_COMPANY_ASLEEP, "%s",
                  shown(&facts));
        cr_assert(got.reason != FP_REASON_HELPERS || facts.company == FP_COMPANY_HELPERS, "%s",
                  shown(&facts));
        cr_assert(got.reason != FP_REASON_TIMED || facts.timed, "%s", shown(&facts));
        cr_assert(got.reason != FP_REASON_COMPANY || facts.company != FP_COMPANY_NONE, "%s",
                  shown(&facts));
        cr_assert(got.grade != FP_GRADE_SUSPECTED || (facts.about_lost && !facts.parked), "%s",
                  shown(&facts));
        cr_assert(
            got.grade != FP_GRADE_STRONG || facts.wait == FP_WAIT_REGION || facts.owner_lost ||
                (!facts.timed && facts.company != FP_COMPANY_AWAKE && facts.wait != FP_WAIT_EPOLL),
            "%s", shown(&facts));
    }
}

static void expect_no_higher(const struct fp_wait_facts *before, struct fp_wait_facts after)
{
    enum fp_grade was = fp_hang_judge(before).grade, is = fp_hang_judge(&after).grade;
    cr_assert_leq(is, was, "%s: %s, not %s as before", shown(&after), fp_grade_name(is),
                  fp_grade_name(was));
}

Test(hang, everywhere_one_more_way_out_never_raises_the_grade_nor_one_less_piece_of_evidence)
{
    for (unsigned number = 0; number < COMBINATIONS; number++) {
        struct fp_wait_facts facts = combination(number), other;
#define CHANGED(field, value) (other = facts, other.field = (value), other)
        expect_no_higher(&facts, CHANGED(satisfied, true));
        expect_no_higher(&facts, CHANGED(shared, true));
        expect_no_higher(&facts, CHANGED(timed, true));
        expect_no_higher(&facts, CHANGED(parked, true));
        expect_no_higher(&facts, CHANGED(owner_lost, false));
        expect_no_higher(&facts, CHANGED(evaluated, false));
        expect_no_higher(&facts, CHANGED(tied, false));
        expect_no_higher(&facts, CHANGED(about_lost, false));
        if (facts.company != FP_COMPANY_AWAKE)
            expect_no_higher(&facts, CHANGED(company, (enum fp_company)(facts.company + 1)));
        if (facts.waker != FP_WAKER_HANDLER)
            expect_no_higher(&facts, CHANGED(waker, (enum fp_waker)(facts.waker + 1)));
#undef CHANGED
    }
}

Test(hang, every_grade_and_every_wait_has_its_name)
{
    static const char *const GRADES[] = {"none", "suspected", "strong", "proven"};
    for (int grade = 0; grade <= FP_GRADE_PROVEN; grade++)
        cr_expect_str_eq(fp_grade_name((enum fp_grade)grade), GRADES[grade]);
    cr_expect_str_eq(fp_wait_name(FP_WAIT_SEMAPHORE), "sem_wait");
    cr_expect_str_eq(fp_wait_name(FP_WAIT_FUTEX), "syscall(futex)");
    cr_expect_str_eq(fp_wait_name(FP_WAIT_REGION), "OpenMP region");
}
