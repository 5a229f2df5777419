/*
 * allows CASE: a thread of libdemo.so (the argument behind), and forks that the program allows by
 * forkpolicy.h.
 *
 *     bad       what cannot be allowed
 *     forks     a fork before, two within, and one after what is allowed
 *     order     two at a time, ended in the order in which they began
 *     thread    another thread allows it: that holds for its own forks alone
 *     child     a forked child within what is allowed forks, too
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include "forkpolicy.h"

#include <dlfcn.h>

static struct forkpolicy_allowance demo = {
    .abi = FORKPOLICY_ABI, .what = "demo", .reason = "the child only execs"};

static int allow(struct forkpolicy_allowance *allowance)
{
    return forkpolicy_allow ? forkpolicy_allow(allowance) : 0;
}

static int disallow(struct forkpolicy_allowance *allowance)
{
    return forkpolicy_disallow ? forkpolicy_disallow(allowance) : 0;
}

static void fork_once(const char *name)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    say("%s %s\n", name, child < 0 ? "refused" : "forked");
    if (child > 0)
        must(end_of(child) == 0, "the child");
}

static int try(const char *what, const char *reason, unsigned abi)
{
    struct forkpolicy_allowance allowance = {.abi = abi, .what = what, .reason = reason};
    int answer = allow(&allowance);
    if (answer == 0)
        must(disallow(&allowance) == 0, "disallow");
    return answer;
}

static void bad(void)
{
    static char filler[1200];
    memset(filler, 'x', sizeof filler - 1);
    say("good %d\n", try("demo@*.c:main", NULL, FORKPOLICY_ABI));
    say("null %d\n", allow(NULL) == EINVAL);
    say("abi %d\n", try("demo", NULL, 7) == EINVAL);
    say("nothing %d\n", try(NULL, NULL, FORKPOLICY_ABI) == EINVAL);
    say("empty %d\n", try("", NULL, FORKPOLICY_ABI) == EINVAL);
    say("pattern %d\n", try("de[mo", NULL, FORKPOLICY_ABI) == EINVAL);
    say("place %d\n", try("demo@", NULL, FORKPOLICY_ABI) == EINVAL);
    say("comma %d\n", try("demo,other", NULL, FORKPOLICY_ABI) == EINVAL);
    say("lines %d\n", try("demo", "one\ntwo", FORKPOLICY_ABI) == EINVAL);
    say("long %d\n", try("demo", filler, FORKPOLICY_ABI) == ENOSPC);
    must(allow(&demo) == 0, "allow");
    say("twice %d\n", allow(&demo) == EEXIST);
    must(disallow(&demo) == 0, "disallow");
    say("gone %d\n", disallow(&demo) == ENOENT);
}

static void forks(void)
{
    fork_once("before");
    must(allow(&demo) == 0, "allow");
    fork_once("within");
    fork_once("within");
    must(disallow(&demo) == 0, "disallow");
    fork_once("after");
}

static void order(void)
{
    struct forkpolicy_allowance other = {.abi = FORKPOLICY_ABI, .what = "other"};
    must(allow(&demo) == 0 && allow(&other) == 0, "allow");
    must(disallow(&demo) == 0, "disallow");
    fork_once("other");
    must(allow(&demo) == 0 && disallow(&other) == 0, "again");
    fork_once("demo");
    must(disallow(&demo) == 0, "disallow");
}

static void *fork_in_thread(void *unused)
{
    must(allow(&demo) == 0, "allow");
    fork_once("own");
    return unused;
}

static void thread(void)
{
    pthread_t other;
    pthread_create(&other, NULL, fork_in_thread, NULL);
    pthread_join(other, NULL);
    fork_once("main");
}

static void child(void *library)
{
    must(allow(&demo) == 0, "allow");
    pid_t child = fork();
    if (child == 0) {
        ((void (*)(int))dlsym(library, "start_threads"))(3);
        fork_once("grandchild");
        must(disallow(&demo) == 0, "disallow");
        fork_once("after");
        _exit(0);
    }
    must(end_of(child) == 0, "the child");
}

int main(int count, char **arguments)
{
    const char *mode = count > 2 ? arguments[1] : "";
    void *library = count > 2 ? dlopen(arguments[2], RTLD_NOW) : NULL;
    must(library != NULL, "dlopen");
    ((void (*)(int))dlsym(library, "start_threads"))(3);
    if (strcmp(mode, "bad") == 0)
        bad();
    else if (strcmp(mode, "forks") == 0)
        forks();
    else if (strcmp(mode, "order") == 0)
        order();
    else if (strcmp(mode, "thread") == 0)
        thread();
    else if (strcmp(mode, "child") == 0)
        child(library);
    return 0;
}
