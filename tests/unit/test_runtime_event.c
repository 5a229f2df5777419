/*
 * A runtime in a record of a hang, a use or a reset, whatever its length: in full or in brief.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "tests/unit/support/hang_record.h"

#include <stdio.h>
#include <string.h>

TestSuite(runtime_event, .init = record_setup);

/* The runtime's advice, `path`, stands in the table itself. */
static void set_advice(void)
{
    static char policy[LONG + 200];
    struct fp_problem problem = {.count = 0};
    snprintf(policy, sizeof policy, "runtime one\n dso x\n class lost\n kind k\n advice a%s\n",
             path);
    fp_policy_file_parse(&record_table, "t", fp_slice_of(policy), &problem);
    cr_assert_eq(problem.count, 0, "%s", problem.message);
}

enum { RUNTIME_FIELDS = 7 };

static void set_runtime_field(int field)
{
    const char **const FIELDS[] = {&lost.facts.dso, &lost.facts.package, &lost.facts.version,
                                   &lost.names, &lost.started};
    enum { COUNT = sizeof FIELDS / sizeof *FIELDS };
    record_setup();
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

Test(runtime_event, a_runtime_of_any_length_is_told_in_full_or_in_brief, .timeout = 60)
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

Test(runtime_event, a_brief_runtime_keeps_its_names_and_the_end_of_its_path)
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

Test(runtime_event, everything_too_long_at_once_is_one_valid_record)
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
        begin_record();
        fp_event_hang(&record_text, &header, &hang);
        check_record();
        expect(",\"fork\":null,\"waiting\":null,\"python_stack\":[");
        begin_record();
        fp_event_use(&record_text, &header, &lost, &hang.judgement, "pthread_cond_signal",
                     &hang.fork);
        check_record();
        expect(",\"fork\":null}\n");
        begin_record();
        fp_event_reset(&record_text, &header, &lost, fp_slice_of("f"), 1234, "did not return 0");
        check_record();
    }
}
