/* A job's end in a few lines. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/brief.h"
#include "policy/policy_text.h"

#include <string.h>

static const char TABLE[] = "runtime polars\n dso */p.so\n class lost\n kind polars\n"
                            " advice one\n advice two\n advice three\n";

static const struct fp_site NO_SITE = {"", "", "", "", "", ""};

static char buffer[8192];
static struct fp_policy_file table;
static struct fp_runtime lost;
static struct fp_site fork_site;
static struct fp_hang hang;
static struct fp_job_end end;

static void setup(void)
{
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&table, "known", fp_slice_of(TABLE), &problem);
    lost = (struct fp_runtime){
        .facts = {.dso = "/v/site-packages/p/p.so", "", "", "polars-rt", "2.1.0"},
        .identity = {.source = &table.view, .known = &table.known[0]},
        .threads = 7,
        .started = "/app/job.py:2",
        .names = "polars-0"};
    fork_site = NO_SITE;
    fork_site.user = "/app/job.py:19";
    hang = (struct fp_hang){.pid = 77,
                            .opinion = {FP_GRADE_PROVEN, FP_REASON_ALONE},
                            .wait = FP_WAIT_FUTEX,
                            .waiting = {"/v/p.so", "", "", "", ""},
                            .at = {"/app/job.py:5", "", "", "", "work", ""},
                            .lost = &lost,
                            .cause = FP_CAUSE_LIBRARY,
                            .fork = {.call = "fork", .site = &fork_site, .lost_threads = 11}};
    end = (struct fp_job_end){.ending = FP_ENDING_HUNG};
}

TestSuite(brief, .init = setup);

static const char *brief(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    fp_brief_hang(&text, &end, &hang);
    return buffer;
}

#define START "fork before the library is first used, or start a new program with subprocess\n"

Test(brief, a_hang_says_what_where_why_and_what_to_change)
{
    cr_expect_str_eq(brief(sizeof buffer),
                     "forkpolicy: job ended: child 77 hung: the fork lost polars threads\n"
                     "forkpolicy:   where   /app/job.py:5 in work\n"
                     "forkpolicy:   fork    /app/job.py:19\n"
                     "forkpolicy:   why     the fork lost 11 of 12 threads, 7 of them of polars"
                     " (polars-rt 2.1.0), started at /app/job.py:2\n"
                     "forkpolicy:   fix     " START "forkpolicy:   or      one\n"
                     "forkpolicy:   or      two\n");
}

Test(brief, what_is_not_known_is_left_out)
{
    hang.lost = NULL;
    hang.opinion.grade = FP_GRADE_SUSPECTED;
    hang.at = fork_site = NO_SITE;
    hang.fork.lost_threads = 1;
    cr_expect_str_eq(brief(sizeof buffer), "forkpolicy: job ended: child 77 may hang: a deadlock\n"
                                           "forkpolicy:   where   /v/p.so, in syscall(futex)\n"
                                           "forkpolicy:   why     the fork lost 1 of 2 threads\n"
                                           "forkpolicy:   fix     " START);
}

Test(brief, a_lock_of_the_users_own_is_called_one)
{
    hang.wait = FP_WAIT_SEMAPHORE;
    hang.waiting.package = "python";
    brief(sizeof buffer);
    cr_expect(strstr(buffer, "child 77 hung: it waits for a lock\n"), "%s", buffer);
    cr_expect(strstr(buffer, "started at /app/job.py:2; one of them may have held the lock\n"));
    cr_expect(strstr(buffer, "fix     hold the lock while forking: os.register_at_fork("));
    hang.fork.lost_threads = lost.threads = 1;
    brief(sizeof buffer);
    cr_expect(strstr(buffer, "1 of 2 threads, one of polars (polars-rt 2.1.0)"), "%s", buffer);
    cr_expect(strstr(buffer, "; it may have held the lock\n"), "%s", buffer);
    hang.cause = FP_CAUSE_OWNER;
    brief(sizeof buffer);
    cr_expect(strstr(buffer, "; that one held the lock\n"), "%s", buffer);
    hang.at.called = "/usr/lib/python3.11/queue.py:171";
    brief(sizeof buffer);
    cr_expect(!strstr(buffer, "lock"), "%s", buffer);
}

Test(brief, headlines_are_short_whatever_the_names)
{
    static char name[400];
    memset(name, 'n', sizeof name - 1);
    lost.identity.known = NULL;
    lost.facts.package = name;
    hang.pid = 4194304; /* the kernel's most */
    for (int ending = 0; ending <= FP_ENDING_FAILED; ending++)
        for (int grade = FP_GRADE_SUSPECTED; grade <= FP_GRADE_PROVEN; grade++) {
            end = (struct fp_job_end){.ending = (enum fp_ending)ending, .number = 139};
            hang.opinion.grade = (enum fp_grade)grade;
            brief(sizeof buffer);
            cr_expect_lt(strchr(buffer, '\n') - buffer, 101, "%s", buffer);
        }
}

Test(brief, every_line_is_whole_at_every_size)
{
    end.alike = 3;
    for (size_t size = 13; size < 600; size++) {
        brief(size);
        for (const char *line = buffer; *line; line = strchr(line, '\n') + 1)
            cr_assert(strncmp(line, "forkpolicy:", 11) == 0 && strchr(line, '\n'), "size %zu: %s",
                      size, line);
    }
}
