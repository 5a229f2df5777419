/* See stderr_file.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/stderr_file.h"

#include "common/files.h"
#include "shim/base/child_section.h"
#include "shim/base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static struct stat at_start;
static bool was_open;

void fp_stderr_init(void)
{
    was_open = fstat(STDERR_FILENO, &at_start) == 0;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Two that were opened apart are not one, even of one file. Where the kernel does not say, the
   access and the place in the file must do. */
FP_CHILD static bool is_duplicate(int file, const struct stat *status)
{
    struct stat other;
    pid_t self = getpid();
    if (file == STDERR_FILENO || fstat(file, &other) != 0 || !is_same(&other, status))
        return false;
    long different = syscall(SYS_kcmp, self, self, KCMP_FILE, STDERR_FILENO, file);
    if (different >= 0)
        return different == 0;
    return fcntl(file, F_GETFL) == fcntl(STDERR_FILENO, F_GETFL) &&
           lseek(file, 0, SEEK_CUR) == lseek(STDERR_FILENO, 0, SEEK_CUR);
}

struct search {
    struct stat status;
    bool found;
};

FP_CHILD static bool visit(const char *name, void *context)
{
    struct search *search = context;
    int file = fp_number_of(name);
    search->found = file >= 0 && is_duplicate(file, &search->status);
    return !search->found;
}

FP_CHILD static bool has_duplicate(const struct stat *status)
{
    struct search search = {.status = *status};
    int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    fp_folder_each(folder, visit, &search);
    close(folder);
    return search.found;
}

FP_CHILD static bool is_terminal(void)
{
    struct termios settings;
    return tcgetattr(STDERR_FILENO, &settings) == 0;
}

/* Meant to be written to, and by more than one. */
FP_CHILD static bool is_log(void)
{
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    return flags >= 0 && flags & O_APPEND && (flags & O_ACCMODE) == O_WRONLY;
}

FP_CHILD bool fp_stderr_is_there(void)
{
    struct stat now;
    int saved = errno;
    bool is_there = was_open && fstat(STDERR_FILENO, &now) == 0 &&
                    (is_same(&now, &at_start) || is_terminal() || is_log() ||
                     has_duplicate(&now));
    errno = saved;
    return is_there;
}
