/*
 * Processes that share an epoll instance on purpose, as servers with several workers do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <sys/epoll.h>

static int instance, pipes[2];

static void watch(int file, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = file};
    must(epoll_ctl(instance, EPOLL_CTL_ADD, file, &event) == 0, "epoll_ctl");
}

static void prepare(void)
{
    start_sleeper();
    instance = epoll_create1(0);
    must(instance >= 0 && pipe(pipes) == 0, "epoll_create1");
}

static void wait_for_one(void)
{
    struct epoll_event event;
    _exit(epoll_wait(instance, &event, 1, 3000) == 1 ? 0 : 3);
}

SCENARIO(parent_adds_later)
{
    prepare();
    pid_t child = start_child(wait_for_one);
    rest(LOOKS);
    watch(pipes[0], EPOLLIN);
    must(write(pipes[1], ".", 1) == 1, "write");
    return tell_end(end_in_time(child));
}

static void expect_nothing(void)
{
    struct epoll_event event;
    _exit(epoll_wait(instance, &event, 1, 200));
}

/* Its one event has been told: a hang-up is not told until it is armed again. */
SCENARIO(one_shot_is_disarmed)
{
    char byte;
    struct epoll_event event;
    prepare();
    watch(pipes[0], EPOLLIN | EPOLLONESHOT);
    must(write(pipes[1], ".", 1) == 1, "write");
    must(epoll_wait(instance, &event, 1, 1000) == 1, "epoll_wait");
    must(read(pipes[0], &byte, 1) == 1, "read");
    close(pipes[1]);
    return run_in_child(expect_nothing);
}

static void take_one(void)
{
    struct epoll_event event;
    char byte;
    _exit(epoll_wait(instance, &event, 1, 3000) == 1 && read(event.data.fd, &byte, 1) == 1 ? 0 : 3);
}

SCENARIO(child_is_told_of_what_was_there)
{
    prepare();
    watch(pipes[0], EPOLLIN);
    pid_t child = start_child(take_one);
    rest(LOOKS);
    must(write(pipes[1], ".", 1) == 1, "write");
    return tell_end(end_in_time(child));
}
