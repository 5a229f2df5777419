/* See hang_record.h. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/hang_record.h"

#include "tests/unit/support/json.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { SPARE = 64 }; /* bytes behind the record */

const struct fp_event_header HEADER = {.event = "hang",
                                       .seconds = 1700000000,
                                       .nanoseconds = 1234567,
                                       .pid = 7,
                                       .parent = 6,
                                       .host = "node1"};
const struct fp_judgement RESET = {FP_CLASS_RESET, FP_ACTION_WARN, FP_SPEECH_SILENT};

struct fp_text record_text;
struct fp_policy_file record_table;
char path[LONG + 1];

void record_setup(void)
{
    struct fp_problem problem = {.count = 0};
    hang_setup();
    fp_policy_file_parse(&record_table, "t",
                         fp_slice_of("runtime one\n dso x\n class lost\n kind tokio\n"
                                     " advice say \"a\"\n advice b\n source s#1\n"),
                         &problem);
    lost = (struct fp_runtime){
        .facts = {.dso = "/p/one.so", .file = "", .thread = "", .package = "one", .version = "1.2"},
        .identity = {.source = &record_table.view,
                     .known = &record_table.known[0],
                     .asked = FP_ACTION_FAIL},
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
    hang.pid = 7;
    hang.tid = 8;
    hang.waiting.dso = "/p/one.so";
    hang.waiting.package = "one";
    hang.waiting.version = "1.2";
    hang.at.library = "/p/one/table.py:99";
    hang.at.called = "";
    hang.at.dso = "/p/one.so";
    hang.fork.parent = 6;
}

void begin_record(void)
{
    memset(buffer, 'C', FP_EVENT_MAX + SPARE);
    record_text = (struct fp_text){.data = buffer, .size = FP_EVENT_MAX + 1};
}

void check_record(void)
{
    cr_assert_leq(record_text.length, FP_EVENT_MAX);
    cr_assert_eq(strlen(buffer), record_text.length);
    cr_assert(is_record(buffer), "%s", buffer);
    for (size_t i = FP_EVENT_MAX + 1; i < FP_EVENT_MAX + SPARE; i++)
        cr_assert_eq(buffer[i], 'C');
}

void record(void)
{
    begin_record();
    fp_event_hang(&record_text, &HEADER, &hang);
    check_record();
}

void record_use(const struct fp_judgement *judgement)
{
    struct fp_event_header header = HEADER;
    header.event = "use";
    begin_record();
    fp_event_use(&record_text, &header, &lost, judgement, "pthread_cond_signal", &hang.fork);
    check_record();
}

void record_reset(const char *function, const char *wrong)
{
    struct fp_event_header header = HEADER;
    header.event = "reset";
    begin_record();
    fp_event_reset(&record_text, &header, &lost, fp_slice_of(function), 1234, wrong);
    check_record();
}

const char *fill_path(int kind, size_t length)
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

void fill_stacks(size_t python_count, size_t native_count)
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

size_t frames_kept(const char *key, const char *number, unsigned first)
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
