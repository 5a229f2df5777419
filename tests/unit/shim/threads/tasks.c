/*
 * Tests of shim/threads/tasks.c: a list that is shorter than the kernel's count is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim/threads/tasks.h"

#include "common/files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const NAMES[] = {".", "..", "7", "8", "70001"};
static unsigned counted = 3;

int stat(const char *path, struct stat *status)
{
    int error = fstatat(AT_FDCWD, path, status, 0);
    if (strcmp(path, "/proc/self/task") == 0)
        status->st_nlink = 2 + counted;
    return error;
}

int fp_file_open(int folder, const char *path, int flags)
{
    return openat(folder, path, flags);
}

void fp_file_close(int file)
{
    close(file);
}

void fp_folder_each(int folder, bool (*visit)(const char *name, void *context), void *context)
{
    bool goes_on = folder >= 0;
    for (size_t i = 0; goes_on && i < sizeof NAMES / sizeof *NAMES; i++)
        goes_on = visit(NAMES[i], context);
}

struct seen {
    int sum, until;
};

static bool add(int tid, void *context)
{
    struct seen *seen = context;
    seen->sum += tid;
    return tid != seen->until;
}

Test(tasks, each_thread_and_nothing_else)
{
    struct seen seen = {0, 0};
    cr_assert(fp_tasks_each(add, &seen));
    cr_assert_eq(seen.sum, 7 + 8 + 70001);
}

/* The kernel's list stops at a thread that ends while it is made. */
Test(tasks, a_list_that_was_cut_short)
{
    struct seen seen = {0, 0};
    counted = 4;
    cr_assert_not(fp_tasks_each(add, &seen));
    counted = 0; /* /proc does not tell */
    cr_assert_not(fp_tasks_each(add, &seen));
}

Test(tasks, one_that_was_not_read_to_its_end)
{
    struct seen seen = {0, 8};
    counted = 4;
    cr_assert(fp_tasks_each(add, &seen));
    cr_assert_eq(seen.sum, 7 + 8);
}
