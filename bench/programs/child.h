/*
 * What the programs share that fork beside a foreign thread: one of a library (foreign.c) that the
 * child loses. They end with 1 where what they are to measure is not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_BENCH_CHILD_H
#define FP_BENCH_CHILD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "failed: %s\n", what);
    _exit(1);
}

/* Its library, with the thread started. */
static inline void *start_foreign(const char *path)
{
    int (*start)(void);
    void *library = dlopen(path, RTLD_NOW);
    must(library != NULL, path);
    *(void **)&start = dlsym(library, "foreign_start");
    must(start && start() == 0, "foreign_start");
    return library;
}

/* Whether a function of libc, as the caller's slot has it, is the watch's. The bench sets
   FORKPOLICY where, and only where, a child is to be watched. */
static inline int is_led(const void *function)
{
    Dl_info info;
    must(dladdr(function, &info) && info.dli_fname, "dladdr");
    return strstr(info.dli_fname, "libforkpolicy") != NULL;
}

static inline void must_be_watched(const void *function)
{
    must(is_led(function) == (getenv("FORKPOLICY") != NULL), "the watch over the child");
}

/* What a child leaves for its parent. */
static inline void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "mmap");
    return memory;
}

/* Forks a child that does it; its exit status, or -1. */
static inline int run_in_child(void (*run)(void *context), void *context)
{
    int status = 0;
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        run(context);
        _exit(0);
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
