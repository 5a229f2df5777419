/*
 * Records of hangs, uses and resets with names and stacks of any length: one line of valid JSON
 * within 4,096 bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "tests/unit/support/hang_record.h"

#include <stdio.h>
#include <string.h>

TestSuite(hang_event_long, .init = record_setup);

Test(hang_event_long, deep_stacks_are_cut_at_their_ends_and_each_keeps_some, .timeout = 60)
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

Test(hang_event_long, what_fits_is_not_cut)
{
    fill_path(0, 3);
    fill_stacks(PYTHON, 20);
    record();
    cr_expect_eq(frames_kept("\"python_stack\":[", "{\"line\":", 1000), PYTHON);
    cr_expect_eq(frames_kept("\"native_stack\":[", "{\"offset\":", 2000), 20);
    cr_expect_gt(record_text.length, 2500);
}

Test(hang_event_long, a_record_is_as_full_as_it_can_be_with_stacks_that_do_not_fit)
{
    fill_path(0, 20);
    fill_stacks(PYTHON, NATIVE);
    record();
    cr_expect_lt(frames_kept("\"native_stack\":[", "{\"offset\":", 2000), NATIVE);
    cr_expect_gt(record_text.length, FP_EVENT_MAX - 200);
}

Test(hang_event_long, any_length_of_any_path_is_one_valid_record, .timeout = 60)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 0; length <= LONG; length += length < 1200 ? 13 : 271)
            for (int field = 0; field < 5; field++) {
                record_setup();
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
Test(hang_event_long, every_length_around_one_that_no_longer_fits_is_one_valid_record,
     .timeout = 60)
{
    for (int with_stacks = 0; with_stacks < 2; with_stacks++) {
        int given_up = 0;
        bool shortened = false;
        for (size_t length = 1000; length < 4000; length++) {
            record_setup();
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

Test(hang_event_long, lines_between_that_are_too_long_do_not_cost_the_users_lines)
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

Test(hang_event_long, a_shortened_site_keeps_one_line_in_its_own_field)
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

Test(hang_event_long, a_frame_that_is_too_long_ends_its_stack_not_only_itself)
{
    fill_path(0, 5);
    fill_stacks(PYTHON, NATIVE);
    fill_path(0, LONG);
    for (size_t i = 0; i < NATIVE; i++)
        native[i].dso = native[i].symbol = i == 3 ? path : "g";
    record();
    cr_expect_eq(frames_kept("\"native_stack\":[", "{\"offset\":", 2000), 3);
}

Test(hang_event_long, host_and_rank_are_shortened)
{
    struct fp_event_header header = HEADER;
    for (int kind = 0; kind < KINDS; kind++) {
        header.host = header.rank = fill_path(kind, LONG);
        begin_record();
        fp_event_hang(&record_text, &header, &hang);
        check_record();
        expect(",\"python_stack\":[{\"line\":99,");
    }
}

Test(hang_event_long, a_use_with_any_length_of_path_is_one_valid_record, .timeout = 60)
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

Test(hang_event_long, a_reset_of_any_length_of_path_is_one_valid_record)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t length = 0; length <= LONG; length += 7) {
            lost.facts.dso = fill_path(kind, length);
            record_reset("omp_pause_resource_all", "did not return 0");
        }
}
