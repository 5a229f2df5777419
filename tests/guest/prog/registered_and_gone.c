/*
 * Runtimes that were registered by forkpolicy.h, and are not any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include "forkpolicy.h"

#include <dlfcn.h>

static int call(void *library, const char *name)
{
    int (*function)(void);
    *(void **)&function = dlsym(library, name);
    must(function != NULL, name);
    return function();
}

static void *open_it(void)
{
    void *library = dlopen("libregistering.so", RTLD_NOW);
    must(library != NULL, "dlopen");
    return library;
}

/* Nothing else gets the place of the library that was closed. */
static void close_it(void *library)
{
    uintptr_t at = (uintptr_t)dlsym(library, "reloaded_register") & ~(uintptr_t)0xfff;
    must(dlclose(library) == 0, "dlclose");
    void *place = mmap((void *)(at - 0x1000), 0x4000, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    must(place != MAP_FAILED, "mmap");
}

static void end(void)
{
}

SCENARIO(closed_and_opened_elsewhere)
{
    start_sleeper();
    void *library = open_it();
    must(call(library, "reloaded_register") == 0, "register");
    must(call(library, "reloaded_unregister") == 0, "unregister");
    close_it(library);
    must(call(open_it(), "reloaded_start") == 0, "start");
    return run_in_child(end);
}

SCENARIO(closed_after_a_fork)
{
    start_sleeper();
    void *library = open_it();
    must(call(library, "reloaded_register") == 0, "register");
    int status = run_in_child(end);
    must(call(library, "reloaded_unregister") == 0, "unregister");
    close_it(library);
    return run_in_child(end) || status;
}

static int be_quiet(void *unused)
{
    (void)unused;
    return 0;
}

/* More, one after the other, than can be registered at once. */
SCENARIO(many_one_after_the_other)
{
    static char names[200][16];
    static struct forkpolicy_runtime runtimes[200];
    for (int i = 0; forkpolicy_register && i < 200; i++) {
        snprintf(names[i], sizeof names[i], "runtime %d", i);
        runtimes[i] = (struct forkpolicy_runtime){
            .abi = FORKPOLICY_ABI, .name = names[i], .anchor = names, .prepare = be_quiet};
        must(forkpolicy_register(&runtimes[i]) == 0, "register");
        must(forkpolicy_unregister(&runtimes[i]) == 0, "unregister");
    }
    start_sleeper();
    return run_in_child(end);
}

/* One thread forks, another registers and unregisters: no handler runs after that has returned. */

static int is_registered, wrong, stop;

static int check(void *unused)
{
    (void)unused;
    rest(1);
    if (!__atomic_load_n(&is_registered, __ATOMIC_SEQ_CST))
        __atomic_store_n(&wrong, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void *come_and_go(void *unused)
{
    static const struct forkpolicy_runtime runtime = {
        .abi = FORKPOLICY_ABI, .name = "passing", .anchor = &runtime, .prepare = check};
    while (forkpolicy_register && !__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&is_registered, 1, __ATOMIC_SEQ_CST);
        must(forkpolicy_register(&runtime) == 0, "register");
        rest(1);
        must(forkpolicy_unregister(&runtime) == 0, "unregister");
        __atomic_store_n(&is_registered, 0, __ATOMIC_SEQ_CST);
    }
    return unused;
}

SCENARIO(unregistered_during_a_fork)
{
    pthread_t thread = start(come_and_go, NULL);
    for (int i = 0; i < 150; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(end_in_time(child) == 0, "the child");
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    say("handlers after the end: %d\n", wrong);
    return wrong;
}

/* Hangs: the runtime is not registered any more, its thread is lost, and no one can wake the child.
   In the last one it was still registered at an earlier fork. */
static void wait_in_vain(void)
{
    static sem_t never;
    wait_for(&never);
}

static int hang(int before, int forks)
{
    static const struct forkpolicy_runtime runtime = {
        .abi = FORKPOLICY_ABI, .name = "gone", .anchor = &runtime, .prepare = be_quiet};
    must(!before || forkpolicy_register(&runtime) == 0, "register");
    if (forks)
        run_in_child(end);
    must(!before || forkpolicy_unregister(&runtime) == 0, "unregister");
    start_sleeper();
    return run_in_child(wait_in_vain);
}

SCENARIO(hang_never_registered)
{
    return hang(0, 0);
}

SCENARIO(hang_after_it_was_registered)
{
    return hang(1, 0);
}

SCENARIO(hang_after_it_was_registered_at_a_fork)
{
    return hang(1, 1);
}
