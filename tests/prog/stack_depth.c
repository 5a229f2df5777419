/*
 * How deep into its stack a thread gets that forks, beside others: "fork: PARENT CHILD", in bytes
 * below its own frame; then whether it may fork on 16 KiB of stack, and in a handler on 8 KiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <sys/mman.h>

enum { SIZE = 256 * 1024, SMALL = 16 * 1024, ALTERNATE = 8 * 1024, CANARY = 64 * 1024 };

static char *stack;
static unsigned *depths; /* shared with the child */

/* Below this frame, as far as somebody has been there. */
__attribute__((noinline)) static unsigned depth_below(const char *frame)
{
    const char *at = stack;
    while (at < frame && *at == 0x5a)
        at++;
    return (unsigned)(frame - at);
}

/* By its address, which is known from the start: the loader takes 3 KiB to find it at a call. */
static pid_t (*volatile fork_now)(void) = fork;

__attribute__((noinline)) static void *fork_measured(void *unused)
{
    char *frame = __builtin_frame_address(0);
    memset(stack, 0x5a, (size_t)(frame - stack) - 512);
    pid_t child = fork_now();
    if (child == 0) {
        depths[1] = depth_below(frame);
        _exit(0);
    }
    depths[0] = depth_below(frame);
    end_of(child);
    say("fork: %u %u\n", depths[0], depths[1]);
    return unused;
}

static void *fork_here(void *unused)
{
    pid_t child = fork();
    if (child == 0)
        _exit(5);
    say("small: %d\n", end_of(child));
    return unused;
}

static void run_thread(size_t size, void *(*routine)(void *))
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (size == SIZE)
        must(!pthread_attr_setstack(&attributes, stack, SIZE), "setstack");
    else
        must(!pthread_attr_setstacksize(&attributes, size), "setstacksize");
    must(!pthread_create(&thread, &attributes, routine, NULL), "pthread_create");
    pthread_join(thread, NULL);
}

static void on_signal(int number)
{
    (void)number;
    fork_here(NULL);
}

static void fork_in_handler(void)
{
    char *memory =
        mmap(NULL, CANARY + ALTERNATE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 0x5a, CANARY);
    stack_t alternate = {.ss_sp = memory + CANARY, .ss_size = ALTERNATE};
    must(sigaltstack(&alternate, NULL) == 0, "sigaltstack");
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    unsigned spoilt = 0;
    for (int i = 0; i < CANARY; i++)
        spoilt += memory[i] != 0x5a;
    say("spoilt: %u\n", spoilt);
}

int main(void)
{
    stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    depths = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(stack != MAP_FAILED && depths != MAP_FAILED, "mmap");
    start_sleeper();
    run_thread(SIZE, fork_measured);
    run_thread(SMALL, fork_here);
    fork_in_handler();
    return 0;
}
