/*
 * Records of hangs, uses and resets: one line of valid JSON within 4,096 bytes, whatever went in.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "policy/hang_event.h"
#include "policy/policy_text.h"
#include "policy/reset_event.h"
#include "tests/unit/support/json.h"

#include <stdio.h>
#include <string.h>

enum { NATIVE = 32, PYTHON = 24, LONG = 5000 };

static const struct fp_event_header HEADER = {.event = "hang",
                                              .seconds = 1700000000,
                                              .nanoseconds = 1234567,
                                              .pid = 7,
                                              .parent = 6,
                                              .host = "node1"};
static const struct fp_site NO_SITE = {"", "", "", "", "", "", ""};

static char buffer[FP_EVENT_MAX + 64], path[LONG + 1];
static struct fp_text text;
static struct fp_policy_file table;
static struct fp_native_frame native[NATIVE];
static struct fp_python_frame python[PYTHON];
static struct fp_runtime lost;
static struct fp_site fork_site;
static struct fp_hang hang;

static void setup(void)
{
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&table, "t",
                         fp_slice_of("runtime one\n dso x\n class lost\n kind tokio\n"
                                     " advice say \"a\"\n advice b\n source s#1\n"),
                         &problem);
    lost = (struct fp_runtime){
        .facts = {.dso = "/p/one.so", .file = "", .thread = "", .package = "one", .version = "1.2"},
        .identity = {.source = &table.view, .known = &table.known[0], .asked = FP_ACTION_FAIL},
        .threads = 4,
        .handlers = FP_HANDLER_CHILD,
        .started = "/app/train.py:3",
        .names = "worker-0, worker-1"};
    fork_site = (struct fp_site){.user = "/app/train.py:10",
                                 .library = "/p/torch/dataloader.py:11",
                                 .called = "/p/torch/dataloader.py:12",
                                 .innermost = "/lib/python3.11/os.py:13",
                                 .function = "main",
                                 .dso = "/lib/libpython.so"};
    python[0] = (struct fp_python_frame){"/p/one/table.py", "count_rows", 99};
    python[1] = (struct fp_python_frame){"/app/train.py", "work", 20};
    native[0] = (struct fp_native_frame){"/p/one.so", "", 4096};
    native[1] = (struct fp_native_frame){"/lib/libc.so.6", "start_thread", 17};
    hang = (struct fp_hang){.program = "python3 train.py",
                            .pid = 7,
                            .tid = 8,
                            .opinion = {FP_GRADE_PROVEN, FP_REASON_ALONE},
                            .outcome = FP_OUTCOME_EXITED,
                            .wait = FP_WAIT_FUTEX,
                            .waiting = {.dso = "/p/one.so",
                                        .file = "",
                                        .thread = "",
                                        .package = "one",
                                        .version = "1.2"},
                            .at = {.user = "/app/train.py:20",
                                   .library = "/p/one/table.py:99",
                                   .called = "",
                                   .innermost = "",
                                   .function = "work",
                                   .dso = "/p/one.so"},
                            .milliseconds = 312,
                            .threads = 1,
                            .lost = &lost,
                            .judgement = {FP_CLASS_LOST, FP_ACTION_FAIL, FP_SPEECH_SILENT},
                            .cause = FP_CAUSE_LIBRARY,
                            .fork = {.call = "fork",
                                     .origin = FP_ORIGIN_PYTHON,
                                     .site = &fork_site,
                                     .parent = 6,
                                     .lost_threads = 5,
                                     .milliseconds = 61005},
                            .native = native,
                            .native_count = 2,
                            .python = python,
                            .python_count = 2};
}

static void check_record(void)
{
    cr_assert_leq(text.length, FP_EVENT_MAX);
    cr_assert_eq(strlen(buffer), text.length);
    cr_assert(is_record(buffer), "%s", buffer);
    for (size_t i = FP_EVENT_MAX + 1; i < sizeof buffer; i++)
        cr_assert_eq(buffer[i], 'C');
}

static void begin(void)
{
    memset(buffer, 'C', sizeof buffer);
    text = (struct fp_text){.data = buffer, .size = FP_EVENT_MAX + 1};
}

static void record(void)
{
    begin();
    fp_event_hang(&text, &HEADER, &hang);
    check_record();
}

static void expect(const char *part)
{
    cr_expect(strstr(buffer, part), "%s in %s", part, buffer);
}

TestSuite(hang_event, .init = setup);

#define HEAD "\"time\":1700000000.001234,\"pid\":7,\"ppid\":6,\"host\":\"node1\",\"rank\":null"
#define LOST_MEMBERS                                                                               \
    "\"threads\":4,\"name\":\"one\",\"package\":\"one\",\"version\":\"1.2\",\"dso\":\"/p/one.so\"" \
    ",\"kind\":\"tokio\",\"class\":\"lost\",\"action\":\"fail\",\"asked\":\"fail\""                \
    ",\"names\":\"worker-0, worker-1\",\"started\":\"/app/train.py:3\",\"handlers\":[\"child\"]"
#define ADVICE ",\"advice\":[\"say \\\"a\\\"\",\"b\"],\"source\":\"s#1\""
#define FORK                                                                                     \
    ",\"fork\":{\"seconds\":61.005,\"call\":\"fork\",\"origin\":\"python\",\"parent\":6,\"lost_" \
    "threads\":5,\"site\":"                                                                      \
    "{\"dso\":\"/lib/libpython.so\",\"function\":\"main\""                                       \
    ",\"user\":{\"file\":\"/app/train.py\",\"line\":10}"                                         \
    ",\"called\":{\"file\":\"/p/torch/dataloader.py\",\"line\":12}"                              \
    ",\"library\":{\"file\":\"/p/torch/dataloader.py\",\"line\":11}"                             \
    ",\"innermost\":{\"file\":\"/lib/python3.11/os.py\",\"line\":13}}}"

Test(hang_event, a_hang_in_full)
{
    record();
    cr_expect_str_eq(
        buffer,
        "{\"v\":1,\"event\":\"hang\"," HEAD
        ",\"verdict\":\"proven\",\"reason\":\"alone\",\"outcome\":\"exited\",\"threads\":1,"
        "\"interruptible\":false,\"answered\":false"
        ",\"cause\":\"library\",\"lost\":{" LOST_MEMBERS ADVICE "}" FORK
        ",\"waiting\":{\"seconds\":0.312,\"call\":\"syscall(futex)\",\"dso\":\"/p/one.so\""
        ",\"package\":\"one\",\"version\":\"1.2\",\"tid\":8,\"site\":{\"dso\":\"/p/one.so\""
        ",\"function\":\"work\",\"user\":{\"file\":\"/app/train.py\",\"line\":20},\"called\":null"
        ",\"library\":{\"file\":\"/p/one/table.py\",\"line\":99},\"innermost\":null}}"
        ",\"python_stack\":[{\"line\":99,\"file\":\"/p/one/table.py\",\"function\":\"count_rows\"}"
        ",{\"line\":20,\"file\":\"/app/train.py\",\"function\":\"work\"}]"
        ",\"native_stack\":[{\"offset\":4096,\"dso\":\"/p/one.so\",\"symbol\":null}"
        ",{\"offset\":17,\"dso\":\"/lib/libc.so.6\",\"symbol\":\"start_thread\"}]}\n");
}

Test(hang_event, a_deadlock_that_no_lost_runtime_explains)
{
    hang.lost = NULL;
    hang.cause = FP_CAUSE_UNKNOWN;
    hang.outcome = FP_OUTCOME_WAITS;
    hang.waiting = (struct fp_facts){"/app/prog", "", "", "", ""};
    hang.at = NO_SITE;
    hang.at.dso = "/app/prog";
    hang.fork.call = "";
    fork_site = NO_SITE;
    hang.python_count = hang.native_count = 0;
    record();
    cr_expect_str_eq(
        buffer,
        "{\"v\":1,\"event\":\"hang\"," HEAD
        ",\"verdict\":\"proven\",\"reason\":\"alone\",\"outcome\":\"waits\",\"threads\":1,"
        "\"interruptible\":false,\"answered\":false"
        ",\"cause\":\"unknown\",\"lost\":null"
        ",\"fork\":{\"seconds\":61.005,\"call\":null,\"origin\":\"python\",\"parent\":6,\"lost_"
        "threads\":5,\"site\":"
        "{\"dso\":\"\",\"function\":null,\"user\":null,\"called\":null,\"library\":null"
        ",\"innermost\":null}}"
        ",\"waiting\":{\"seconds\":0.312,\"call\":\"syscall(futex)\",\"dso\":\"/app/prog\""
        ",\"package\":null,\"version\":null,\"tid\":8,\"site\":{\"dso\":\"/app/prog\""
        ",\"function\":null,\"user\":null,\"called\":null,\"library\":null,\"innermost\":null}}"
        ",\"python_stack\":[],\"native_stack\":[]}\n");
}

Test(hang_event, every_word_of_a_verdict)
{
    static const char *const REASONS[] = {"none",  "alone",   "asleep", "helpers", "owner",
                                          "team",  "handler", "timer",  "signal",  "parked",
                                          "timed", "company", "outside"};
    static const char *const OUTCOMES[] = {"waits", "raised", "exited", "again", "aborted", "grace"};
    char want[64];
    for (int reason = 0; reason <= FP_REASON_OUTSIDE; reason++) {
        hang.opinion.reason = (enum fp_reason)reason;
        record();
        snprintf(want, sizeof want, ",\"reason\":\"%s\",", REASONS[reason]);
        expect(want);
    }
    for (int outcome = 0; outcome < FP_OUTCOME_COUNT; outcome++) {
        hang.outcome = (enum fp_outcome)outcome;
        cr_expect_str_eq(fp_outcome_name(hang.outcome), OUTCOMES[outcome]);
        record();
        snprintf(want, sizeof want, ",\"outcome\":\"%s\",", OUTCOMES[outcome]);
        expect(want);
    }
    for (int grade = 0; grade <= FP_GRADE_PROVEN; grade++) {
        hang.opinion.grade = (enum fp_grade)grade;
        record();
        snprintf(want, sizeof want, ",\"verdict\":\"%s\",", fp_grade_name(hang.opinion.grade));
        expect(want);
    }
    for (int cause = 0; cause <= FP_CAUSE_UNKNOWN; cause++) {
        hang.cause = (enum fp_cause)cause;
        record();
        snprintf(want, sizeof want, ",\"cause\":\"%s\",", fp_cause_name(hang.cause));
        expect(want);
    }
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++) {
        hang.wait = (enum fp_wait)wait;
        record();
        snprintf(want, sizeof want, ",\"call\":\"%s\",", fp_wait_name(hang.wait));
        expect(want);
    }
}

Test(hang_event, seconds_have_three_places_not_as_many_as_there_are_digits)
{
    static const struct {
        unsigned long milliseconds;
        const char *want;
    } CASES[] = {{0, "0.000"},   {7, "0.007"},    {70, "0.070"},
                 {999, "0.999"}, {1000, "1.000"}, {86400001, "86400.001"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char want[64];
        hang.milliseconds = CASES[i].milliseconds;
        record();
        snprintf(want, sizeof want, ",\"waiting\":{\"seconds\":%s,", CASES[i].want);
        expect(want);
    }
}

/* What a name from outside may hold, `length` bytes of it. */
enum { KINDS = 6 };

static const char *fill_path(int kind, size_t length)
{
    static const char *const PATTERNS[KINDS] = {
        "p", "\xff", "\x01", "\"", "\\", "\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9"};
    const char *pattern = PATTERNS[kind];
    size_t period = strlen(pattern);
    for (size_t i = 0; i < length; i++)
        path[i] = pattern[i % period];
    path[length] = '\0';
    return path;
}

/* Deep stacks; lines and offsets are numbered, so that it shows which of them were kept. */
static void fill_stacks(size_t python_count, size_t native_count)
{
    hang.python_count = python_count;
    hang.native_count = native_count;
    for (int i = 0; i < PYTHON; i++) {
        python[i] = (struct fp_python_frame){.line = 1000 + i};
        memcpy(python[i].file, path, strnlen(path, sizeof python[i].file - 1));
        memcpy(python[i].function, path, strnlen(path, sizeof python[i].function - 1));
    }
    for (size_t i = 0; i < NATIVE; i++)
        native[i] = (struct fp_native_frame){path, path, 2000 + i};
}

/* How many frames are in the record: all of them from `first` on, in order. */
static size_t frames_kept(const char *key, const char *number, unsigned first)
{
    size_t kept = 0;
    const char *at = strstr(buffer, key);
    cr_assert(at, "%s in %s", key, buffer);
    const char *end = strstr(at, "],\"native_stack\":");
    for (at = strstr(at, number); at && (!end || at < end); at = strstr(at, number)) {
        unsigned found;
        cr_assert_eq(sscanf(at + strlen(number), "%u", &found), 1);
        cr_assert_eq(found, first + kept++, "the innermost are kept: %s", buffer);
        at++;
    }
    return kept;
}

Test(hang_event, deep_stacks_are_cut_at_their_ends_and_each_keeps_some, .timeout = 60)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 1; length < 300; length += 3) {
            fill_path(kind, length);
            fill_stacks(PYTHON, NATIVE);
            record();
            size_t in_python = frames_kept("\"python_stack\":[", "{\"line\":", 1000);
            size_t in_native = frames_kept("\"native_stack\":[", "{\"offset\":", 2000);
            bool is_plain = kind == 0 || kind == KINDS - 1;
            cr_assert(in_python >= 1 || !is_plain, "length %zu", length);
            cr_assert(in_native >= 1 || !is_plain, "length %zu", length);
        }
}

Test(hang_event, what_fits_is_not_cut)
{
    fill_path(0, 3);
    fill_stacks(PYTHON, 20);
    record();
    cr_expect_eq(frames_kept("\"python_stack\":[", "{\"line\":", 1000), PYTHON);
    cr_expect_eq(frames_kept("\"native_stack\":[", "{\"offset\":", 2000), 20);
    cr_expect_gt(text.length, 2500);
}

Test(hang_event, a_record_is_as_full_as_it_can_be_with_stacks_that_do_not_fit)
{
    fill_path(0, 20);
    fill_stacks(PYTHON, NATIVE);
    record();
    cr_expect_lt(frames_kept("\"native_stack\":[", "{\"offset\":", 2000), NATIVE);
    cr_expect_gt(text.length, FP_EVENT_MAX - 200);
}

Test(hang_event, any_length_of_any_path_is_one_valid_record, .timeout = 60)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 0; length <= LONG; length += length < 1200 ? 13 : 271)
            for (int field = 0; field < 5; field++) {
                setup();
                fill_path(kind, length);
                if (field == 0)
                    fork_site.user = fork_site.dso = path;
                else if (field == 1)
                    hang.at.user = hang.at.library = hang.at.function = path;
                else if (field == 2)
                    hang.waiting.dso = hang.waiting.package = hang.waiting.version = path;
                else if (field == 3)
                    hang.fork.call = path;
                if (field == 4 || length % 2)
                    fill_stacks(PYTHON, NATIVE);
                record();
                cr_assert(strstr(buffer, ",\"lost\":{" LOST_MEMBERS), "what counts most is kept");
            }
}

/* First the stacks give way, then the lines between, then both places; never what comes before. */
Test(hang_event, every_length_around_one_that_no_longer_fits_is_one_valid_record, .timeout = 60)
{
    for (int with_stacks = 0; with_stacks < 2; with_stacks++) {
        int given_up = 0;
        bool shortened = false;
        for (size_t length = 1000; length < 4000; length++) {
            setup();
            fork_site.user = fill_path(0, length);
            if (with_stacks)
                fill_stacks(PYTHON, NATIVE);
            else
                hang.python_count = hang.native_count = 0;
            record();
            bool has_site = strstr(buffer, ",\"user\":{\"file\":\"ppp") != NULL;
            bool has_between = strstr(buffer, ",\"called\":{\"file\":\"/p/torch/") != NULL;
            bool has_waiting = strstr(buffer, ",\"waiting\":{\"seconds\":0.312") != NULL;
            int now = has_between && has_site && has_waiting ? 0 : has_site && has_waiting ? 1 : 2;
            cr_assert(now != 2 || strstr(buffer, ",\"fork\":null,\"waiting\":null,\"python_stack"));
            cr_assert(now >= given_up, "length %zu", length);
            given_up = now;
            shortened |= now == 1;
            cr_assert(length > 2000 || now == 0, "length %zu", length);
        }
        cr_expect_eq(given_up, 2);
        cr_expect(shortened);
    }
}

Test(hang_event, lines_between_that_are_too_long_do_not_cost_the_users_lines)
{
    fork_site.called = fill_path(0, LONG);
    record();
    expect(",\"site\":{\"dso\":\"\",\"function\":\"main\""
           ",\"user\":{\"file\":\"/app/train.py\",\"line\":10},\"called\":null");
    expect(",\"site\":{\"dso\":\"\",\"function\":\"work\""
           ",\"user\":{\"file\":\"/app/train.py\",\"line\":20},\"called\":null");
    expect(",\"python_stack\":[{\"line\":99,");
    expect(",\"native_stack\":[{\"offset\":4096,");
}

Test(hang_event, a_shortened_site_keeps_one_line_in_its_own_field)
{
#define U "{\"file\":\"/u.py\",\"line\":1}"
#define L "{\"file\":\"/l.py\",\"line\":2}"
#define I "{\"file\":\"/i.py\",\"line\":3}"
    static const struct {
        const char *user, *library, *innermost, *want;
    } CASES[] = {
        {"/u.py:1", "/l.py:2", "/i.py:3", U ",\"called\":null,\"library\":null,\"innermost\":null"},
        {"", "/l.py:2", "/i.py:3", "null,\"called\":null,\"library\":" L ",\"innermost\":null"},
        {"", "", "/i.py:3", "null,\"called\":null,\"library\":null,\"innermost\":" I},
        {"", "", "", "null,\"called\":null,\"library\":null,\"innermost\":null"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char want[256];
        hang.at = fork_site = (struct fp_site){.user = CASES[i].user,
                                               .library = CASES[i].library,
                                               .called = fill_path(0, LONG),
                                               .innermost = CASES[i].innermost,
                                               .function = "main",
                                               .dso = "/x.so"};
        record();
        snprintf(want, sizeof want, ",\"site\":{\"dso\":\"\",\"function\":\"main\",\"user\":%s}}",
                 CASES[i].want);
        const char *first = strstr(buffer, want);
        cr_assert(first && strstr(first + 1, want), "%s twice in %s", want, buffer);
    }
}

Test(hang_event, a_frame_that_is_too_long_ends_its_stack_not_only_itself)
{
    fill_path(0, 5);
    fill_stacks(PYTHON, NATIVE);
    fill_path(0, LONG);
    for (size_t i = 0; i < NATIVE; i++)
        native[i].dso = native[i].symbol = i == 3 ? path : "g";
    record();
    cr_expect_eq(frames_kept("\"native_stack\":[", "{\"offset\":", 2000), 3);
}

Test(hang_event, host_and_rank_are_shortened)
{
    struct fp_event_header header = HEADER;
    for (int kind = 0; kind < KINDS; kind++) {
        header.host = header.rank = fill_path(kind, LONG);
        begin();
        fp_event_hang(&text, &header, &hang);
        check_record();
        expect(",\"python_stack\":[{\"line\":99,");
    }
}

Test(hang_event, quotes_control_bytes_and_what_is_no_utf8_are_escaped)
{
    lost.facts.package = "a\"b\\c";
    hang.waiting.package = "x\ny\x7f";
    hang.at.function = "caf\xc3\xa9\xff\xc3";
    snprintf(python[0].function, sizeof python[0].function, "<lambda>\t\"");
    native[1].symbol = "\xed\xa0\x80";
    record();
    expect("\"package\":\"a\\\"b\\\\c\"");
    expect("\"package\":\"x\\u000ay\\u007f\"");
    expect("\"function\":\"caf\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
    expect("\"function\":\"<lambda>\\u0009\\\"\"");
    expect("\"symbol\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* The end of a path that was cut inside a character. */
Test(hang_event, half_a_character_at_either_end_of_a_file_is_valid_all_the_same)
{
    snprintf(python[0].file, sizeof python[0].file, "\x82\xac/train.py");
    snprintf(python[1].file, sizeof python[1].file, "/train\xe2\x82");
    record();
    expect("\"file\":\"\xef\xbf\xbd\xef\xbf\xbd/train.py\"");
    expect("\"file\":\"/train\xef\xbf\xbd\xef\xbf\xbd\"");
}

static const struct fp_judgement RESET = {FP_CLASS_RESET, FP_ACTION_WARN, FP_SPEECH_SILENT};

static void record_use(const struct fp_judgement *judgement)
{
    struct fp_event_header header = HEADER;
    header.event = "use";
    begin();
    fp_event_use(&text, &header, &lost, judgement, "pthread_cond_signal", &hang.fork);
    check_record();
}

Test(hang_event, a_use_in_full)
{
    lost.identity = (struct fp_identity){.asked = FP_ACTION_WARN};
    record_use(&RESET);
    cr_expect_str_eq(buffer,
                     "{\"v\":1,\"event\":\"use\"," HEAD ",\"call\":\"pthread_cond_signal\""
                     ",\"runtime\":{\"threads\":4,\"name\":null,\"package\":\"one\""
                     ",\"version\":\"1.2\",\"dso\":\"/p/one.so\",\"kind\":null,\"class\":\"reset\""
                     ",\"action\":\"warn\",\"asked\":\"warn\",\"names\":\"worker-0, worker-1\""
                     ",\"started\":\"/app/train.py:3\",\"handlers\":[\"child\"],\"advice\":[]}" FORK
                     "}\n");
}

static size_t occurrences(const char *part)
{
    size_t count = 0;
    for (const char *at = buffer; (at = strstr(at, part)); at++)
        count++;
    return count;
}

Test(hang_event, the_advice_stands_once_in_the_runtime_whatever_the_fork_told)
{
    for (int speech = FP_SPEECH_SILENT; speech <= FP_SPEECH_TELL; speech++) {
        hang.judgement.speech = (enum fp_speech)speech;
        record();
        expect(",\"lost\":{" LOST_MEMBERS ADVICE "},");
        cr_expect_eq(occurrences("\"advice\":"), 1);
        cr_expect_eq(occurrences("\"source\":"), 1);
        record_use(&(struct fp_judgement){FP_CLASS_LOST, FP_ACTION_WARN, (enum fp_speech)speech});
        expect(",\"handlers\":[\"child\"]" ADVICE "},\"fork\":{");
        cr_expect_eq(occurrences("\"advice\":"), 1);
        cr_expect_eq(occurrences("\"source\":"), 1);
    }
}

Test(hang_event, a_use_with_any_length_of_path_is_one_valid_record, .timeout = 60)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 0; length <= LONG; length += 7) {
            fork_site.user = fill_path(kind, length);
            record_use(&RESET);
            bool kept = strstr(buffer, "\"line\":13}}}}\n") != NULL;
            bool dropped = strstr(buffer, ADVICE "},\"fork\":null}\n") != NULL;
            cr_assert_neq(kept, dropped, "length %zu: %s", length, buffer);
        }
}

/* The runtime's advice, `path`, stands in the table itself. */
static void set_advice(void)
{
    static char policy[LONG + 200];
    struct fp_problem problem = {.count = 0};
    snprintf(policy, sizeof policy, "runtime one\n dso x\n class lost\n kind k\n advice a%s\n",
             path);
    fp_policy_file_parse(&table, "t", fp_slice_of(policy), &problem);
    cr_assert_eq(problem.count, 0, "%s", problem.message);
}

enum { RUNTIME_FIELDS = 7 };

static void set_runtime_field(int field)
{
    const char **const FIELDS[] = {&lost.facts.dso, &lost.facts.package, &lost.facts.version,
                                   &lost.names, &lost.started};
    enum { COUNT = sizeof FIELDS / sizeof *FIELDS };
    setup();
    for (int i = 0; i < COUNT; i++)
        if (i == field || field > COUNT)
            *FIELDS[i] = path;
    if (field >= COUNT)
        set_advice();
}

/* Told in full or in brief, never cut inside, and the fork's site has room behind it. */
static void check_runtime(const char *key)
{
    char start[64];
    snprintf(start, sizeof start, ",\"%s\":{\"threads\":4,\"name\":\"one\",\"package\":", key);
    expect(start);
    expect(",\"class\":\"lost\",\"action\":\"fail\"");
    bool full = strstr(buffer, ",\"handlers\":[\"child\"],\"advice\":[") != NULL;
    bool brief = strstr(buffer, ",\"class\":\"lost\",\"action\":\"fail\"},\"fork\":{") != NULL;
    cr_assert_neq(full, brief, "%s", buffer);
    expect("\"user\":{\"file\":\"/app/train.py\",\"line\":10}");
}

Test(hang_event, a_runtime_of_any_length_is_told_in_full_or_in_brief, .timeout = 60)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 1; length <= LONG; length += length < 2000 ? 37 : 271)
            for (int field = 0; field < RUNTIME_FIELDS; field++) {
                fill_path(kind, length);
                set_runtime_field(field);
                if (length % 2)
                    fill_stacks(PYTHON, NATIVE);
                record();
                check_runtime("lost");
                record_use(&hang.judgement);
                check_runtime("runtime");
            }
}

Test(hang_event, a_brief_runtime_keeps_its_names_and_the_end_of_its_path)
{
    fill_path(0, 2000);
    memcpy(path + 2000 - 12, "/libone.so.7", 12);
    lost.facts.dso = path;
    record();
    char want[600];
    snprintf(want, sizeof want,
             ",\"lost\":{\"threads\":4,\"name\":\"one\",\"package\":\"one\",\"version\":\"1.2\""
             ",\"dso\":\"%.96s\",\"class\":\"lost\",\"action\":\"fail\"}" FORK,
             path + 2000 - 96);
    expect(want);
}

Test(hang_event, everything_too_long_at_once_is_one_valid_record)
{
    struct fp_event_header header = HEADER;
    for (int kind = 0; kind < KINDS; kind++) {
        fill_path(kind, LONG);
        set_runtime_field(RUNTIME_FIELDS - 1);
        fill_stacks(PYTHON, NATIVE);
        header.host = header.rank = path;
        fork_site = (struct fp_site){path, path, path, path, path, path, ""};
        hang.at = fork_site;
        hang.waiting = lost.facts;
        begin();
        fp_event_hang(&text, &header, &hang);
        check_record();
        expect(",\"fork\":null,\"waiting\":null,\"python_stack\":[");
        begin();
        fp_event_use(&text, &header, &lost, &hang.judgement, "pthread_cond_signal", &hang.fork);
        check_record();
        expect(",\"fork\":null}\n");
        begin();
        fp_event_reset(&text, &header, &lost, fp_slice_of("f"), 1234, "did not return 0");
        check_record();
    }
}

static void record_reset(const char *function, const char *wrong)
{
    struct fp_event_header header = HEADER;
    header.event = "reset";
    begin();
    fp_event_reset(&text, &header, &lost, fp_slice_of(function), 1234, wrong);
    check_record();
}

Test(hang_event, a_reset_in_full)
{
    record_reset("omp_pause_resource_all", "");
    cr_expect_str_eq(buffer, "{\"v\":1,\"event\":\"reset\"," HEAD
                             ",\"name\":\"one\",\"package\":\"one\",\"version\":\"1.2\""
                             ",\"function\":\"omp_pause_resource_all\",\"error\":null"
                             ",\"microseconds\":1234,\"dso\":\"/p/one.so\"}\n");
    lost.identity.known = NULL;
    lost.facts.package = lost.facts.version = "";
    record_reset("f", "did not return 0");
    expect(",\"name\":null,\"package\":null,\"version\":null,\"function\":\"f\""
           ",\"error\":\"did not return 0\",");
}

Test(hang_event, a_reset_of_any_length_of_path_is_one_valid_record)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 0; length <= LONG; length += 7) {
            lost.facts.dso = fill_path(kind, length);
            record_reset("omp_pause_resource_all", "did not return 0");
        }
}
