/*
 * Records: one line of valid JSON within 4,096 bytes, whatever went in.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "policy/event.h"
#include "policy/policy_text.h"
#include "tests/unit/support/json.h"

#include <stdio.h>
#include <string.h>

static void check_record(const struct fp_text *text)
{
    cr_assert_leq(text->length, FP_EVENT_MAX);
    cr_assert_eq(strlen(text->data), text->length);
    cr_assert(is_record(text->data), "%s", text->data);
    cr_assert_eq(strncmp(text->data, "{\"v\":1,\"event\":\"", 16), 0);
}

Test(event, the_validator_itself_refuses_what_is_not_json)
{
    static const char *const BAD[] = {"",
                                      "{}",
                                      "[]\n",
                                      "{\"a\":}\n",
                                      "{\"a\":01}\n",
                                      "{\"a\":1,}\n",
                                      "{a:1}\n",
                                      "{\"a\":\"\xff\"}\n",
                                      "{\"a\":\"\\x\"}\n",
                                      "{\"a\":1}\n\n",
                                      "{\"a\":\"\n\"}\n",
                                      "{\"a\":1.}\n",
                                      "{\"a\":[1 2]}\n",
                                      "{\"a\":\"\\u00g0\"}\n",
                                      "{\"a\":1\n"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_assert(!is_record(BAD[i]), "%s", BAD[i]);
    cr_assert(is_record("{\"a\":[1,{\"b\":null},-0.5],\"c\":\"\\u00ff\xc3\xa9\"}\n"));
}

static char long_path[5001], wild_path[5001], control_path[5001];
static char buffer[FP_EVENT_MAX + 64];
static struct fp_snapshot snapshot;
static struct fp_verdict verdict;

static const struct fp_event_header HEADER = {.event = "fork",
                                              .seconds = 1700000000,
                                              .nanoseconds = 1234567,
                                              .pid = 7,
                                              .parent = 6,
                                              .host = "node1"};

static struct fp_text record(void)
{
    memset(long_path, 'p', 5000);
    memset(wild_path, '\xff', 5000);
    memset(control_path, '\x01', 5000);
    memset(buffer, 'C', sizeof buffer);
    return (struct fp_text){.data = buffer, .size = FP_EVENT_MAX + 1};
}

static void fill(size_t count, const char *path)
{
    memset(&snapshot, 0, sizeof snapshot);
    snapshot.call = "fork";
    snapshot.program = "python3 train.py";
    snapshot.site = (struct fp_site){.user = "/app/train.py:10",
                                     .library = "",
                                     .called = "",
                                     .innermost = "",
                                     .function = "main",
                                     .dso = "/lib/libpython.so"};
    snapshot.threads = 9;
    snapshot.count = count;
    for (size_t i = 0; i < count; i++) {
        snapshot.runtimes[i] = (struct fp_runtime){
            .facts = {.dso = path, .file = "", .thread = "", .package = "p", .version = "1"},
            .threads = (unsigned)i + 1,
            .handlers = (unsigned)i % 8,
            .started = path,
            .names = path};
        verdict.runtimes[i] = (struct fp_judgement){.class = FP_CLASS_UNKNOWN};
    }
}

/* Whether record says `"omitted":N`, and how many runtimes it holds: both must add up. */
static void check_sum(size_t want)
{
    size_t kept = 0, omitted = 0;
    for (const char *at = buffer; (at = strstr(at, "{\"threads\":")); at++)
        kept++;
    const char *said = strstr(buffer, ",\"omitted\":");
    if (said)
        sscanf(said, ",\"omitted\":%zu", &omitted);
    cr_assert_eq(kept + omitted, want, "%zu + %zu", kept, omitted);
    cr_assert_eq(said != NULL, omitted > 0);
}

Test(event, any_number_of_runtimes_and_any_length_of_path_is_one_valid_record, .timeout = 60)
{
    for (size_t count = 0; count <= FP_RUNTIMES_MAX; count++) {
        for (size_t length = 0; length <= 5000; length += length < 300 ? 7 : 470) {
            for (int kind = 0; kind < 3; kind++) {
                struct fp_text text = record();
                const char *path = (kind == 0 ? long_path : kind == 1 ? wild_path : control_path);
                fill(count, path + 5000 - length);
                snapshot.omitted = length % 3;
                fp_event_fork(&text, &HEADER, &snapshot, &verdict, 42);
                check_record(&text);
                check_sum(count + snapshot.omitted);
                for (size_t i = FP_EVENT_MAX + 1; i < sizeof buffer; i++)
                    cr_assert_eq(buffer[i], 'C');
            }
        }
    }
}

Test(event, any_length_of_site_and_any_origin_is_one_valid_record)
{
    for (size_t length = 0; length <= 5000; length += length > 3000 && length < 4200 ? 1 : 97) {
        struct fp_text text = record();
        fill(2, "/x.so");
        snapshot.origin = (enum fp_origin)(length % 3);
        snapshot.site.user = long_path + 5000 - length;
        fp_event_fork(&text, &HEADER, &snapshot, &verdict, 0);
        check_record(&text);
        check_sum(2);
    }
}

Test(event, a_line_that_is_no_number_is_not_printed_as_one)
{
    static const struct {
        const char *line, *want;
    } CASES[] = {{"/a.py:12", "{\"file\":\"/a.py\",\"line\":12}"},
                 {"/a:b/c.py:3", "{\"file\":\"/a:b/c.py\",\"line\":3}"},
                 {"/a:b/c", "{\"file\":\"/a:b/c\",\"line\":0}"},
                 {"/a.py:", "{\"file\":\"/a.py:\",\"line\":0}"},
                 {"/a.py:1x", "{\"file\":\"/a.py:1x\",\"line\":0}"},
                 {"/a.py:007", "{\"file\":\"/a.py:007\",\"line\":0}"},
                 {"/a.py", "{\"file\":\"/a.py\",\"line\":0}"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fp_text text = record();
        fill(0, "");
        snapshot.site.user = CASES[i].line;
        fp_event_fork(&text, &HEADER, &snapshot, &verdict, 0);
        check_record(&text);
        cr_assert(strstr(buffer, CASES[i].want), "%s", buffer);
    }
}

Test(event, start_and_error_are_shortened_not_broken)
{
    for (int kind = 0; kind < 3; kind++) {
        struct fp_text text = record();
        const char *path = kind == 0 ? long_path : kind == 1 ? wild_path : control_path;
        struct fp_event_header header = HEADER;
        const struct fp_start start = {path, "1.0", "off:\"x\"", path, ~0U};
        fp_event_start(&text, &header, &start);
        check_record(&text);
        cr_assert(strstr(buffer, "\"short\":[\"stacks\",\"threads\"]"));
        cr_assert(strstr(buffer, "\"version\":\"1.0\""));
        text = record();
        fp_event_error(&text, &header, path);
        check_record(&text);
        cr_assert_gt(text.length, 1000, "and what fits is kept");
        text = record();
        header.host = header.rank = path;
        fp_event_error(&text, &header, path);
        check_record(&text);
        fill(FP_RUNTIMES_MAX, path);
        text = record();
        fp_event_fork(&text, &header, &snapshot, &verdict, 1);
        check_record(&text);
        check_sum(FP_RUNTIMES_MAX);
    }
}

Test(event, the_header_in_full)
{
    struct fp_text text = record();
    struct fp_event_header header = HEADER;
    header.event = "error";
    fp_event_error(&text, &header, "m");
    cr_assert_str_eq(buffer,
                     "{\"v\":1,\"event\":\"error\",\"time\":1700000000.001234,\"pid\":7,\"ppid\":6,"
                     "\"host\":\"node1\",\"rank\":null,\"message\":\"m\"}\n");
    header.nanoseconds = 999999999;
    header.rank = "3";
    text = record();
    fp_event_error(&text, &header, "m");
    cr_assert(strstr(buffer, "00.999999,") && strstr(buffer, "\"rank\":\"3\""));
    header.nanoseconds = 0;
    text = record();
    fp_event_error(&text, &header, "m");
    cr_assert(strstr(buffer, "00.000000,"));
}

Test(event, those_that_matter_are_kept_before_silent_ones_not_in_order_of_arrival)
{
    struct fp_text text = record();
    fill(FP_RUNTIMES_MAX, "");
    for (size_t i = 0; i < snapshot.count; i++)
        snapshot.runtimes[i].facts.dso = long_path + 4700;
    snapshot.runtimes[FP_RUNTIMES_MAX - 1].facts.package = "loud";
    verdict.runtimes[FP_RUNTIMES_MAX - 1] = (struct fp_judgement){
        .class = FP_CLASS_LOST, .action = FP_ACTION_WARN, .speech = FP_SPEECH_TELL};
    fp_event_fork(&text, &HEADER, &snapshot, &verdict, 42);
    check_record(&text);
    check_sum(FP_RUNTIMES_MAX);
    cr_assert(strstr(buffer, "\"package\":\"loud\""));
    cr_assert(strstr(buffer, "\"omitted\":"));
}

Test(event, what_the_table_knows_is_in_the_record)
{
    static struct fp_policy_file file;
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&file, "t",
                         fp_slice_of("runtime one\n dso x\n class lost\n kind tokio\n"
                                     " advice say \"a\"\n advice b\n source s#1\n"),
                         &problem);
    struct fp_text text = record();
    fill(1, "/x.so");
    snapshot.runtimes[0].identity = (struct fp_identity){
        .source = &file.view, .known = &file.known[0], .asked = FP_ACTION_RESET};
    snapshot.runtimes[0].handlers = FP_HANDLER_PREPARE | FP_HANDLER_CHILD;
    verdict.runtimes[0] = (struct fp_judgement){
        .class = FP_CLASS_LOST, .action = FP_ACTION_WARN, .speech = FP_SPEECH_TELL};
    fp_event_fork(&text, &HEADER, &snapshot, &verdict, 42);
    check_record(&text);
    static const char *const WANT[] = {
        "\"name\":\"one\"",    "\"kind\":\"tokio\"",
        "\"class\":\"lost\"",  "\"action\":\"warn\"",
        "\"asked\":\"reset\"", "\"handlers\":[\"prepare\",\"child\"]",
        "\"child\":42",        "\"advice\":[\"say \\\"a\\\"\",\"b\"]",
        "\"source\":\"s#1\""};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++)
        cr_assert(strstr(buffer, WANT[i]), "%s in %s", WANT[i], buffer);
    verdict.runtimes[0].speech = FP_SPEECH_SILENT;
    text = record();
    fp_event_fork(&text, &HEADER, &snapshot, &verdict, 42);
    cr_assert(!strstr(buffer, "\"advice\""), "a silent runtime needs no advice");
}
