/* Fine cases: a signal handler ends the wait. SPDX-License-Identifier: Apache-2.0 */
#include "dead_waits.h"

#include <linux/futex.h>
#include <sys/time.h>

static volatile sig_atomic_t handled;

static void post_both(int number)
{
    (void)number;
    handled = 1;
    own.happened = 1; /* nobody holds the mutex for longer than it takes to wait */
    sem_post(&own.sem);
    sem_post(&own.other);
    set_word(&own, FUTEX_WAKE_PRIVATE);
    pthread_cond_signal(&own.changed);
}

static void note(int number)
{
    (void)number;
    handled = 1;
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    must(sigaction(number, &action, NULL) == 0, "sigaction");
}

static void handled_post(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    await_post(&own);
    must(handled, "handled");
}

static void handled_post_by(int number)
{
    handle(number, post_both, 0);
    await_post(&own);
    must(handled, "handled");
}

static void handled_terminate(void)
{
    handled_post_by(SIGTERM);
}

static void handled_interrupt(void)
{
    handled_post_by(SIGINT);
}

static void handled_alarm(void)
{
    struct itimerval once = {.it_value = {LATER / 1000, LATER % 1000 * 1000}};
    handle(SIGALRM, post_both, SA_RESTART);
    must(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
    await_post(&own);
    must(handled, "handled");
}

/* The handler only takes note; that the wait breaks off is what the program counts on. */
static void interrupted_post(void)
{
    handle(SIGUSR1, note, 0);
    while (!handled)
        must(sem_wait(&own.sem) < 0 && errno == EINTR, "EINTR of sem_wait");
}

static void interrupted_futex(void)
{
    handle(SIGUSR1, note, 0);
    while (!handled) {
        long result = syscall(SYS_futex, &own.word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
        must(result < 0 && errno == EINTR, "EINTR of the futex");
    }
}

static void handled_futex(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    await_word(&own, FUTEX_WAIT_PRIVATE);
    must(handled, "handled");
}

static void handled_change(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    await_change(&own);
    must(handled, "handled");
}

void block(int number)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, number);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
}

/* Who waits has the signal blocked; it comes to the other thread, which waits for ever as well. */
static void handled_elsewhere(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    joined = start(wait_in_thread, &own.other);
    block(SIGUSR1);
    await_post(&own);
    join(NULL);
}

static void *hold_until_posted(void *unused)
{
    hold_mutex(&own);
    sem_post(&begun);
    await_post(&own);
    release_mutex(&own);
    return unused;
}

static void handled_by_the_owner(void)
{
    handle(SIGUSR1, post_both, SA_RESTART);
    joined = start(hold_until_posted, NULL);
    wait_for(&begun);
    block(SIGUSR1);
    use_mutex(&own);
    join(NULL);
}

static void send_usr1(pid_t child)
{
    kill(child, SIGUSR1);
}

static void send_term(pid_t child)
{
    kill(child, SIGTERM);
}

static void send_int(pid_t child)
{
    kill(child, SIGINT);
}

const struct wait_case SIGNALS[] = {
    {.name = "handler_sem", .child = handled_post, .then = send_usr1},
    {.name = "handler_term", .child = handled_terminate, .then = send_term},
    {.name = "handler_int", .child = handled_interrupt, .then = send_int},
    {.name = "handler_alarm", .child = handled_alarm},
    {.name = "handler_eintr", .child = interrupted_post, .then = send_usr1},
    {.name = "handler_futex", .child = handled_futex, .then = send_usr1},
    {.name = "handler_futex_eintr", .child = interrupted_futex, .then = send_usr1},
    {.name = "handler_cond", .child = handled_change, .then = send_usr1},
    {.name = "handler_elsewhere", .child = handled_elsewhere, .then = send_usr1},
    {.name = "handler_of_owner", .child = handled_by_the_owner, .then = send_usr1},
    {.name = NULL},
};
