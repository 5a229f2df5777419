/* See pipes.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/pipes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long pipe_at(int folder, const char *name)
{
    static const char PREFIX[] = "pipe:[";
    char target[64];
    ssize_t length = readlinkat(folder, name, target, sizeof target - 1);
    if (length <= 0)
        return 0;
    target[length] = '\0';
    return strncmp(target, PREFIX, sizeof PREFIX - 1) == 0
               ? strtoul(target + sizeof PREFIX - 1, NULL, 10)
               : 0;
}

unsigned long fp_pipe_of(pid_t pid, int descriptor)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, descriptor);
    return pipe_at(AT_FDCWD, path);
}

/* The mode of the link says how the file is open. */
bool fp_pipe_has_end(pid_t pid, unsigned long pipe, bool to_write)
{
    char path[40];
    bool found = false;
    const struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    while (folder && !found && (entry = readdir(folder))) {
        struct stat status;
        found = pipe_at(dirfd(folder), entry->d_name) == pipe &&
                fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                (status.st_mode & (to_write ? S_IWUSR : S_IRUSR));
    }
    if (folder)
        closedir(folder);
    return found;
}
