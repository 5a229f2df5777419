/* See tasks.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/threads/tasks.h"

#include "common/files.h"
#include "shim/base/number.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char TASKS[] = "/proc/self/task";

unsigned fp_tasks_count(void)
{
    struct stat status;
    /* The folder's link count is 2 + the number of threads (Linux fs/proc/base.c). */
    if (stat(TASKS, &status) != 0 || status.st_nlink < 3)
        return 0;
    return (unsigned)status.st_nlink - 2;
}

struct walk {
    bool (*visit)(int tid, void *context);
    void *context;
    unsigned listed;
    bool goes_on;
};

static bool step(const char *name, void *context)
{
    struct walk *walk = context;
    int tid = fp_number_of(name);
    if (tid < 0)
        return true;
    walk->listed++;
    walk->goes_on = walk->visit(tid, walk->context);
    return walk->goes_on;
}

bool fp_tasks_each(bool (*visit)(int tid, void *context), void *context)
{
    return fp_tasks_each_with(visit, context, 0);
}

bool fp_tasks_each_with(bool (*visit)(int tid, void *context), void *context, int flags)
{
    struct walk walk = {visit, context, 0, true};
    int folder = fp_file_open(AT_FDCWD, TASKS, O_RDONLY | O_DIRECTORY | flags);
    if (folder < 0)
        return false;
    fp_folder_each(folder, step, &walk);
    fp_file_close(folder);
    return !walk.goes_on || walk.listed == fp_tasks_count();
}
