/*
 * carried_library LIBRARY CASE FORKS: a pool of a library (lib/carried_pool.c) is carried into
 * children, of a program that goes about it in an unusual way. Says how many of them got the right
 * answer.
 *
 *   cancelled  a child cancels the threads at once, and starts others
 *   loaded     the pool starts while the library is loaded (STARTS=load)
 *   reloaded   before each fork the library is closed, and loaded again
 *   asked      a fork handler of the program's has the pool work, before each fork
 *   told       likewise, after each fork, in the parent
 *   renewed    fork handlers of the program's stop the pool before a fork, and start it in both
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>
#include <stdbool.h>

static void *library;
static const char *name;

static bool is(const char *asked)
{
    return strcmp(name, asked) == 0;
}

static void open_it(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    must(library != NULL, "dlopen");
}

static void call(const char *function)
{
    void (*called)(void);
    *(void **)&called = dlsym(library, function);
    called();
}

static bool works(void)
{
    long (*sum)(long);
    *(void **)&sum = dlsym(library, "pool_sum");
    return sum(30) == 465;
}

static void use(void)
{
    must(works(), "the parent's pool");
}

static void stop(void)
{
    call("pool_stop");
}

static void start(void)
{
    call("pool_start");
}

static void reload(const char *path)
{
    stop();
    must(dlclose(library) == 0, "dlclose");
    open_it(path);
    start();
    use();
}

static int try_pool(void)
{
    if (is("cancelled")) {
        call("pool_cancel");
        start();
    }
    return works() ? 0 : 1;
}

int main(int arguments_count, char **arguments)
{
    must(arguments_count == 4, "carried_library LIBRARY CASE FORKS");
    int good = 0;
    name = arguments[2];
    open_it(arguments[1]);
    if (!is("loaded"))
        start();
    use();
    if (is("asked") || is("told"))
        pthread_atfork(is("asked") ? use : NULL, is("told") ? use : NULL, NULL);
    if (is("renewed"))
        pthread_atfork(stop, start, start);
    for (int i = 0; i < atoi(arguments[3]); i++) {
        if (is("reloaded"))
            reload(arguments[1]);
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0)
            _exit(try_pool());
        good += end_of(child) == 0;
        use();
    }
    say("%d of %s\n", good, arguments[3]);
    return 0;
}
