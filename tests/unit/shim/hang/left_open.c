/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/left_open.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static char stack[3]; /* places of frames: the deeper the lower */

static int open_task(int flags)
{
    int file = open("/proc/self/task", O_RDONLY | flags);
    cr_assert(file >= 0);
    return file;
}

static bool is_open(int file)
{
    return fcntl(file, F_GETFD) >= 0;
}

Test(left_open, work_that_ended)
{
    fp_left_frame left = NULL;
    int file = open_task(FP_LEFT_OPEN_FLAGS);
    cr_assert(fp_left_open_begin(&left, stack + 1));
    fp_left_open_end(&left);
    cr_assert(fp_left_open_begin(&left, stack + 2));
    cr_assert(is_open(file), "nothing was left");
}

Test(left_open, work_that_was_left)
{
    for (int above = 0; above < 2; above++) {
        fp_left_frame left = NULL;
        int file = open_task(FP_LEFT_OPEN_FLAGS), own = open_task(0), null;
        null = open("/dev/null", O_WRONLY | FP_LEFT_OPEN_FLAGS);
        cr_assert(fp_left_open_begin(&left, stack + 1));
        cr_assert(fp_left_open_begin(&left, stack + 1 + above));
        cr_assert_not(is_open(file));
        cr_assert(is_open(own) && is_open(null), "the program's own");
        fp_left_open_end(&left);
    }
}

/* A handler that has broken in begins below. */
Test(left_open, work_that_goes_on)
{
    fp_left_frame left = NULL;
    int file = open_task(FP_LEFT_OPEN_FLAGS);
    cr_assert(fp_left_open_begin(&left, stack + 1));
    cr_assert_not(fp_left_open_begin(&left, stack));
    cr_assert(is_open(file));
    cr_assert(fp_left_open_begin(&left, stack + 1), "it is left after all");
    cr_assert_not(is_open(file));
}

static fp_left_frame interrupted;
static bool has_begun;

static void begin_on_another_stack(int number)
{
    (void)number;
    has_begun = fp_left_open_begin(&interrupted, stack + 2);
}

Test(left_open, handler_on_a_stack_of_its_own)
{
    static char memory[65536];
    stack_t handlers = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction action = {.sa_handler = begin_on_another_stack, .sa_flags = SA_ONSTACK};
    sigaltstack(&handlers, NULL);
    sigaction(SIGUSR1, &action, NULL);
    cr_assert(fp_left_open_begin(&interrupted, stack + 1));
    raise(SIGUSR1);
    cr_assert_not(has_begun);
}
