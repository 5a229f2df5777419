/* carry.c: the words and the record. SPDX-License-Identifier: Apache-2.0 */
#include "policy/carry.h"
#include "policy/decide.h"
#include "policy/policy_text.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct fp_runtime POOL = {
    .facts = {.dso = "/opt/libpool.so", .file = "", .thread = "", .package = "", .version = ""},
    .threads = 3};

Test(carry, every_reason_but_none_has_words)
{
    cr_assert_str_empty(fp_uncarried_why(FP_UNCARRIED_NONE));
    for (int i = FP_UNCARRIED_NONE + 1; i < FP_UNCARRIED_COUNT; i++)
        cr_assert_str_not_empty(fp_uncarried_why((enum fp_uncarried)i));
}

Test(carry, the_message_names_library_reason_and_thread)
{
    char line[600];
    struct fp_text text = FP_TEXT(line);
    const struct fp_carry_outcome outcome = {.reason = FP_UNCARRIED_TASK, .thread = 42};
    fp_message_uncarried(&text, &POOL, &outcome);
    cr_assert_str_eq(line, "forkpolicy: /opt/libpool.so is not carried into the child: a thread "
                           "waits in the midst of a task (thread 42); it acts as \"reset\"\n");
}

Test(carry, the_message_names_the_descriptor)
{
    char line[600];
    struct fp_text text = FP_TEXT(line);
    const struct fp_carry_outcome outcome = {
        .reason = FP_UNCARRIED_FILES, .thread = 42, .descriptor = 7};
    fp_message_uncarried(&text, &POOL, &outcome);
    cr_assert_str_eq(line,
                     "forkpolicy: /opt/libpool.so is not carried into the child: an event loop "
                     "waits for files that the child would share (thread 42) (descriptor 7); "
                     "it acts as \"reset\"\n");
}

Test(carry, the_record)
{
    char line[FP_EVENT_MAX + 1];
    struct fp_text text = FP_TEXT(line);
    const struct fp_event_header header = {.event = "carry", .host = "h"};
    const struct fp_carry_outcome carried = {.threads = 3, .microseconds = 7};
    fp_event_carry(&text, &header, &POOL, &carried);
    cr_assert(strstr(line, "\"reason\":\"none\",\"error\":null,\"threads\":3,\"thread\":0,"
                           "\"descriptor\":0,\"microseconds\":7,\"dso\":\"/opt/libpool.so\"}\n"),
              "%s", line);
}

Test(carry, a_version_is_tried_or_not)
{
    static const char TABLE[] = "runtime a\n dso */a.so\n class lost\n carried 0.23.3\n carried 2\n"
                                "runtime b\n dso */b.so\n class lost\n";
    static const struct {
        const char *dso, *version;
        bool is_tried;
    } CASES[] = {{"/x/a.so", "0.23.3", true}, {"/x/a.so", "0.23.4", false},
                 {"/x/a.so", "2.0", true},    {"/x/a.so", "", false},
                 {"/x/b.so", "2", false},     {"/x/c.so", "2", false}};
    static struct fp_policy_file built_in;
    static struct fp_rules rules;
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&built_in, "known", fp_slice_of(TABLE), &problem);
    const struct fp_policy policy = {.environment = &rules, .built_in = &built_in.view};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct fp_facts facts = {.dso = CASES[i].dso,
                                       .file = "",
                                       .thread = "",
                                       .package = "",
                                       .version = CASES[i].version};
        struct fp_identity identity = fp_identify(&policy, &facts);
        cr_assert_eq(fp_carry_is_tried(&identity, CASES[i].version), CASES[i].is_tried, "%s %s",
                     CASES[i].dso, CASES[i].version);
    }
}
