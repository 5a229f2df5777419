/* A hang in words. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/hang_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(hang_message, .init = hang_setup);

Test(hang_message, a_native_wait_that_is_proven)
{
    cr_expect_str_eq(
        message(),
        "forkpolicy: pid 77 (python3 train.py) can never go on: it waits for threads lost in the "
        "fork\n"
        "forkpolicy:   waits   deltalake 0.18.2 in syscall(futex) for 0.3 s; it is the only thread,"
        " and nobody else can wake it\n"
        "forkpolicy:   at      /app/train.py:20 in work, through deltalake/table.py:417\n"
        "forkpolicy:   for     deltalake 0.18.2: 4 tokio threads (tokio-runtime-w), started at"
        " /app/train.py:3; the waiting code is in its library\n"
        "forkpolicy:   fork    /app/train.py:10 in main, through multiprocessing/context.py:281;"
        " 61 s ago by pid 76\n"
        "forkpolicy:   do      multiprocessing.set_start_method(\"forkserver\") or \"spawn\" at the"
        " start of main\n"
        "forkpolicy:   or      pip install \"deltalake>=0.19\"\n"
        "forkpolicy:   or      open it later\n"
        "forkpolicy:   now     the process ends with status 70\n"
        "forkpolicy:   python  deltalake/table.py:417 in __init__\n"
        "forkpolicy:           /app/train.py:20 in work\n"
        "forkpolicy:   native  deltalake/_internal.abi3.so+0x1000\n"
        "forkpolicy:           /lib/x86_64-linux-gnu/libc.so.6 start_thread+0x11\n");
}

Test(hang_message, a_python_wait_that_is_proven)
{
    hang_setup_python();
    cr_expect_str_eq(
        message(),
        "forkpolicy: pid 77 (python3 train.py) can never go on: it waits for threads lost in the "
        "fork\n"
        "forkpolicy:   waits   python 3.11.2 in sem_wait; it is the only thread, and nobody else"
        " can wake it (^C would interrupt it)\n"
        "forkpolicy:   at      /app/pool.py:12, through concurrent/futures/_base.py:451\n"
        "forkpolicy:   for     pool (python 3.11.2): 1 Python thread, started at /app/pool.py:7;"
        " its Python code is on the stack\n"
        "forkpolicy:   fork    /app/train.py:10 in main; 1.2 s ago by pid 76\n"
        "forkpolicy:   do      fork before the library is first used, or start a new program with"
        " subprocess\n"
        "forkpolicy:   now     ForkPolicyError is raised at that line\n"
        "forkpolicy:   python  threading.py:320 in wait\n"
        "forkpolicy:           /app/pool.py:12 in <module>\n");
}

Test(hang_message, who_held_the_lock_is_said_and_whether_that_is_sure)
{
    hang_setup_python();
    hang.holders = (struct fp_holders){
        .list = {{"holder", "/app/pool.py:9", "hold"}, {"", "", ""}}, .count = 2, .others = 4};
    check_lines(sizeof buffer - 16);
    cr_expect(strstr(buffer, "forkpolicy:   held    perhaps by thread 'holder' at /app/pool.py:9 in"
                             " hold or a thread or 4 more when the process forked\n"),
              "%s", buffer);
    hang.holders =
        (struct fp_holders){.list = {{"holder", "/app/pool.py:9", ""}}, .count = 1, .sure = true};
    check_lines(sizeof buffer - 16);
    cr_expect(
        strstr(buffer, "held    by thread 'holder' at /app/pool.py:9 when the process forked\n"),
        "%s", buffer);
    struct fp_text text = FP_TEXT(buffer);
    fp_message_hang_error(&text, &hang);
    cr_expect(strstr(buffer, "it waits for a lock, held by thread 'holder' at /app/pool.py:9 at the"
                             " fork ("),
              "%s", buffer);
}

Test(hang_message, a_deadlock_that_no_lost_runtime_explains)
{
    hang.lost = NULL;
    hang.cause = FP_CAUSE_UNKNOWN;
    hang.outcome = FP_OUTCOME_ABORTED;
    hang.opinion.reason = FP_REASON_ASLEEP;
    hang.wait = FP_WAIT_MUTEX;
    hang.waiting = (struct fp_facts){"/opt/app/prog", "", "", "", ""};
    hang.at = NO_SITE;
    fork_site = NO_SITE;
    fork_site.dso = "/opt/app/prog";
    hang.fork.origin = FP_ORIGIN_NATIVE;
    hang.milliseconds = 10000;
    hang.python_count = hang.native_count = 0;
    cr_expect_str_eq(
        message(),
        "forkpolicy: pid 77 (python3 train.py) can never go on: a deadlock in a forked child\n"
        "forkpolicy:   waits   prog in pthread_mutex_lock for 10 s; every other thread is blocked "
        "for ever as well\n"
        "forkpolicy:   for     it is not known which of the lost runtimes, if any\n"
        "forkpolicy:   fork    fork() called from /opt/app/prog; 61 s ago by pid 76\n"
        "forkpolicy:   do      fork before its threads start, or exec in the child\n"
        "forkpolicy:   now     the process aborts\n");
}

Test(hang_message, where_c_code_forked_no_handlers_for_forks_are_advised)
{
    lost = (struct fp_runtime){.facts = {"", "/home/me/app.py", "", "", ""},
                               .names = "Thread-1",
                               .started = "",
                               .threads = 1};
    fork_site = NO_SITE;
    fork_site.dso = "/opt/venv/bin/uwsgi";
    hang.fork.origin = FP_ORIGIN_PYTHON;
    cr_expect(strstr(message(), "do      os.register_at_fork("));
    hang.fork.origin = FP_ORIGIN_NATIVE_IN_PYTHON;
    cr_expect(strstr(message(), "do      uwsgi --lazy-apps, or create "), "%s", message());
    cr_expect(strstr(message(), " @postfork"));
}

Test(hang_message, seen_from_outside_the_line_of_the_fork_is_not_known)
{
    fork_site = NO_SITE;
    cr_expect(strstr(message(), "fork    at an unknown line; 61 s ago by pid 76"));
}

Test(hang_message, a_strong_one_says_may_and_what_could_still_help)
{
    hang.opinion = (struct fp_opinion){FP_GRADE_STRONG, FP_REASON_HANDLER};
    hang.outcome = FP_OUTCOME_WAITS;
    hang.milliseconds = 60000;
    hang.fork.call = "";
    fork_site = NO_SITE;
    hang.python_count = hang.native_count = 0;
    cr_expect_str_eq(
        message(),
        "forkpolicy: pid 77 (python3 train.py) may never go on: no thread of this forked child can"
        " end its wait\n"
        "forkpolicy:   waits   deltalake 0.18.2 in syscall(futex) for 60 s; only a signal handler"
        " of the program could wake it\n"
        "forkpolicy:   at      /app/train.py:20 in work, through deltalake/table.py:417\n"
        "forkpolicy:   for     deltalake 0.18.2: 4 tokio threads (tokio-runtime-w), started at"
        " /app/train.py:3; the waiting code is in its library\n"
        "forkpolicy:   fork    inside libc; 61 s ago by pid 76\n"
        "forkpolicy:   do      fork before the library is first used, or start a new program with"
        " subprocess\n"
        "forkpolicy:   or      pip install \"deltalake>=0.19\"\n"
        "forkpolicy:   or      open it later\n"
        "forkpolicy:   now     still waiting\n");
}

Test(hang_message, a_suspected_one_says_it_seems)
{
    hang.opinion = (struct fp_opinion){FP_GRADE_SUSPECTED, FP_REASON_OUTSIDE};
    hang.outcome = FP_OUTCOME_WAITS;
    hang.wait = FP_WAIT_EPOLL;
    hang.cause = FP_CAUSE_USED;
    hang.judgement.action = FP_ACTION_WARN;
    hang.python_count = hang.native_count = 0;
    cr_expect_str_eq(
        message(),
        "forkpolicy: pid 77 (python3 train.py) may never go on: it seems to wait for threads lost "
        "in the fork\n"
        "forkpolicy:   waits   deltalake 0.18.2 in epoll_wait for 0.3 s; the threads that would "
        "signal it are not in this process\n"
        "forkpolicy:   at      /app/train.py:20 in work, through deltalake/table.py:417\n"
        "forkpolicy:   for     deltalake 0.18.2: 4 tokio threads (tokio-runtime-w), started at"
        " /app/train.py:3; it was called in this child\n"
        "forkpolicy:   fork    /app/train.py:10 in main, through multiprocessing/context.py:281;"
        " 61 s ago by pid 76\n"
        "forkpolicy:   do      multiprocessing.set_start_method(\"forkserver\") or \"spawn\" at the"
        " start of main\n"
        "forkpolicy:   or      pip install \"deltalake>=0.19\"\n"
        "forkpolicy:   or      open it later\n"
        "forkpolicy:   now     still waiting\n");
}

Test(hang_message, never_is_said_of_what_is_proven_alone)
{
    for (int grade = FP_GRADE_SUSPECTED; grade <= FP_GRADE_PROVEN; grade++)
        for (int known = 0; known < 2; known++) {
            hang.opinion.grade = (enum fp_grade)grade;
            hang.lost = known ? &lost : NULL;
            message();
            cr_expect_eq(strstr(buffer, " can never go on: ") != NULL, grade == FP_GRADE_PROVEN);
            cr_expect_eq(strstr(buffer, " may never go on: ") != NULL, grade != FP_GRADE_PROVEN);
        }
}

Test(hang_message, every_reason_every_cause_and_every_outcome_is_said)
{
    static const char *const REASONS[] = {
        [FP_REASON_ALONE] = "; it is the only thread, and nobody else can wake it\n",
        [FP_REASON_ASLEEP] = "; every other thread is blocked for ever as well\n",
        [FP_REASON_HELPERS] =
            "; every other thread is blocked for ever as well, or are helpers that wake nobody\n",
        [FP_REASON_OWNER] = "; the thread that holds the lock is not in this process\n",
        [FP_REASON_TEAM] = "; the worker threads that it waits for are not in this process\n",
        [FP_REASON_HANDLER] = "; only a signal handler of the program could wake it\n",
        [FP_REASON_TIMER] = "; only the timer that it has set will end it\n",
        [FP_REASON_SIGNAL] = "; only a signal that ends it would end its wait\n",
        [FP_REASON_PARKED] = "; only a signal could wake it; it may be meant to sleep here\n",
        [FP_REASON_TIMED] = "; it retries a wait with a time limit, and each one times out\n",
        [FP_REASON_COMPANY] = "; other threads are alive, but this runtime's are not\n",
        [FP_REASON_OUTSIDE] = "; the threads that would signal it are not in this process\n"};
    static const char *const CAUSES[] = {
        [FP_CAUSE_OWNER] = "; it holds the lock\n",
        [FP_CAUSE_LIBRARY] = "; the waiting code is in its library\n",
        [FP_CAUSE_LINE] = "; its Python code is on the stack\n",
        [FP_CAUSE_JOINED] = "; its Python code is on the stack of the thread that is joined\n",
        [FP_CAUSE_USED] = "; it was called in this child\n",
        [FP_CAUSE_ONLY] = "; nothing else was lost\n"};
    static const char *const OUTCOMES[] = {
        [FP_OUTCOME_WAITS] = "  now     still waiting\n",
        [FP_OUTCOME_RAISED] = "  now     ForkPolicyError is raised at that line\n",
        [FP_OUTCOME_EXITED] = "  now     the process ends with status 70\n",
        [FP_OUTCOME_AGAIN] = "  now     the process ends with status 70: it waits again where"
                             " ForkPolicyError was raised\n",
        [FP_OUTCOME_ABORTED] = "  now     the process aborts\n",
        [FP_OUTCOME_GRACE] = "  now     for grace_seconds a signal may end it; then it ends with "
                             "status 70 or gets an error\n"};
    for (int reason = FP_REASON_ALONE; reason <= FP_REASON_OUTSIDE; reason++) {
        hang.opinion.reason = (enum fp_reason)reason;
        message();
        expect(REASONS[reason]);
    }
    for (int cause = 0; cause < FP_CAUSE_UNKNOWN; cause++) {
        hang.cause = (enum fp_cause)cause;
        message();
        expect(CAUSES[cause]);
    }
    for (int outcome = 0; outcome < FP_OUTCOME_COUNT; outcome++) {
        hang.outcome = (enum fp_outcome)outcome;
        message();
        expect(OUTCOMES[outcome]);
    }
}

Test(hang_message, that_fail_would_end_it_is_said_of_a_proof_under_warn_alone)
{
    static const char HINT[] = "still waiting; FORKPOLICY=fail would end it\n";
    hang.outcome = FP_OUTCOME_WAITS;
    hang.judgement.action = FP_ACTION_WARN;
    message();
    expect(HINT);
    hang.opinion = (struct fp_opinion){FP_GRADE_STRONG, FP_REASON_PARKED};
    message();
    expect_absent(HINT);
    hang.opinion = (struct fp_opinion){FP_GRADE_PROVEN, FP_REASON_ALONE};
    hang.judgement.action = FP_ACTION_FAIL; /* with an option that only reports */
    message();
    expect_absent(HINT);
}

Test(hang_message, that_a_reset_did_not_help_is_said_where_one_was_asked_for)
{
    static const char LINE[] = "nothing else was lost\nforkpolicy:   reset   no reset is known, or "
                               "it failed: treated as \"fail\"\nforkpolicy:   fork ";
    hang.cause = FP_CAUSE_ONLY;
    message();
    expect_absent("  reset ");
    lost.identity.asked = FP_ACTION_RESET;
    message();
    expect(LINE);
    lost.identity.asked = FP_ACTION_WARN;
    hang.judgement.action = FP_ACTION_RESET;
    message();
    expect(LINE);
    hang.lost = NULL;
    message();
    expect_absent("  reset ");
}

Test(hang_message, seconds_are_cut_not_rounded_and_short_waits_have_none)
{
    static const struct {
        unsigned long milliseconds;
        const char *want;
    } CASES[] = {{0, "futex);"},       {99, "futex);"},           {100, "futex) for 0.1 s;"},
                 {1999, "for 1.9 s;"}, {9999, "for 9.9 s;"},      {10000, "for 10 s;"},
                 {61999, "for 61 s;"}, {86400000, "for 86400 s;"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        hang.milliseconds = CASES[i].milliseconds;
        message();
        expect(CASES[i].want);
    }
}

Test(hang_message, a_lost_runtime_that_no_table_knows_has_no_advice_but_its_name)
{
    lost.identity = (struct fp_identity){.asked = FP_ACTION_WARN};
    lost.facts = (struct fp_facts){"/opt/x/libown.so.1", "", "", "", ""};
    lost.started = lost.names = "";
    hang.cause = FP_CAUSE_ONLY;
    message();
    expect("  for     libown.so.1: 4 native threads; nothing else was lost\n");
    expect_absent("  or ");
}
