/* A hang in words. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/hang_message.h"
#include "policy/policy_text.h"

#include <stdio.h>
#include <string.h>

static const char TABLE[] = "runtime deltalake\n dso */deltalake/_internal*.so\n class lost\n"
                            " kind tokio\n advice pip install \"deltalake>=0.19\"\n"
                            " advice open it later\n"
                            "runtime pool\n python */thread.py\n class reset\n";

#define DELTALAKE "/v/site-packages/deltalake/_internal.abi3.so"
#define STANDARD "/usr/lib/python3.11/"

static const struct fp_site NO_SITE = {"", "", "", "", "", ""};

static char buffer[64 * 1024], path[5001];
static struct fp_policy_file table;
static struct fp_native_frame native[32];
static struct fp_python_frame python[24];
static struct fp_runtime lost;
static struct fp_site fork_site;
static struct fp_hang hang;

/* deltalake waits, in Rust, for its tokio threads. */
static void setup(void)
{
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&table, "known", fp_slice_of(TABLE), &problem);
    cr_assert_eq(problem.count, 0);
    lost = (struct fp_runtime){
        .facts = {.dso = DELTALAKE,
                  .file = "",
                  .thread = "",
                  .package = "deltalake",
                  .version = "0.18.2"},
        .identity = {.source = &table.view, .known = &table.known[0], .asked = FP_ACTION_WARN},
        .threads = 4,
        .started = "/app/train.py:3",
        .names = "tokio-runtime-w"};
    fork_site = (struct fp_site){.user = "/app/train.py:10",
                                 .library = "",
                                 .called = STANDARD "multiprocessing/context.py:281",
                                 .innermost = STANDARD "multiprocessing/popen_fork.py:66",
                                 .function = "main",
                                 .dso = "/lib/libpython.so"};
    python[0] = (struct fp_python_frame){"/v/site-packages/deltalake/table.py", "__init__", 417};
    python[1] = (struct fp_python_frame){"/app/train.py", "work", 20};
    native[0] = (struct fp_native_frame){DELTALAKE, "", 4096};
    native[1] = (struct fp_native_frame){"/lib/x86_64-linux-gnu/libc.so.6", "start_thread", 17};
    hang = (struct fp_hang){.program = "python3 train.py",
                            .pid = 77,
                            .tid = 77,
                            .opinion = {FP_GRADE_PROVEN, FP_REASON_ALONE},
                            .outcome = FP_OUTCOME_EXITED,
                            .wait = FP_WAIT_FUTEX,
                            .waiting = {.dso = DELTALAKE,
                                        .file = "",
                                        .thread = "",
                                        .package = "deltalake",
                                        .version = "0.18.2"},
                            .at = {.user = "/app/train.py:20",
                                   .library = "/v/site-packages/deltalake/table.py:417",
                                   .called = "/v/site-packages/deltalake/table.py:417",
                                   .innermost = "",
                                   .function = "work",
                                   .dso = DELTALAKE},
                            .milliseconds = 312,
                            .threads = 1,
                            .lost = &lost,
                            .judgement = {FP_CLASS_LOST, FP_ACTION_FAIL, FP_SPEECH_SILENT},
                            .cause = FP_CAUSE_LIBRARY,
                            .fork = {.call = "fork",
                                     .origin = FP_ORIGIN_PYTHON,
                                     .site = &fork_site,
                                     .parent = 76,
                                     .lost_threads = 5,
                                     .milliseconds = 61005},
                            .native = native,
                            .native_count = 2,
                            .python = python,
                            .python_count = 2};
}

/* A ThreadPoolExecutor of the parent's is asked for a result. */
static void setup_python(void)
{
    lost.facts = (struct fp_facts){.dso = "/lib/libpython.so",
                                   .file = STANDARD "concurrent/futures/thread.py",
                                   .thread = "",
                                   .package = "python",
                                   .version = "3.11.2"};
    lost.identity.known = &table.known[1];
    lost.threads = 1;
    lost.started = "/app/pool.py:7";
    lost.names = "";
    hang.outcome = FP_OUTCOME_RAISED;
    hang.wait = FP_WAIT_SEMAPHORE;
    hang.interruptible = true;
    hang.waiting.package = "python";
    hang.waiting.version = "3.11.2";
    hang.at = NO_SITE;
    hang.at.user = "/app/pool.py:12";
    hang.at.innermost = STANDARD "concurrent/futures/_base.py:451";
    hang.at.function = "";
    hang.milliseconds = 99;
    hang.cause = FP_CAUSE_LINE;
    fork_site.called = fork_site.innermost = "";
    hang.fork.lost_threads = 1;
    hang.fork.milliseconds = 1299;
    python[0] = (struct fp_python_frame){STANDARD "threading.py", "wait", 320};
    python[1] = (struct fp_python_frame){"/app/pool.py", "<module>", 12};
    hang.native_count = 0;
}

TestSuite(hang_message, .init = setup);

static void check_lines(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    memset(buffer, 'C', size + 16);
    fp_message_hang(&text, &hang);
    for (size_t i = 0; i < 16; i++)
        cr_assert_eq(buffer[size + i], 'C');
    cr_assert_eq(strlen(buffer), text.length);
    if (size < 13)
        return;
    cr_assert_gt(text.length, 0);
    for (const char *line = buffer; *line;) {
        const char *end = strchr(line, '\n');
        cr_assert_eq(strncmp(line, "forkpolicy:", 11), 0, "size %zu: %s", size, line);
        cr_assert(end, "the last line must end: %s", line);
        for (const char *c = line; c < end; c++)
            cr_assert((unsigned char)*c >= 0x20 && *c != 0x7f, "control byte in: %s", line);
        line = end + 1;
    }
}

static void expect(const char *part)
{
    cr_expect(strstr(buffer, part), "%s in\n%s", part, buffer);
}

static void expect_absent(const char *part)
{
    cr_expect_not(strstr(buffer, part), "%s in\n%s", part, buffer);
}

static const char *message(void)
{
    check_lines(8192);
    return buffer;
}

static const char *error(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    memset(buffer, 'C', size + 16);
    fp_message_hang_error(&text, &hang);
    cr_assert_eq(strlen(buffer), text.length);
    cr_assert_lt(text.length, size);
    return buffer;
}

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
    setup_python();
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
    setup_python();
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
    static struct fp_runtime lost = {.facts = {"", "/home/me/app.py", "", "", ""},
                                     .names = "Thread-1",
                                     .started = "",
                                     .threads = 1};
    hang.lost = &lost;
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

static void fill_stacks(size_t count)
{
    hang.python_count = count < 24 ? count : 24;
    hang.native_count = count;
    for (size_t i = 0; i < hang.python_count; i++)
        python[i] = (struct fp_python_frame){"/app/deep.py", "f", (int)i};
    for (size_t i = 0; i < hang.native_count; i++)
        native[i] = (struct fp_native_frame){"/lib/deep.so", "g", i};
}

Test(hang_message, twelve_frames_of_each_stack_are_enough)
{
    fill_stacks(32);
    message();
    expect("/app/deep.py:0 in f\n");
    expect("/app/deep.py:11 in f\n");
    expect_absent("/app/deep.py:12 in f\n");
    expect("/lib/deep.so g+0x0\n");
    expect("/lib/deep.so g+0xb\n");
    expect_absent("/lib/deep.so g+0xc\n");
    expect("/app/deep.py:11 in f\nforkpolicy:           ...\nforkpolicy:   native");
    expect("/lib/deep.so g+0xb\nforkpolicy:           ...\n");
    fill_stacks(12);
    message();
    expect_absent("...");
}

Test(hang_message, every_line_keeps_its_prefix_at_every_size_not_only_where_it_fits)
{
    fill_stacks(32);
    for (size_t size = 1; size < 3000; size++)
        check_lines(size);
    setup_python();
    for (size_t size = 1; size < 1500; size++)
        check_lines(size);
}

Test(hang_message, what_does_not_fit_is_cut_behind_a_whole_line_and_that_line_is_kept)
{
    static char whole[8192];
    strcpy(whole, message());
    size_t kept = 0; /* whole lines that fit, each with the byte that ends the text */
    for (size_t size = 13; size <= strlen(whole) + 1; size++) {
        if (whole[size - 2] == '\n')
            kept = size - 1;
        check_lines(size);
        if (kept)
            cr_assert(strlen(buffer) == kept && strncmp(buffer, whole, kept) == 0,
                      "size %zu: %zu bytes, not %zu", size, strlen(buffer), kept);
    }
    cr_expect_eq(kept, strlen(whole));
}

static bool valid_utf8(const char *at)
{
    while (*at) {
        unsigned char c = (unsigned char)*at++;
        if (c >= 0x80 && (c < 0xc2 || c > 0xf4))
            return false;
        for (int more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1; more; more--)
            if (((unsigned char)*at++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static const char EVIL[] = "a\nforged\033[31m\r\xff/b.so";

/* Every string that comes from outside, one at a time and then all of them. */
static void poison(int field, const char *evil)
{
    const char **const FIELDS[] = {
        &hang.program,     &hang.waiting.dso,    &hang.waiting.package, &hang.waiting.version,
        &hang.at.user,     &hang.at.library,     &hang.at.called,       &hang.at.innermost,
        &hang.at.function, &lost.facts.dso,      &lost.facts.package,   &lost.facts.version,
        &lost.started,     &lost.names,          &fork_site.user,       &fork_site.library,
        &fork_site.called, &fork_site.innermost, &fork_site.function,   &fork_site.dso,
        &native[0].dso,    &native[0].symbol};
    enum { COUNT = sizeof FIELDS / sizeof *FIELDS };
    setup();
    for (int i = 0; i < COUNT; i++)
        if (i == field || field >= COUNT)
            *FIELDS[i] = evil;
    if (field >= COUNT) {
        snprintf(python[0].file, sizeof python[0].file, "%.200s", evil);
        snprintf(python[0].function, sizeof python[0].function, "%.60s", evil);
    }
    if (field == COUNT + 1)
        lost.identity.known = NULL;
    if (field == COUNT + 2)
        hang.waiting.package = "";
}

enum { POISONS = 25 };

Test(hang_message, no_fact_can_break_a_line_or_colour_a_terminal)
{
    for (int field = 0; field < POISONS; field++) {
        poison(field, EVIL);
        message();
        cr_assert(valid_utf8(buffer), "field %d: %s", field, buffer);
        error(1024);
        cr_assert(!strpbrk(buffer, "\n\r\033") && valid_utf8(buffer), "field %d: %s", field,
                  buffer);
    }
}

Test(hang_message, paths_of_any_length_stay_lines)
{
    memset(path, 'p', sizeof path - 1);
    for (int field = 0; field < POISONS; field++) {
        poison(field, path);
        for (size_t size = 100; size < 40000; size = size * 3 / 2)
            check_lines(size);
        cr_assert_lt(strlen(message()), 8000, "quotes are bounded, so that the rest has room");
    }
}

Test(hang_message, the_exceptions_text)
{
    cr_expect_str_eq(
        error(1024),
        "this child process can never go on: it waits for deltalake 0.18.2, whose 4 tokio threads"
        " (tokio-runtime-w) stayed in the parent at the fork (/app/train.py:10 in main, through"
        " multiprocessing/context.py:281); it is the only thread, and nobody else can wake it."
        " Instead: multiprocessing.set_start_method(\"forkserver\") or \"spawn\" at the start of"
        " main; or pip install \"deltalake>=0.19\"; or open it later");
    setup_python();
    hang.opinion.reason = FP_REASON_ASLEEP;
    fork_site = NO_SITE;
    cr_expect_str_eq(
        error(1024),
        "this child process can never go on: it waits for pool (python 3.11.2), whose 1 Python"
        " thread stayed in the parent; every other thread is blocked for ever as well. Instead: "
        "fork before"
        " the library is first used, or start a new program with subprocess");
    hang.lost = NULL;
    cr_expect_str_eq(error(1024), "this child process can never go on: a deadlock; 1 thread stayed "
                                  "in the parent; every other thread is blocked for ever as well. "
                                  "Instead: fork before the library is first used, or start a"
                                  " new program with subprocess");
    hang.fork.lost_threads = 2;
    error(1024);
    expect("a deadlock; 2 threads stayed in the parent;");
}

Test(hang_message, the_exceptions_text_is_valid_utf8_at_every_size)
{
    lost.names = "caf\xc3\xa9-\xe2\x82\xac-\xf0\x9f\x98\x80-\xe2\x82\xac\xe2\x82\xac";
    for (size_t size = 1; size < 600; size++)
        cr_assert(valid_utf8(error(size)) && !strchr(buffer, '\n'), "size %zu: %s", size, buffer);
}

static const char *use(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    memset(buffer, 'C', size + 16);
    fp_message_use(&text, 77, "python3 train.py", &lost, "pthread_cond_signal", &hang.fork);
    cr_assert_eq(strlen(buffer), text.length);
    for (const char *line = buffer; size > 12 && *line; line = strchr(line, '\n') + 1)
        cr_assert(strncmp(line, "forkpolicy:", 11) == 0 && strchr(line, '\n'), "size %zu: %s", size,
                  line);
    return buffer;
}

Test(hang_message, a_use)
{
    cr_expect_str_eq(
        use(2048),
        "forkpolicy: pid 77 (python3 train.py) uses deltalake 0.18.2, whose 4 tokio threads"
        " (tokio-runtime-w) were lost in the fork (pthread_cond_signal)\n"
        "forkpolicy:   fork    /app/train.py:10 in main, through multiprocessing/context.py:281;"
        " 61 s ago by pid 76\n"
        "forkpolicy:   do      pip install \"deltalake>=0.19\"\n"
        "forkpolicy:   or      open it later\n");
    lost.identity.known = NULL;
    use(2048);
    expect_absent("  do ");
}

Test(hang_message, a_use_of_one_thread_that_was_lost_not_were)
{
    lost.threads = 1;
    use(2048);
    expect(", whose 1 tokio thread (tokio-runtime-w) was lost in the fork (");
    lost.threads = 2;
    use(2048);
    expect(", whose 2 tokio threads (tokio-runtime-w) were lost in the fork (");
    lost.threads = 0;
    use(2048);
    expect(", whose 0 tokio threads (tokio-runtime-w) were lost in the fork (");
}

/* But for the label and the blanks behind it. */
static void check_blanks(void)
{
    for (const char *line = buffer; *line; line = strchr(line, '\n') + 1) {
        const char *at = line + (strncmp(line + 11, "   ", 3) == 0 ? 22 : 0);
        for (const char *end = strchr(line, '\n'); at < end; at++)
            cr_assert(*at != ' ' || (at[1] != ' ' && at[1] != '\n'), "%s", line);
    }
}

Test(hang_message, no_line_has_two_blanks_in_a_row_or_one_at_its_end)
{
    for (int variant = 0; variant < 64; variant++)
        for (int reason = FP_REASON_NONE + 1; reason <= FP_REASON_OUTSIDE; reason++)
            for (int cause = 0; cause <= FP_CAUSE_UNKNOWN; cause++) {
                setup();
                hang.opinion.reason = (enum fp_reason)reason;
                hang.cause = cause == FP_CAUSE_UNKNOWN ? FP_CAUSE_ONLY : (enum fp_cause)cause;
                hang.interruptible = variant & 1;
                if (variant & 2)
                    lost.identity.known = NULL;
                if (variant & 4)
                    lost.facts.package = lost.facts.version = "";
                if (variant & 8)
                    lost.names = lost.started = "";
                if (variant & 16)
                    hang.waiting.package = hang.waiting.version = hang.waiting.dso = "";
                if (variant & 32)
                    hang.at = fork_site = NO_SITE;
                message();
                check_blanks();
                use(2048);
                check_blanks();
            }
}

Test(hang_message, a_use_keeps_whole_lines_at_every_size)
{
    for (size_t size = 1; size < 600; size++)
        use(size);
}
