/*
 * slots FORKERS CHILDREN DELAY LIBRARY...: threads fork, CHILDREN times in all, while another one
 * opens and closes the libraries in turn; an atfork handler takes DELAY microseconds. A child runs
 * `check` of the library that is open, if one is. Without a library the children open one, which
 * the loader's lock must let them. Says how many children there were, how many found something
 * wrong, and how many a signal ended (14: they hung).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>
#include <stdatomic.h>

typedef int check_function(void);

static char **libraries;
static unsigned delay;
static atomic_int left, bad, ended, stop;
static _Atomic(check_function *) check;

static void *open_and_close(void *unused)
{
    for (unsigned i = 0; !stop; i++) {
        if (!libraries[i])
            i = 0;
        void *library = dlopen(libraries[i], RTLD_LAZY);
        must(library != NULL, "dlopen");
        check = (check_function *)dlsym(library, "check");
        usleep(200);
        check = NULL;
        dlclose(library);
        usleep(i % 2 ? 200 : 0); /* the next one comes to the same place */
    }
    return unused;
}

static void take_a_while(void)
{
    if (delay)
        usleep(delay);
}

static int look_around(void)
{
    alarm(20);
    check_function *now = check;
    if (now)
        return now();
    return !*libraries && !dlopen("libutil.so.1", RTLD_NOW);
}

static void *fork_again(void *unused)
{
    while (atomic_fetch_sub(&left, 1) > 0) {
        pid_t child = fork();
        if (child == 0)
            _exit(look_around());
        int end = end_of(child);
        bad += end > 0 && end < 128;
        ended += end > 128;
    }
    return unused;
}

int main(int count, char **arguments)
{
    pthread_t opener, forkers[16];
    must(count >= 4, "three numbers");
    int threads = atoi(arguments[1]);
    int children = left = atoi(arguments[2]);
    delay = (unsigned)atoi(arguments[3]);
    libraries = arguments + 4;
    must(threads <= 16, "too many threads");
    pthread_atfork(take_a_while, NULL, NULL);
    start_sleeper();
    if (*libraries)
        must(!pthread_create(&opener, NULL, open_and_close, NULL), "pthread_create");
    for (int i = 0; i < threads; i++)
        must(!pthread_create(&forkers[i], NULL, fork_again, NULL), "pthread_create");
    for (int i = 0; i < threads; i++)
        pthread_join(forkers[i], NULL);
    stop = 1;
    if (*libraries)
        pthread_join(opener, NULL);
    say("%d children, %d bad, %d ended\n", children, bad, ended);
    return bad || ended;
}
