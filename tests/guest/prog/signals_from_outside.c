/*
 * A handler posts what the child waits for; the signal is sent by another process, its parent, and
 * may be any: also one that a fault would raise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static sem_t semaphore;
static int word, pipes[2];

static void post(int number)
{
    (void)number;
    sem_post(&semaphore);
}

static void set_word(int number)
{
    (void)number;
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    futex(&word, FUTEX_WAKE_PRIVATE, 1);
}

static void be_ready(void)
{
    must(write(pipes[1], ".", 1) == 1, "write");
}

/* Sends it when the child has been asleep for a while. */
static int send_to(pid_t child, int number)
{
    char byte;
    must(read(pipes[0], &byte, 1) == 1, "read");
    rest(LOOKS);
    kill(child, number);
    return tell_end(end_in_time(child));
}

static pid_t start_waiter(void)
{
    start_sleeper();
    must(pipe(pipes) == 0, "pipe");
    sem_init(&semaphore, 0, 0);
    pid_t child = fork();
    must(child >= 0, "fork");
    return child;
}

static void *wait_for_ever(void *unused)
{
    static sem_t never;
    wait_for(&never);
    return unused;
}

#define POSTS(name, number)                   \
    SCENARIO(name)                            \
    {                                         \
        pid_t child = start_waiter();         \
        if (child == 0) {                     \
            handle(number, post, SA_RESTART); \
            be_ready();                       \
            wait_for(&semaphore);             \
            _exit(0);                         \
        }                                     \
        return send_to(child, number);        \
    }

POSTS(posts_at_usr1, SIGUSR1)
POSTS(posts_at_abrt, SIGABRT)
POSTS(posts_at_trap, SIGTRAP)
POSTS(posts_at_pipe, SIGPIPE)
POSTS(posts_at_xfsz, SIGXFSZ)
POSTS(posts_at_xcpu, SIGXCPU)
POSTS(posts_at_sys, SIGSYS)
POSTS(posts_at_bus, SIGBUS)
POSTS(posts_at_ill, SIGILL)
POSTS(posts_at_fpe, SIGFPE)
POSTS(posts_at_segv, SIGSEGV)
POSTS(posts_at_chld, SIGCHLD)
POSTS(posts_at_cont, SIGCONT)
POSTS(posts_at_urg, SIGURG)
POSTS(posts_at_rtmax, SIGRTMAX)

/* The same for a futex, and in company. */
#define SETS(name, number, prepare)                           \
    SCENARIO(name)                                            \
    {                                                         \
        pid_t child = start_waiter();                         \
        if (child == 0) {                                     \
            handle(number, set_word, SA_RESTART);             \
            prepare;                                          \
            be_ready();                                       \
            while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST)) \
                futex(&word, FUTEX_WAIT_PRIVATE, 0);          \
            _exit(0);                                         \
        }                                                     \
        return send_to(child, number);                        \
    }

SETS(sets_a_word_at_usr2, SIGUSR2, )
SETS(sets_a_word_at_abrt, SIGABRT, )
SETS(sets_a_word_at_chld, SIGCHLD, )
SETS(sets_a_word_at_segv_in_company, SIGSEGV, start(wait_for_ever, NULL))
SETS(sets_a_word_at_pipe_in_company, SIGPIPE, start(wait_for_ever, NULL))
