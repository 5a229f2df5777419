/*
 * A plug-in that registers as a runtime is closed, with and without a word, and opened again. The
 * arguments: the library and the case. SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/mman.h>

static void *library;

static int call(const char *name)
{
    int (*function)(void);
    *(void **)&function = dlsym(library, name);
    must(function != NULL, name);
    return function();
}

static int number(const char *name)
{
    return *(int *)dlsym(library, name);
}

static void open_it(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    must(library != NULL, "dlopen");
}

/* And keeps the loader from putting anything there again. */
static void close_it(bool keeps_place)
{
    uintptr_t inside = (uintptr_t)dlsym(library, "plugin_register") & ~(uintptr_t)0xfff;
    must(dlclose(library) == 0, "dlclose");
    if (!keeps_place)
        must(mmap((void *)(inside - 0x4000), 0x8000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                 MAP_FAILED,
             "mmap");
}

static int fork_once(const char *in_child)
{
    pid_t child = fork();
    if (child == 0) {
        if (in_child)
            call(in_child);
        _exit(0);
    }
    return end_of(child);
}

/* 200 times: places are given back. */
static void again_and_again(const char *path)
{
    for (int i = 0; i < 200; i++) {
        open_it(path);
        must(call("plugin_register") == 0, "register");
        must(fork_once(NULL) == 0 && number("plugin_told") == 1, "fork");
        if (i % 2)
            must(call("plugin_unregister") == 0, "unregister");
        must(dlclose(library) == 0, "dlclose");
    }
    must(fork_once(NULL) == 0, "fork");
}

int main(int count, char **arguments)
{
    must(count == 3, "the library and the case");
    const char *path = arguments[1], *mode = arguments[2];
    if (strcmp(mode, "again") == 0) {
        again_and_again(path);
        return 0;
    }
    start_sleeper();
    open_it(path);
    must(call("plugin_register") == 0, "register");
    if (strcmp(mode, "unregistered") == 0)
        must(call("plugin_unregister") == 0, "unregister");
    close_it(false);
    say("closed %d\n", fork_once(NULL));
    open_it(path);
    must(call("plugin_start") == 0, "start");
    say("waits %d\n", fork_once("plugin_wait"));
    return 0;
}
