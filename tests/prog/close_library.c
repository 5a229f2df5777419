/* Closes a library that owned threads, forks, and opens it again: the loader puts it at the same
   place. The library is the argument. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <dlfcn.h>

static void use(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    must(library != NULL, "dlopen");
    void (*start)(int) = (void (*)(int))dlsym(library, "start_threads");
    void (*stop)(void) = (void (*)(void))dlsym(library, "stop_threads");
    must(start && stop, "dlsym");
    start(2);
    pid_t child = fork();
    if (child == 0)
        _exit(1);
    say("open: %d\n", end_of(child));
    stop();
    must(dlclose(library) == 0, "dlclose");
    must(!dlopen(path, RTLD_NOLOAD | RTLD_NOW), "the library is still there");
    child = fork();
    if (child == 0) {
        start_and_join();
        _exit(2);
    }
    say("closed: %d\n", end_of(child));
}

int main(int count, char **arguments)
{
    must(count == 2, "the library's path");
    start_sleeper();
    for (int i = 0; i < 3; i++)
        use(arguments[1]);
    return 0;
}
