/*
 * Tests of shim/hang/signal_handlers.c: which handlers might end a wait. The handlers are real ones
 * of this process; whose code they are is what each test says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hang/signal_handlers.h"

#include "common/files.h"
#include "policy/named_code.h"
#include "policy/signals.h"
#include "shim/base/config.h"
#include "shim/python/python.h"
#include "shim/threads/resolve.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/time.h>

struct fp_config fp_config;

static const char shim[1], library[1], exits[1];
static struct fp_owner owner_of_shim, owner_of_handler; /* what the loader says of each */
static bool is_pythons_handler, is_pythons_code, dumps, has_faulthandler, has_posix_timer;
static enum fp_python_handler python_handler;
static enum fp_effect effect_of_code, effect_by_policy;
static const char *path_asked;
static struct fp_company_look look;

static void handler(int number)
{
    (void)number;
}

/* Of a library whose handlers end the process. */
static void handler_that_exits(int number)
{
    (void)number;
}

struct fp_owner fp_owner_of(const void *address)
{
    if (address == (const void *)handler_that_exits)
        return (struct fp_owner){exits, "/lib/libexits.so"};
    return address == (const void *)fp_waker_find ? owner_of_shim : owner_of_handler;
}

ssize_t fp_file_read(const char *path, char *buffer, size_t size)
{
    cr_assert_str_eq(path, "/proc/self/timers");
    cr_assert_gt(size, 2);
    buffer[0] = 0;
    return has_posix_timer ? 2 : 0;
}

const char *fp_program_path(void)
{
    return "/bin/program";
}

enum fp_effect fp_policy_handler_effect(const struct fp_policy *policy, const char *file,
                                        const char *function)
{
    cr_assert_eq(policy, &fp_config.policy);
    cr_assert_str_empty(function);
    path_asked = file;
    return strcmp(file, "/lib/libexits.so") == 0 ? FP_EFFECT_EXIT : effect_by_policy;
}

bool fp_python_is_handler(const void *address)
{
    (void)address;
    return is_pythons_handler;
}

bool fp_python_owns(struct fp_owner owner)
{
    (void)owner;
    return is_pythons_code;
}

bool fp_python_dumps(struct fp_owner owner)
{
    (void)owner;
    return dumps;
}

bool fp_python_has_faulthandler(void)
{
    return has_faulthandler;
}

void fp_python_learn_handlers(void)
{
}

enum fp_python_handler fp_python_handler(int number)
{
    (void)number;
    return python_handler;
}

bool fp_python_handler_code(int number, char file[FP_LINE_SIZE], char function[FP_FUNCTION_SIZE])
{
    (void)number;
    file[0] = function[0] = 0;
    return false;
}

enum fp_effect fp_python_handler_effect(int number)
{
    (void)number;
    return effect_of_code;
}

static void handle_by(void (*function)(int), int number, int flags)
{
    struct sigaction action = {.sa_handler = function, .sa_flags = flags};
    sigaction(number, &action, NULL);
    look.handled |= FP_SIGNAL_BIT(number);
}

static void handle(int number, int flags)
{
    handle_by(handler, number, flags);
}

/* A library's handler for SIGUSR1, which some thread lets through; the policy does not name it. */
static void begin(void)
{
    owner_of_shim = (struct fp_owner){shim, "/lib/libforkpolicy.so"};
    owner_of_handler = (struct fp_owner){library, "/lib/libother.so"};
    effect_by_policy = effect_of_code = FP_EFFECT_UNKNOWN;
    look = (struct fp_company_look){.deliverable = UINT64_MAX};
    handle(SIGUSR1, SA_RESTART);
}

TestSuite(signal_handlers, .init = begin);

static enum fp_waker waker(enum fp_break breaks, bool has_gil)
{
    return fp_waker_find(&look, breaks, has_gil, fp_timers_set(), fp_timers_set());
}

static enum fp_waker of_library(void)
{
    return waker(FP_BREAK_NONE, false);
}

Test(signal_handlers, none)
{
    look.handled = 0;
    cr_assert_eq(of_library(), FP_WAKER_NONE);
}

Test(signal_handlers, one_that_every_thread_blocks)
{
    look.deliverable &= ~FP_SIGNAL_BIT(SIGUSR1);
    cr_assert_eq(of_library(), FP_WAKER_NONE);
}

/* As of a handler that is for one signal, which has come since the look. */
Test(signal_handlers, one_that_is_gone_has_run)
{
    effect_by_policy = FP_EFFECT_NONE;
    signal(SIGUSR1, SIG_DFL);
    cr_assert_eq(of_library(), FP_WAKER_HANDLER);
}

Test(signal_handlers, what_the_policy_says)
{
    cr_assert_eq(of_library(), FP_WAKER_HANDLER);
    cr_assert_str_eq(path_asked, "/lib/libother.so");
    effect_by_policy = FP_EFFECT_NONE;
    cr_assert_eq(of_library(), FP_WAKER_NONE);
    effect_by_policy = FP_EFFECT_EXIT;
    cr_assert_eq(of_library(), FP_WAKER_EXIT);
    owner_of_handler.path = "";
    cr_assert_eq(of_library(), FP_WAKER_EXIT);
    cr_assert_str_eq(path_asked, "/bin/program");
}

Test(signal_handlers, our_own)
{
    owner_of_handler = owner_of_shim;
    cr_assert_eq(of_library(), FP_WAKER_NONE);
}

/* While a library is loaded or closed the loader says nothing of any. */
Test(signal_handlers, libraries_that_are_not_known_just_then)
{
    owner_of_shim = owner_of_handler = (struct fp_owner){0};
    effect_by_policy = FP_EFFECT_NONE;
    cr_assert_eq(of_library(), FP_WAKER_HANDLER, "two unknown ones are not the same one");
    owner_of_shim = (struct fp_owner){shim, ""};
    cr_assert_eq(of_library(), FP_WAKER_HANDLER);
}

Test(signal_handlers, the_worst_counts)
{
    handle_by(handler_that_exits, SIGHUP, 0);
    handle_by(handler_that_exits, SIGUSR2, 0);
    cr_assert_eq(of_library(), FP_WAKER_HANDLER);
    effect_by_policy = FP_EFFECT_NONE;
    cr_assert_eq(of_library(), FP_WAKER_EXIT);
}

Test(signal_handlers, faulthandler_wakes_nobody)
{
    look.handled = 0;
    handle(SIGSEGV, 0);
    is_pythons_code = has_faulthandler = true;
    cr_assert_eq(of_library(), FP_WAKER_NONE);
    has_faulthandler = false;
    cr_assert_eq(of_library(), FP_WAKER_HANDLER);
    has_faulthandler = true;
    handle(SIGUSR1, 0);
    cr_assert_eq(of_library(), FP_WAKER_HANDLER, "which is no fault's");
}

Test(signal_handlers, dumped_stacks)
{
    dumps = true;
    cr_assert_eq(waker(FP_BREAK_NONE, false), FP_WAKER_EXIT);
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, false), FP_WAKER_EXIT);
    cr_assert_eq(waker(FP_BREAK_FOR_GOOD, false), FP_WAKER_HANDLER);
}

/* It runs when the main thread is back in Python. */
Test(signal_handlers, of_python_code)
{
    is_pythons_handler = true;
    python_handler = FP_PYTHON_HANDLER_OTHER;
    cr_assert_eq(waker(FP_BREAK_NONE, true), FP_WAKER_NONE);
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, true), FP_WAKER_HANDLER);
    effect_of_code = FP_EFFECT_NONE;
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, true), FP_WAKER_NONE);
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, false), FP_WAKER_HANDLER, "Python cannot be asked");
    effect_of_code = FP_EFFECT_EXIT;
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, true), FP_WAKER_EXIT);
    cr_assert_eq(waker(FP_BREAK_FOR_GOOD, true), FP_WAKER_HANDLER,
                 "the wait ends whatever it does");
    python_handler = FP_PYTHON_HANDLER_INTERRUPT;
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, true), FP_WAKER_INTERRUPT);
    cr_assert_eq(waker(FP_BREAK_FOR_GOOD, true), FP_WAKER_INTERRUPT);
    cr_assert_eq(waker(FP_BREAK_FOR_GOOD, false), FP_WAKER_HANDLER);
    python_handler = FP_PYTHON_HANDLER_NONE;
    cr_assert_eq(waker(FP_BREAK_FOR_PYTHON, true), FP_WAKER_NONE);
}

static void set_timer(long seconds)
{
    struct itimerval timer = {.it_value = {.tv_sec = seconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

Test(signal_handlers, timers_that_end_the_process)
{
    look.handled = 0;
    set_timer(1000);
    cr_assert_eq(fp_timers_set(), FP_SIGNAL_BIT(SIGALRM));
    cr_assert_eq(of_library(), FP_WAKER_TIMER);
    look.deliverable &= ~FP_SIGNAL_BIT(SIGALRM);
    cr_assert_eq(of_library(), FP_WAKER_NONE, "no thread lets the signal through");
    set_timer(0);
    cr_assert_eq(fp_timers_set(), 0);
    has_posix_timer = true;
    cr_assert_eq(fp_timers_set(), UINT64_MAX);
    cr_assert_eq(of_library(), FP_WAKER_TIMER, "it may send any signal");
}

/* One that only ends the process is not its rescue, unless the process itself will send it. */
Test(signal_handlers, timers_with_a_handler)
{
    effect_by_policy = FP_EFFECT_EXIT;
    look.handled = 0;
    handle(SIGALRM, 0);
    cr_assert_eq(of_library(), FP_WAKER_EXIT);
    cr_assert_eq(fp_waker_find(&look, FP_BREAK_NONE, false, 0, FP_SIGNAL_BIT(SIGALRM)),
                 FP_WAKER_HANDLER, "a timer that has run out since");
    set_timer(1000);
    cr_assert_eq(of_library(), FP_WAKER_HANDLER);
}

Test(signal_handlers, calls_that_go_on)
{
    fp_handlers_changed();
    cr_assert(fp_handlers_restart());
    cr_assert_not(fp_handlers_interrupt());
    handle(SIGUSR2, 0);
    cr_assert(fp_handlers_restart(), "what is known is kept");
    fp_handlers_changed();
    cr_assert_not(fp_handlers_restart());
    cr_assert(fp_handlers_interrupt());
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_IGN);
    fp_handlers_changed();
    cr_assert_not(fp_handlers_restart());
    cr_assert_not(fp_handlers_interrupt());
}

Test(signal_handlers, one_that_waits)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    cr_assert_not(fp_handlers_wait(&before));
    raise(SIGUSR1);
    cr_assert_not(fp_handlers_wait(&before), "a call goes on behind it");
    handle(SIGUSR1, 0);
    cr_assert(fp_handlers_wait(&before));
    cr_assert_not(fp_handlers_wait(&all), "it stays blocked");
}
