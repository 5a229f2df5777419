/* See process_tree.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/base/process_tree.h"

#include "common/files.h"
#include "common/forked.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool fp_tree_read_process(pid_t pid, struct fp_tree_process *process)
{
    enum { PARENT = 1, SESSION = 3, FLAGS = 6, TIMES = 11, THREADS = 17, BEGUN = 19, FIELDS };
    char path[40], line[1024];
    unsigned long long fields[FIELDS] = {
        0}; /* behind the state; what is negative does not matter */
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (fp_file_read(path, line, sizeof line) <= 0)
        return false;
    char *at = strrchr(line, ')'); /* a name may hold what it likes */
    *process = (struct fp_tree_process){.pid = pid};
    if (!at || strlen(at) < 4)
        return false;
    process->state = at[2];
    at += 3;
    for (int i = PARENT; i < FIELDS; i++)
        fields[i] = strtoull(at, &at, 10);
    process->parent = (pid_t)fields[PARENT];
    process->session = (pid_t)fields[SESSION];
    process->forked = fields[FLAGS] & FP_FORKED_NO_EXEC;
    for (int i = 0; i < 4; i++) /* its own, and its children's: in user code, in the kernel */
        process->ticks += fields[TIMES + i];
    process->threads = (unsigned)fields[THREADS];
    process->begun = fields[BEGUN];
    /* Where only the main thread has left, its other threads go on. */
    return process->state != 'X' && (process->state != 'Z' || process->threads > 1);
}

static void add(struct fp_tree *tree, const struct fp_tree_process *process)
{
    if (tree->count == tree->capacity) {
        size_t capacity = tree->capacity ? 2 * tree->capacity : 64;
        void *grown = realloc(tree->processes, capacity * sizeof *process);
        if (!grown)
            return;
        tree->processes = grown;
        tree->capacity = capacity;
    }
    tree->processes[tree->count++] = *process;
}

static void read_all(struct fp_tree *all)
{
    struct fp_tree_process process;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    all->count = 0;
    while (folder && (entry = readdir(folder))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && fp_tree_read_process(pid, &process))
            add(all, &process);
    }
    if (folder)
        closedir(folder);
}

void fp_tree_read(struct fp_tree *tree, pid_t root)
{
    struct fp_tree all = {0};
    pid_t parent = root;
    read_all(&all);
    tree->count = 0;
    for (size_t next = 0;; parent = tree->processes[next++].pid) {
        for (size_t i = 0; i < all.count; i++)
            if (all.processes[i].parent == parent && all.processes[i].pid != parent &&
                !fp_tree_find(tree, all.processes[i].pid))
                add(tree, &all.processes[i]);
        if (next == tree->count)
            break;
    }
    fp_tree_free(&all);
}

void fp_tree_free(struct fp_tree *tree)
{
    free(tree->processes);
    *tree = (struct fp_tree){0};
}

const struct fp_tree_process *fp_tree_find(const struct fp_tree *tree, pid_t pid)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->processes[i].pid == pid)
            return &tree->processes[i];
    return NULL;
}

static void signal_all(const struct fp_tree *tree, int number)
{
    for (size_t i = 0; i < tree->count; i++)
        kill(tree->processes[i].pid, number);
}

static long milliseconds_since(const struct timespec *begin)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000;
}

size_t fp_tree_end(unsigned milliseconds)
{
    const struct timespec pause = {0, 20000000};
    struct fp_tree tree = {0};
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    fp_tree_read(&tree, getpid());
    size_t count = tree.count;
    signal_all(&tree, SIGTERM);
    signal_all(&tree, SIGCONT); /* what is stopped takes no SIGTERM */
    while (tree.count) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        fp_tree_read(&tree, getpid());
        /* Again and again: a pool starts a new worker for each that is killed. */
        if (milliseconds_since(&begin) >= (long)milliseconds)
            signal_all(&tree, SIGKILL);
        if (tree.count)
            nanosleep(&pause, NULL);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    fp_tree_free(&tree);
    return count;
}
