/* See hang_fixture.h. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/hang_fixture.h"

#include "policy/hang_message.h"
#include "tests/unit/support/lines.h"

#include <criterion/criterion.h>
#include <string.h>

static const char TABLE[] = "runtime deltalake\n dso */deltalake/_internal*.so\n class lost\n"
                            " kind tokio\n advice pip install \"deltalake>=0.19\"\n"
                            " advice open it later\n"
                            "runtime pool\n python */thread.py\n class reset\n";

const struct fp_site NO_SITE = {"", "", "", "", "", "", ""};

char buffer[64 * 1024];
static struct fp_policy_file table;
struct fp_native_frame native[32];
struct fp_python_frame python[24];
struct fp_runtime lost;
struct fp_site fork_site;
struct fp_hang hang;

/* deltalake waits, in Rust, for its tokio threads. */
void hang_setup(void)
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
void hang_setup_python(void)
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

void check_lines(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    memset(buffer, 'C', size + BEHIND);
    fp_message_hang(&text, &hang);
    check_told(buffer, size, text.length);
}

void expect(const char *part)
{
    cr_expect(strstr(buffer, part), "%s in\n%s", part, buffer);
}

void expect_absent(const char *part)
{
    cr_expect_not(strstr(buffer, part), "%s in\n%s", part, buffer);
}

const char *message(void)
{
    check_lines(8192);
    return buffer;
}

const char *error(size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    memset(buffer, 'C', size + 16);
    fp_message_hang_error(&text, &hang);
    cr_assert_eq(strlen(buffer), text.length);
    cr_assert_lt(text.length, size);
    return buffer;
}

const char *use(size_t size)
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
