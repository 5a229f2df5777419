/*
 * Tests of shim/hang/act.c: what is said, raised or ended, and how often. The texts are the real
 * ones (policy/hang_message.c, hang_event.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hang/act.h"

#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/program.h"
#include "shim/base/report_once.h"
#include "shim/python/python.h"
#include "shim/threads/origin.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct fp_config fp_config;

/* What the rooms below say. */
static enum fp_action action = FP_ACTION_FAIL;
static const char *line = "app.py:7";
static bool has_log = true, raises = true, has_reader = true, is_python = true, is_sound = true,
            is_pool, repeats;
static struct fp_runtime lost = {
    .facts = {.dso = "/lib/liba.so", .file = "", .thread = "", .package = "", .version = ""},
    .threads = 2,
    .started = "",
    .names = ""};
static bool has_lost;

/* What they were asked, by the children of a test, too. */
static struct asked {
    int texts, records, raised, entered, answers;
    bool entered_free;
    char text[4096], record[8192], error[1024], answer[1024];
    struct said {
        char what[32][128];
        int count;
    } said;
} * shared;
#define asked (*shared)

static void begin(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

TestSuite(act, .init = begin);

void fp_program_read(char program[FP_PROGRAM_SIZE])
{
    strcpy(program, "python");
}

static const struct fp_site fork_site = {.user = "app.py:3",
                                         .library = "",
                                         .called = "",
                                         .innermost = "app.py:3",
                                         .function = "main",
                                         .dso = ""};

void fp_evidence_fill(struct fp_evidence *evidence, struct fp_hang *hang,
                      const struct fp_waiting *waiting)
{
    (void)evidence, (void)waiting;
    hang->at = (struct fp_site){.user = line,
                                .library = "",
                                .called = "",
                                .innermost = line,
                                .function = "f",
                                .dso = "/lib/libpython.so"};
    hang->waiting = (struct fp_facts){.dso = "/lib/libpython.so",
                                      .file = "",
                                      .thread = "",
                                      .package = "python",
                                      .version = "3.11.7"};
    hang->judgement.action = action;
    hang->lost = has_lost ? &lost : NULL;
    hang->fork = (struct fp_fork_origin){.call = "fork", .site = &fork_site};
}

bool fp_evidence_has_reader(const struct fp_evidence *evidence)
{
    (void)evidence;
    return has_reader;
}

void fp_on_own_stack(fp_stack_work *work, void *argument)
{
    work(argument);
}

static struct said said;

static bool is_new(struct said *all, const char *where, const char *what)
{
    char both[128];
    snprintf(both, sizeof both, "%s %s", where, what);
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->what[i], both) == 0)
            return false;
    strcpy(all->what[all->count++], both);
    return true;
}

bool fp_once(const char *site, const char *runtime)
{
    return is_new(&said, site, runtime);
}

bool fp_once_shared(const char *site, const char *what)
{
    return repeats ? false : is_new(&shared->said, site, what);
}

void fp_emit_text(struct fp_slice text)
{
    asked.texts++;
    snprintf(asked.text, sizeof asked.text, "%.*s", (int)text.length, text.text);
}

bool fp_emit_has_log(void)
{
    return has_log;
}

struct fp_event_header fp_emit_header(const char *event, char *host, size_t size)
{
    snprintf(host, size, "host");
    return (struct fp_event_header){.event = event, .host = host};
}

void fp_emit_record(const struct fp_text *record)
{
    asked.records++;
    snprintf(asked.record, sizeof asked.record, "%.*s", (int)record->length, record->data);
}

bool fp_origin_awaits_gil(void)
{
    return !is_sound;
}

struct fp_owner fp_owner_of(const void *address)
{
    (void)address;
    return (struct fp_owner){0};
}

bool fp_python_owns(struct fp_owner owner)
{
    (void)owner;
    return is_python;
}

bool fp_python_raise_soon(const char *message)
{
    asked.raised++;
    snprintf(asked.error, sizeof asked.error, "%s", message);
    return raises;
}

bool fp_python_enter(bool is_free, int *state)
{
    *state = 0;
    asked.entered++;
    asked.entered_free = is_free;
    return is_free;
}

void fp_python_leave(int state)
{
    (void)state;
}

bool fp_python_hand_over(const char *message)
{
    if (is_pool && message) {
        asked.answers++;
        snprintf(asked.answer, sizeof asked.answer, "%s", message);
    }
    return is_pool;
}

static struct fp_company_look seen = {
    .company = FP_COMPANY_NONE, .gil_is_free = true, .threads = 1};
static struct fp_evidence evidence;
static struct fp_waiting waiting = {.wait = FP_WAIT_SEMAPHORE, .slices = 1};
static const struct fp_opinion PROVEN = {FP_GRADE_PROVEN, FP_REASON_ALONE},
                               SIGNAL = {FP_GRADE_PROVEN, FP_REASON_SIGNAL},
                               SUSPECTED = {FP_GRADE_SUSPECTED, FP_REASON_COMPANY};

static enum fp_advance prove(void)
{
    return fp_act_on_proof(&waiting, &seen, &evidence, PROVEN, false);
}

/* The status of a child that acts. What it asked is lost, but for what it writes. */
static int status_of(enum fp_advance (*act)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(act() == FP_ADVANCE_WAIT ? 1 : 2);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

Test(act, raises_in_python)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    cr_assert_eq(prove(), FP_ADVANCE_INTERRUPT);
    cr_assert_eq(asked.raised, 1);
    cr_assert_eq(asked.texts, 1);
    cr_assert_eq(asked.records, 1);
    cr_assert(strstr(asked.record, "\"raised\""), "%s", asked.record);
    cr_assert(strstr(asked.error, "app.py:3"), "%s", asked.error);
}

Test(act, ends_where_nothing_can_be_raised)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    bool *conditions[] = {&raises, &has_reader, &is_python};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        *conditions[i] = false;
        cr_assert_eq(WEXITSTATUS(status_of(prove)), 70, "%zu", i);
        *conditions[i] = true;
    }
    waiting.wait = FP_WAIT_MUTEX;
    cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
}

static void prove_in_children(int count)
{
    while (count--)
        cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
}

static void *prove_there(void *unused)
{
    prove();
    return unused;
}

static enum fp_advance prove_in_a_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, prove_there, NULL);
    pthread_join(thread, NULL);
    return FP_ADVANCE_WAIT;
}

Test(act, raises_in_the_main_thread_alone)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    cr_assert_eq(WEXITSTATUS(status_of(prove_in_a_thread)), 70);
    cr_assert_eq(asked.raised, 0);
}

static enum fp_advance prove_twice_at_once(void)
{
    prove();
    waiting.since = fp_milliseconds();
    return prove();
}

static enum fp_advance prove_twice(void)
{
    prove();
    waiting.since = fp_milliseconds() - 1000;
    return prove();
}

static enum fp_advance prove_at_two_lines(void)
{
    prove();
    line = "app.py:8";
    return prove();
}

Test(act, what_catches_the_error_and_waits_again_is_ended)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    cr_assert_eq(WEXITSTATUS(status_of(prove_twice_at_once)), 1,
                 "the parent may yet hear of the first");
    cr_assert_eq(WEXITSTATUS(status_of(prove_twice)), 70);
    cr_assert_eq(WEXITSTATUS(status_of(prove_at_two_lines)), 2);
}

Test(act, exits)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
    cr_assert_eq(asked.raised, 0);
}

static void go_on(int number)
{
    (void)number;
    _exit(3);
}

Test(act, aborts)
{
    fp_config.options.on_proven = FP_ON_PROVEN_ABORT;
    signal(SIGABRT, go_on); /* the host's handler might not let it end */
    int status = status_of(prove);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

Test(act, only_says)
{
    fp_config.options.on_proven = FP_ON_PROVEN_REPORT;
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    cr_assert(waiting.told);
    line = "app.py:8"; /* the same wait, from code that has moved on */
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 1);
    cr_assert_eq(asked.records, 1);
    cr_assert(strstr(asked.record, "\"waits\""), "%s", asked.record);
}

Test(act, warns)
{
    action = FP_ACTION_WARN;
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 1);
}

Test(act, off)
{
    action = FP_ACTION_OFF;
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    fp_act_on_doubt(&waiting, &seen, &evidence, SUSPECTED, false);
    cr_assert_eq(asked.texts, 0);
    cr_assert_not(waiting.told);
}

/* Threads that wait one behind the other for the same runtime say so once, each proof for itself.
 */
Test(act, doubts)
{
    has_lost = true;
    fp_act_on_doubt(&waiting, &seen, &evidence, SUSPECTED, false);
    line = "app.py:9";
    struct fp_waiting other = {.wait = FP_WAIT_SEMAPHORE};
    fp_act_on_doubt(&other, &seen, &evidence, SUSPECTED, false);
    cr_assert_eq(asked.texts, 1);
    cr_assert(waiting.told && other.told);
    has_lost = false;
    fp_act_on_doubt(&other, &seen, &evidence, SUSPECTED, false);
    cr_assert_eq(asked.texts, 2, "by its line where the runtime is not known");
}

Test(act, children_share_what_is_said_but_not_the_log)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    repeats = true;
    prove();
    cr_assert_eq(asked.texts, 0);
    cr_assert_eq(asked.records, 1);
}

static enum fp_advance prove_after(uint64_t milliseconds)
{
    waiting.since = fp_milliseconds() - milliseconds;
    return fp_act_on_proof(&waiting, &seen, &evidence, SIGNAL, false);
}

static enum fp_advance prove_after_its_grace(void)
{
    return prove_after(6000);
}

Test(act, a_signal_to_end_may_be_under_way)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    fp_config.options.grace_milliseconds = 5000;
    cr_assert_eq(prove_after(100), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 0, "it may be ending just now");
    for (uint64_t after = 1000; after < 5000; after += 1000)
        cr_assert_eq(prove_after(after), FP_ADVANCE_WAIT);
    cr_assert(asked.texts == 1 && asked.records == 0 && strstr(asked.text, "grace_seconds"));
    cr_assert_eq(WEXITSTATUS(status_of(prove_after_its_grace)), 70);
    cr_assert(strstr(asked.text, "waits, as reported"), "%s", asked.text);
    cr_assert_eq(asked.texts, 2);
    cr_assert(strstr(asked.record, "\"signal\",\"outcome\":\"exited\""), "%s", asked.record);
}

Test(act, a_signal_to_end_may_be_under_way_under_warn)
{
    action = FP_ACTION_WARN;
    cr_assert_eq(prove_after(100), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 0);
    cr_assert_eq(prove_after(1000), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 1);
}

/* Those that an arbiter puts in each other's place for ever do not fill its log. */
Test(act, each_child_that_ends_has_a_line_of_its_own)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    prove_in_children(1);
    cr_assert(asked.texts == 1 && strstr(asked.text, "native") != strstr(asked.text, "fork"));
    prove_in_children(3);
    cr_assert_eq(asked.texts, 4);
    cr_assert(strchr(asked.text, '\n') == strrchr(asked.text, '\n'), "%s", asked.text);
    prove_in_children(30);
    cr_assert_eq(asked.texts, 17);
    cr_assert_eq(asked.records, 34);
}

Test(act, no_log)
{
    has_log = false;
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    prove();
    cr_assert_eq(asked.texts, 1);
    cr_assert_eq(asked.records, 0);
}

Test(act, records_of_one_process_are_limited)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    repeats = true;
    for (int i = 0; i < 300; i++) {
        line = i % 2 ? "app.py:1" : "app.py:2";
        prove();
    }
    cr_assert_eq(asked.records, 256);
}

/* A worker's parent never notices that it has ended: it gets the error as its task's result. */
Test(act, pools_get_an_answer)
{
    is_pool = true;
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    prove();
    cr_assert_eq(asked.answers, 0, "the worker itself sends what is raised");
    cr_assert(strstr(asked.record, "\"answered\":true"), "%s", asked.record);
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    status_of(prove);
    cr_assert_eq(asked.answers, 1);
    cr_assert(strstr(asked.answer, "app.py:3"), "%s", asked.answer);
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    seen.company = FP_COMPANY_ASLEEP;
    seen.gil_is_free = false;
    line = "app.py:10";
    prove();
    cr_assert_not(asked.entered_free, "a sleeping thread holds the lock of Python");
    seen.gil_is_free = true;
    is_sound = false;
    line = "app.py:11";
    prove();
    cr_assert_not(asked.entered_free);
}
