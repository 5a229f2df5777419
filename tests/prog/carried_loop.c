/*
 * carried_loop CASE THREADS FORKS: a pool whose threads are idle in epoll_wait, each woken through
 * an eventfd of its own, is carried into forked children. Parent and child use it at the same time:
 * what one of them wakes, and how often, the other must not see.
 *
 *   edge       the eventfd is watched for edges, and read
 *   unread     ...and never read, as mio's waker
 *   level      for its level
 *   semaphore  ...each read takes one
 *   dups       through other numbers of the same files, one of which watches more in the child
 *   shared     all threads wait at one instance
 *   own_pair   a socketpair instead of the eventfd; in a library that was tried
 *   called_off the threads wait with a time limit, and without one when they are interrupted;
 *              likewise
 *   deep       as edge, in children of children of children
 *
 * A child that is without the pool ends, or waits for ever:
 *
 *   pipe       a pipe is watched, too
 *   pair       one end of a socketpair is
 *   foreign    the program watches the eventfds, too
 *   timed      the threads wait with a time limit
 *   task       a thread waits deeper than it ever did
 *   many       there are too many eventfds
 *   no_kcmp    the kernel does not tell which numbers stand for one file
 *   no_number  the child can open no file
 *   no_room    the child can start all threads but the last
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forbid.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { MOST = 64, ROUNDS = 30, TOO_MANY = 200 };

static const char *name;
static int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static struct loop {
    int instance, event, other_instance, other_event;
    int jobs, done;
    bool is_over, is_called_off;
} loops[MOST];
static uint64_t written, taken; /* wake-ups */

static bool is(const char *asked)
{
    return strcmp(name, asked) == 0;
}

static void watch(int instance, int file, uint32_t edges)
{
    struct epoll_event event = {.events = EPOLLIN | edges, .data.fd = file};
    must(epoll_ctl(instance, EPOLL_CTL_ADD, file, &event) == 0, "epoll_ctl");
}

static void take_wake_up(int event)
{
    uint64_t value;
    if (!is("unread"))
        while (read(event, &value, sizeof value) == sizeof value) {
            must(!is("semaphore") || value == 1, "a semaphore");
            __atomic_fetch_add(&taken, value, __ATOMIC_SEQ_CST);
        }
}

static int wait_for_events(struct loop *loop, struct epoll_event *events)
{
    bool is_timed = is("timed") || (is("called_off") && !loop->is_called_off);
    int ready = epoll_wait(loop->instance, events, 4, is_timed ? 1000000 : -1);
    loop->is_called_off = ready < 0 && errno == EINTR;
    return loop->is_called_off ? 0 : ready;
}

/* A frame that the first wait does not have. */
__attribute__((noinline)) static int wait_deeper(struct loop *loop, struct epoll_event *events)
{
    volatile char frame[512];
    frame[0] = 0;
    int ready = wait_for_events(loop, events);
    return ready + frame[0];
}

static bool do_jobs(struct loop *loop)
{
    pthread_mutex_lock(&lock);
    loop->done += loop->jobs;
    loop->jobs = 0;
    bool is_over = loop->is_over;
    pthread_cond_broadcast(&answered);
    pthread_mutex_unlock(&lock);
    return is_over;
}

static void *serve(void *argument)
{
    struct loop *loop = argument;
    struct epoll_event events[4];
    bool is_over = false, is_first = true;
    while (!is_over) {
        int ready =
            is("task") && !is_first ? wait_deeper(loop, events) : wait_for_events(loop, events);
        must(ready >= 0, "epoll_wait");
        is_first = false;
        for (int i = 0; i < ready; i++)
            take_wake_up(events[i].data.fd);
        for (int i = 0; i < count; i++)
            if (&loops[i] == loop || is("shared"))
                is_over |= do_jobs(&loops[i]);
    }
    return loop;
}

static void wake(struct loop *loop)
{
    uint64_t times = is("semaphore") ? 2 : 1;
    int event = is("dups") || is("own_pair") ? loop->other_event : loop->event;
    __atomic_fetch_add(&written, times, __ATOMIC_SEQ_CST);
    must(write(event, &times, sizeof times) == sizeof times, "write");
}

/* A child without the pool wakes the parent's threads. */
static bool is_carried(void)
{
    static const char *const CARRIED[] = {"edge",   "level", "semaphore", "dups",
                                          "shared", "deep",  "own_pair",  "called_off"};
    for (size_t i = 0; i < sizeof CARRIED / sizeof *CARRIED; i++)
        if (is(CARRIED[i]))
            return true;
    return false;
}

/* With all wake-ups of this process read, and no others. */
static bool is_settled(void)
{
    return !is_carried() ||
           __atomic_load_n(&taken, __ATOMIC_SEQ_CST) == __atomic_load_n(&written, __ATOMIC_SEQ_CST);
}

static void have_done(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_mutex_lock(&lock);
        for (int i = 0; i < count; i++) {
            loops[i].done = 0;
            loops[i].jobs = 3;
            wake(&loops[i]);
        }
        for (int i = 0; i < count; i++)
            while (loops[i].done != 3)
                pthread_cond_wait(&answered, &lock);
        pthread_mutex_unlock(&lock);
    }
    while (!is_settled())
        sched_yield(); /* until the alarm where it never is */
}

/* A number of the same instance watches one more eventfd, which the thread then hears of. */
static void use_other_number(struct loop *loop)
{
    int more = eventfd(0, EFD_NONBLOCK);
    watch(loop->other_instance, more, EPOLLET);
    close(loop->event); /* the other number of that file goes on */
    loop->event = loop->other_event = more;
}

static void try_loops(int depth)
{
    if (is_carried())
        alarm(30);
    if (is("dups"))
        for (int i = 0; i < count; i++)
            use_other_number(&loops[i]);
    have_done();
    if (depth) {
        pid_t child = fork();
        if (child == 0) {
            try_loops(depth - 1);
            _exit(0);
        }
        have_done();
        must(end_of(child) == 0, "the grandchild");
    }
}

static void set_up_pair(struct loop *loop)
{
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    watch(loop->instance, ends[0], 0);
    if (is("own_pair")) {
        loop->event = ends[0];
        loop->other_event = ends[1];
    }
}

static void set_up_loop(struct loop *loop)
{
    bool is_level = is("level") || is("semaphore") || is("shared");
    struct loop *first = is("shared") ? &loops[0] : loop;
    loop->instance = first == loop ? epoll_create1(EPOLL_CLOEXEC) : first->instance;
    loop->event = eventfd(0, EFD_NONBLOCK | (is("semaphore") ? EFD_SEMAPHORE : 0));
    loop->other_instance = is("dups") ? dup(loop->instance) : -1;
    loop->other_event = is("dups") ? dup(loop->event) : -1;
    watch(loop->instance, loop->event, is_level ? 0 : EPOLLET);
    if (is("pipe")) {
        int ends[2];
        must(pipe(ends) == 0, "pipe");
        watch(loop->instance, ends[0], 0);
    }
    if (is("pair") || is("own_pair"))
        set_up_pair(loop);
    if (is("foreign"))
        watch(epoll_create1(EPOLL_CLOEXEC), loop->event, 0);
    for (int i = 0; is("many") && i < TOO_MANY; i++)
        watch(loop->instance, eventfd(0, EFD_NONBLOCK), 0);
}

int main(int arguments_count, char **arguments)
{
    int works = 0;
    pthread_t thread;
    must(arguments_count == 4, "carried_loop CASE THREADS FORKS");
    name = arguments[1];
    count = atoi(arguments[2]);
    int forks = atoi(arguments[3]);
    alarm(100);
    for (int i = 0; i < count; i++)
        set_up_loop(&loops[i]);
    for (int i = 0; i < count; i++)
        must(pthread_create(&thread, NULL, serve, &loops[i]) == 0, "pthread_create");
    have_done();
    if (is("no_kcmp"))
        forbid(SYS_kcmp, EPERM);
    if (is("no_number"))
        forbid(SYS_eventfd2, EMFILE);
    if (is("no_room"))
        forbid_thread(thread);
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            try_loops(is("deep") ? 2 : 0);
            _exit(0);
        }
        have_done();
        works += end_of(child) == 0;
    }
    say("%d work, %d do not\n", works, forks - works);
    _exit(0);
}
