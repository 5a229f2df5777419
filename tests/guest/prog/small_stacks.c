/*
 * Forks and waits on small stacks, with nothing said and a record written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static sem_t semaphore;

static void *fork_here(void *unused)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    (void)unused;
    return (void *)(intptr_t)end_in_time(child);
}

static pthread_t start_on(size_t size, void *(*routine)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    must(pthread_attr_setstacksize(&attributes, size) == 0, "pthread_attr_setstacksize");
    must(pthread_create(&thread, &attributes, routine, NULL) == 0, "pthread_create");
    return thread;
}

static int join_it(pthread_t thread)
{
    void *result;
    must(pthread_join(thread, &result) == 0, "pthread_join");
    return tell_end((int)(intptr_t)result);
}

#define FORKS(name, size)                          \
    SCENARIO(name)                                 \
    {                                              \
        start_sleeper();                           \
        return join_it(start_on(size, fork_here)); \
    }

FORKS(fork_on_16_kib, 16384)
FORKS(fork_on_20_kib, 20480)
FORKS(fork_on_24_kib, 24576)
FORKS(fork_on_32_kib, 32768)
FORKS(fork_on_64_kib, 65536)

static void *wait_here(void *unused)
{
    wait_for(&semaphore);
    return unused;
}

CHILD(wait_on_16_kib)
{
    sem_init(&semaphore, 0, 0);
    pthread_t thread = start_on(16384, wait_here);
    rest(LOOKS);
    sem_post(&semaphore);
    pthread_join(thread, NULL);
}

/* What lies below an alternate stack is somebody else's. */

static struct {
    unsigned char below[32768];
    char stack[8192];
} alternate __attribute__((aligned(4096)));

static int ended_with;

static void fork_in_handler(int number)
{
    (void)number;
    ended_with = (int)(intptr_t)fork_here(NULL);
}

SCENARIO(fork_on_an_alternate_stack)
{
    stack_t stack = {.ss_sp = alternate.stack, .ss_size = sizeof alternate.stack};
    int changed = 0;
    start_sleeper();
    memset(alternate.below, 0x5a, sizeof alternate.below);
    must(sigaltstack(&stack, NULL) == 0, "sigaltstack");
    handle(SIGUSR1, fork_in_handler, SA_ONSTACK);
    raise(SIGUSR1);
    for (size_t i = 0; i < sizeof alternate.below; i++)
        changed += alternate.below[i] != 0x5a;
    say("%d bytes below the stack changed\n", changed);
    return tell_end(ended_with) || changed;
}

static void wait_in_handler(int number)
{
    (void)number;
    wait_for(&semaphore);
}

static void *post_later(void *unused)
{
    rest(LOOKS);
    sem_post(&semaphore);
    return unused;
}

CHILD(wait_on_an_alternate_stack)
{
    stack_t stack = {.ss_sp = alternate.stack, .ss_size = sizeof alternate.stack};
    memset(alternate.below, 0x5a, sizeof alternate.below);
    sem_init(&semaphore, 0, 0);
    must(sigaltstack(&stack, NULL) == 0, "sigaltstack");
    handle(SIGUSR1, wait_in_handler, SA_ONSTACK);
    sigset_t user;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &user, NULL);
    start(post_later, NULL);
    pthread_sigmask(SIG_UNBLOCK, &user, NULL);
    raise(SIGUSR1);
    for (size_t i = 0; i < sizeof alternate.below; i++)
        must(alternate.below[i] == 0x5a, "the bytes below the stack");
}
