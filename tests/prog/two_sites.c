/* Forks ten times in the program itself and ten times in the library that is the argument and has
   threads. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <dlfcn.h>

int main(int count, char **arguments)
{
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    must(library != NULL, "dlopen");
    void (*start)(int) = (void (*)(int))dlsym(library, "start_threads");
    pid_t (*fork_here)(void) = (pid_t(*)(void))dlsym(library, "fork_here");
    start(3);
    for (int i = 0; i < 20; i++) {
        pid_t child = i < 10 ? fork() : fork_here();
        if (child == 0)
            _exit(0);
        must(end_of(child) == 0, "the child");
    }
    say("done\n");
    return 0;
}
