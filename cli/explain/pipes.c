/* See pipes.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/pipes.h"

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

static void add(struct fp_pipes *pipes, const struct fp_pipe_end *end)
{
    if (pipes->count == pipes->capacity) {
        size_t capacity = pipes->capacity ? 2 * pipes->capacity : 64;
        void *grown = realloc(pipes->ends, capacity * sizeof *pipes->ends);
        if (!grown)
            return;
        pipes->ends = grown;
        pipes->capacity = capacity;
    }
    pipes->ends[pipes->count++] = *end;
}

/* The mode of the link says how the file is open. */
static void read_ends(struct fp_pipes *pipes, pid_t pid)
{
    char path[40];
    const struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder))) {
        struct stat status;
        struct fp_pipe_end end = {.pipe = pipe_at(dirfd(folder), entry->d_name), .pid = pid};
        if (!end.pipe || fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        end.reads = status.st_mode & S_IRUSR;
        end.writes = status.st_mode & S_IWUSR;
        add(pipes, &end);
    }
    if (folder)
        closedir(folder);
}

void fp_pipes_read(struct fp_pipes *pipes, const struct fp_tree *tree)
{
    pipes->count = 0;
    for (size_t i = 0; i < tree->count; i++)
        read_ends(pipes, tree->processes[i].pid);
}

void fp_pipes_free(struct fp_pipes *pipes)
{
    free(pipes->ends);
    *pipes = (struct fp_pipes){0};
}
