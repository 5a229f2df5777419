/* What a hang is told in keeps its form, whatever the names of things are. SPDX-License-Identifier:
 * Apache-2.0 */
#include "tests/unit/support/hang_fixture.h"
#include "tests/unit/support/lines.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char path[5001];

TestSuite(hang_message_shape, .init = hang_setup);

static void fill_stacks(size_t count)
{
    hang.python_count = count < 24 ? count : 24;
    hang.native_count = count;
    for (size_t i = 0; i < hang.python_count; i++)
        python[i] = (struct fp_python_frame){"/app/deep.py", "f", (int)i};
    for (size_t i = 0; i < hang.native_count; i++)
        native[i] = (struct fp_native_frame){"/lib/deep.so", "g", i};
}

Test(hang_message_shape, twelve_frames_of_each_stack_are_enough)
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

Test(hang_message_shape, every_line_keeps_its_prefix_at_every_size_not_only_where_it_fits)
{
    fill_stacks(32);
    for (size_t size = 1; size < 3000; size++)
        check_lines(size);
    hang_setup_python();
    for (size_t size = 1; size < 1500; size++)
        check_lines(size);
}

Test(hang_message_shape, what_does_not_fit_is_cut_behind_a_whole_line_and_that_line_is_kept)
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
    hang_setup();
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

Test(hang_message_shape, no_fact_can_break_a_line_or_colour_a_terminal)
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

Test(hang_message_shape, paths_of_any_length_stay_lines)
{
    memset(path, 'p', sizeof path - 1);
    for (int field = 0; field < POISONS; field++) {
        poison(field, path);
        for (size_t size = 100; size < 40000; size = size * 3 / 2)
            check_lines(size);
        cr_assert_lt(strlen(message()), 8000, "quotes are bounded, so that the rest has room");
    }
}

Test(hang_message_shape, the_exceptions_text)
{
    cr_expect_str_eq(
        error(1024),
        "this child process can never go on: it waits for deltalake 0.18.2, whose 4 tokio threads"
        " (tokio-runtime-w) stayed in the parent at the fork (/app/train.py:10 in main, through"
        " multiprocessing/context.py:281); it is the only thread, and nobody else can wake it."
        " Instead: multiprocessing.set_start_method(\"forkserver\") or \"spawn\" at the start of"
        " main; or pip install \"deltalake>=0.19\"; or open it later");
    hang_setup_python();
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

Test(hang_message_shape, the_exceptions_text_is_valid_utf8_at_every_size)
{
    lost.names = "caf\xc3\xa9-\xe2\x82\xac-\xf0\x9f\x98\x80-\xe2\x82\xac\xe2\x82\xac";
    for (size_t size = 1; size < 600; size++)
        cr_assert(valid_utf8(error(size)) && !strchr(buffer, '\n'), "size %zu: %s", size, buffer);
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

Test(hang_message_shape, no_line_has_two_blanks_in_a_row_or_one_at_its_end)
{
    for (int variant = 0; variant < 64; variant++)
        for (int reason = FP_REASON_NONE + 1; reason <= FP_REASON_OUTSIDE; reason++)
            for (int cause = 0; cause <= FP_CAUSE_UNKNOWN; cause++) {
                hang_setup();
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
