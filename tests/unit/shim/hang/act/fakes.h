/*
 * Tests of shim/hang/act.c: what is said, raised or ended, and how often. The texts are the real
 * ones (policy/hang_message.c, hang_event.c); these are the rooms below.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_ACT_FAKES_H
#define FP_TESTS_ACT_FAKES_H

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
    int looks, looks_in_vain; /* for the report of another process */
    bool entered_free;
    char text[4096], record[8192], error[1024], answer[1024];
    struct said {
        char what[32][128];
        int count;
    } said;
} * shared;
#define asked (*shared)

static inline void begin(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

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

static inline bool is_new(struct said *all, const char *where, const char *what)
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

bool fp_once_shared_before(const char *site, const char *what)
{
    char both[128];
    snprintf(both, sizeof both, "%s %s", site, what);
    for (int i = 0; i < shared->said.count; i++)
        if (strcmp(shared->said.what[i], both) == 0)
            return true;
    return asked.looks++ == asked.looks_in_vain;
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

static inline enum fp_advance prove(void)
{
    return fp_act_on_proof(&waiting, &seen, &evidence, PROVEN, false);
}

/* The status of a child that acts. What it asked is lost, but for what it writes. */
static inline int status_of(enum fp_advance (*act)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(act() == FP_ADVANCE_WAIT ? 1 : 2);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

#endif
