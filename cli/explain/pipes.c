/* See pipes.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/pipes.h"

#include "common/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The number in "pipe:[7]". */
static unsigned long number_of(const char *target, const char *kind)
{
    size_t length = strlen(kind);
    return strncmp(target, kind, length) == 0 ? strtoul(target + length, NULL, 10) : 0;
}

static unsigned long pipe_of(const char *target)
{
    return number_of(target, "pipe:[");
}

static void read_target(int folder, const char *name, char *target, size_t size)
{
    ssize_t length = readlinkat(folder, name, target, size - 1);
    target[length > 0 ? length : 0] = '\0';
}

unsigned long fp_pipe_of(pid_t pid, int descriptor)
{
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, descriptor);
    read_target(AT_FDCWD, path, target, sizeof target);
    return pipe_of(target);
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

static void add_unseen(struct fp_pipes *pipes, pid_t pid)
{
    add(pipes, &(struct fp_pipe_end){FP_PIPE_ANY, pid, true, true});
}

/* Files that were sent through a socket belong to no process until somebody receives them. */
static bool holds_sent_files(pid_t pid, pid_t tid, const char *name)
{
    static const char KEY[] = "\nscm_fds:";
    char path[80], text[1024];
    snprintf(path, sizeof path, "/proc/%d/task/%d/fdinfo/%.20s", (int)pid, (int)tid, name);
    const char *at = fp_file_read(path, text, sizeof text) > 0 ? strstr(text, KEY) : NULL;
    return at && strtoul(at + sizeof KEY - 1, NULL, 10);
}

/* The mode of the link says how the file is open. */
static void read_file(struct fp_pipes *pipes, int folder, const char *name, pid_t pid, pid_t tid)
{
    char target[64];
    struct stat status;
    read_target(folder, name, target, sizeof target);
    if (number_of(target, "socket:[") && holds_sent_files(pid, tid, name))
        add_unseen(pipes, pid);
    struct fp_pipe_end end = {.pipe = pipe_of(target), .pid = pid};
    if (!end.pipe || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    end.reads = status.st_mode & S_IRUSR;
    end.writes = status.st_mode & S_IWUSR;
    add(pipes, &end);
}

static void read_files(struct fp_pipes *pipes, pid_t pid, pid_t tid)
{
    char path[64];
    const struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/task/%d/fd", (int)pid, (int)tid);
    DIR *folder = opendir(path);
    if (!folder && errno != ENOENT && errno != ESRCH)
        add_unseen(pipes, pid);
    while (folder && (entry = readdir(folder)))
        read_file(pipes, dirfd(folder), entry->d_name, pid, tid);
    if (folder)
        closedir(folder);
}

/* A main thread that has left has no files, and any thread may have its own. */
static bool has_files_of(pid_t tid, pid_t main_thread)
{
    return syscall(SYS_kcmp, tid, main_thread, KCMP_FILES, 0, 0) == 0;
}

static void read_process(struct fp_pipes *pipes, const struct fp_tree_process *process)
{
    char path[40];
    const struct dirent *entry;
    read_files(pipes, process->pid, process->pid);
    if (process->threads < 2)
        return;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process->pid);
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder))) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && tid != process->pid && !has_files_of(tid, process->pid))
            read_files(pipes, process->pid, tid);
    }
    if (folder)
        closedir(folder);
}

void fp_pipes_read(struct fp_pipes *pipes, const struct fp_tree *tree)
{
    pipes->count = 0;
    for (size_t i = 0; i < tree->count; i++)
        read_process(pipes, &tree->processes[i]);
}

void fp_pipes_free(struct fp_pipes *pipes)
{
    free(pipes->ends);
    *pipes = (struct fp_pipes){0};
}
