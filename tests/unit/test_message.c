/* The words. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/decide.h"
#include "policy/message.h"
#include "tests/unit/support/lines.h"

#include <string.h>

static const char TABLE[] = "runtime deltalake\n dso */deltalake/_internal*.so\n"
                            " class lost when version < 0.19\n class refuses\n kind tokio\n"
                            " advice pip install \"deltalake>=0.19\"\n advice open it later\n"
                            " source delta#2744\n"
                            "runtime librdkafka\n dso */librdkafka*.so*\n class lost\n"
                            " uses a producer of the parent\n"
                            "runtime libgomp\n dso */libgomp.so*\n class reset\n kind OpenMP\n"
                            "runtime openblas\n dso */libscipy_openblas*\n class survives\n";

static struct fp_policy_file table;
static struct fp_rules rules;
static struct fp_snapshot snapshot;
static struct fp_verdict verdict;
static bool told[FP_RUNTIMES_MAX];
static char buffer[64 * 1024];

static void add(const char *dso, const char *package, const char *version, unsigned threads)
{
    struct fp_policy policy = {.environment = &rules, .built_in = &table.view};
    struct fp_runtime *runtime = &snapshot.runtimes[snapshot.count++];
    *runtime = (struct fp_runtime){
        .facts = {.dso = dso, .file = "", .thread = "", .package = package, .version = version},
        .threads = threads,
        .started = "",
        .names = "worker-0"};
    runtime->identity = fp_identify(&policy, &runtime->facts);
}

static void setup(const char *string)
{
    struct fp_problem problem = {.count = 0};
    memset(&snapshot, 0, sizeof snapshot);
    memset(told, 0, sizeof told);
    rules.count = 0;
    fp_policy_file_parse(&table, "known", fp_slice_of(TABLE), &problem);
    fp_rules_parse(&rules, fp_slice_of(string), 1, 1, &problem);
    cr_assert_eq(problem.count, 0);
    snapshot.call = "fork";
    snapshot.pid = 77;
    snapshot.program = "python3 train.py";
    snapshot.threads = 6;
    snapshot.site = (struct fp_site){.user = "/app/train.py:10",
                                     .library = "",
                                     .called = "",
                                     .innermost = "",
                                     .function = "main",
                                     .dso = "/lib/libpython.so"};
}

static void decide(void)
{
    fp_decide(&snapshot, &verdict);
    for (size_t i = 0; i < snapshot.count; i++)
        told[i] = verdict.runtimes[i].speech != FP_SPEECH_SILENT;
}

static void check_block(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    memset(buffer, 'C', size + BEHIND);
    fp_message_fork(&text, &snapshot, &verdict, told);
    check_told(buffer, size, text.length);
}

Test(message, says_who_where_and_what_to_do)
{
    setup("warn");
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 4);
    add("/v/site-packages/torch/lib/libgomp.so.1", "torch", "2.13.0", 1);
    decide();
    check_block(8192);
    static const char *const WANT[] = {"pid 77",           "5 of 6 threads",
                                       "/app/train.py:10", "main",
                                       "deltalake 0.18.2", "4 tokio threads",
                                       "worker-0",         "pip install \"deltalake>=0.19\"",
                                       "open it later",    "off:deltalake",
                                       "delta#2744",       "libgomp (torch 2.13.0)"};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++)
        cr_assert(strstr(buffer, WANT[i]), "%s in\n%s", WANT[i], buffer);
    cr_assert(!strstr(buffer, "off:libgomp"), "what is not told needs no entry");
}

Test(message, one_thread_is_not_one_threads)
{
    setup("warn");
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 1);
    decide();
    check_block(8192);
    cr_assert(strstr(buffer, "1 tokio thread ") && !strstr(buffer, "1 tokio threads"));
}

Test(message, every_line_keeps_its_prefix_at_every_size_not_only_where_it_fits)
{
    setup("warn");
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 4);
    add("/v/site-packages/torch/lib/libgomp.so.1", "torch", "2.13.0", 1);
    decide();
    for (size_t size = 1; size < 1500; size++)
        check_block(size);
}

Test(message, a_hang_is_foretold_only_of_what_hangs)
{
    char refusal[1024];
    setup("refuse:*");
    add("/v/site-packages/numpy.libs/libscipy_openblas64_-1.so", "numpy", "2.4.6", 1);
    decide();
    check_block(4096);
    cr_expect(!strstr(buffer, "hang") && strstr(buffer, "works in the child all the same"), "%s",
              buffer);
    struct fp_text text = FP_TEXT(refusal);
    fp_message_refusal(&text, &snapshot, &verdict);
    cr_expect(!strstr(refusal, "hang"), "%s", refusal);
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 4);
    decide();
    check_block(4096);
    cr_expect(strstr(buffer, "; hangs when the child uses it"), "%s", buffer);
    fp_message_refusal(&text, &snapshot, &verdict);
    cr_expect(strstr(refusal, "would hang where it needs them"), "%s", refusal);
}

Test(message, where_the_objects_of_the_parent_hang_alone_the_line_says_so)
{
    setup("warn");
    add("/v/site-packages/confluent_kafka.libs/librdkafka-1.so.1", "confluent-kafka", "2.16.1", 4);
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 4);
    decide();
    check_block(4096);
    cr_expect(strstr(buffer, "; hangs when the child uses a producer of the parent\n"),
              "%s", buffer);
    cr_expect(strstr(buffer, "; hangs when the child uses it\n"), "%s", buffer);
}

Test(message, no_fact_can_break_a_line_or_colour_a_terminal)
{
    static const char EVIL[] = "a\nforged\033[31m\r\xff/b.so";
    setup("warn:*");
    snapshot.program = EVIL;
    for (int field = 0; field < 16; field++) {
        snapshot.site = (struct fp_site){.user = field & 1 ? EVIL : "",
                                         .library = field & 2 ? EVIL : "",
                                         .called = field & 2 ? EVIL : "",
                                         .innermost = field & 4 ? "i\n:1" : "",
                                         .function = EVIL,
                                         .dso = EVIL};
        snapshot.count = 0;
        add(EVIL, field & 8 ? EVIL : "", EVIL, 2);
        snapshot.runtimes[0].names = snapshot.runtimes[0].started = EVIL;
        decide();
        check_block(8192);
        cr_assert(valid_utf8(buffer));
        struct fp_text text = FP_TEXT(buffer);
        verdict.runtimes[0].speech = FP_SPEECH_REFUSE;
        fp_message_refusal(&text, &snapshot, &verdict);
        cr_assert(!strchr(buffer, '\n') && !strchr(buffer, '\033') && valid_utf8(buffer));
    }
}

Test(message, forty_eight_runtimes_with_long_paths_stay_lines)
{
    static char path[5001];
    memset(path, 'p', 5000);
    setup("warn:*");
    for (int i = 0; i < FP_RUNTIMES_MAX; i++)
        add(path, "", "", 3);
    decide();
    for (size_t size = 100; size < 40000; size = size * 3 / 2)
        check_block(size);
}

Test(message, a_refusal_is_one_line_of_valid_utf8_at_every_size_not_cut_inside_a_character)
{
    setup("refuse");
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 4);
    snapshot.runtimes[0].names =
        "caf\xc3\xa9-\xe2\x82\xac-\xf0\x9f\x98\x80-\xe2\x82\xac\xe2\x82\xac";
    decide();
    for (size_t size = 1; size < 900; size++) {
        struct fp_text text = {.data = buffer, .size = size};
        fp_message_refusal(&text, &snapshot, &verdict);
        cr_assert_eq(strlen(buffer), text.length);
        cr_assert(!strchr(buffer, '\n') && valid_utf8(buffer), "size %zu: %s", size, buffer);
    }
    static const char *const WANT[] = {"fork refused", "deltalake 0.18.2", "4 tokio threads",
                                       "off:deltalake", "pip install"};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++)
        cr_assert(strstr(buffer, WANT[i]), "%s in %s", WANT[i], buffer);
}

Test(message, a_refusal_names_only_what_was_refused)
{
    setup("refuse");
    add("/v/site-packages/deltalake/_internal.abi3.so", "deltalake", "0.18.2", 4);
    add("/v/site-packages/torch/lib/libgomp.so.1", "torch", "2.13.0", 1);
    decide();
    struct fp_text text = FP_TEXT(buffer);
    fp_message_refusal(&text, &snapshot, &verdict);
    cr_assert(!strstr(buffer, "libgomp"));
}
