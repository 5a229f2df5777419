/*
 * epolls CASE: a child and its parent have the same epoll instance. The child says what it gets
 * from it, then removes every watch; "parent N of M" is what the parent still gets of its own.
 *
 *   flags        level, edge, oneshot, a oneshot that has fired, exclusive; 64 bits of data
 *   many         3,000 watches
 *   two          two instances
 *   reused       a watched number that has been closed and is another pipe's by now
 *   reused_anon  the same with eventfds, which all have one inode
 *   cloexec      whether an instance is closed by exec: "flags N N"
 *   nested_low   an instance within one that has a higher number
 *   nested_high  the same, a lower number
 *   dup          two numbers of one instance
 *   later        what is written after the fork reaches both
 *   thread       a fork by another thread than the main one
 *   full         no descriptor is free: "opened N" in the child says that there is none
 *   none         no epoll instance: "files N N" in parent and child
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { MANY = 3000, EVENTS = 4096 };

static struct epoll_event got[EVENTS];

static int ready_file(void)
{
    int file = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    must(file >= 0, "eventfd");
    return file;
}

static int instance(void)
{
    int made = epoll_create1(EPOLL_CLOEXEC);
    must(made >= 0, "epoll_create1");
    return made;
}

static void watch(int epoll, int file, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event) == 0, "EPOLL_CTL_ADD");
}

/* How many are ready; after 50 ms none. */
static int take(int epoll)
{
    int count = epoll_wait(epoll, got, EVENTS, 50);
    must(count >= 0, "epoll_wait");
    return count;
}

static int has(int count, uint64_t data)
{
    for (int i = 0; i < count; i++)
        if (got[i].data.u64 == data)
            return 1;
    return 0;
}

static void remove_watch(int epoll, int file)
{
    must(epoll_ctl(epoll, EPOLL_CTL_DEL, file, NULL) == 0, "EPOLL_CTL_DEL");
}

/* The child, which runs `in_child`; then the parent says what is left. */
static void fork_and_tell(void in_child(void), int epoll, int expected)
{
    pid_t child = fork();
    if (child == 0) {
        in_child();
        _exit(0);
    }
    must(end_of(child) == 0, "the child");
    say("parent %d of %d\n", take(epoll), expected);
}

static int epoll, other, inner, files[MANY];

enum { LEVEL, EDGE, ONESHOT, FIRED, EXCLUSIVE, FLAG_COUNT };
static const char *const FLAG_NAMES[] = {"level", "edge", "oneshot", "fired", "exclusive"};
static const uint64_t DATA = 0xfedcba9876543210;

static void flags_in_child(void)
{
    for (int round = 1; round <= 2; round++) {
        int count = take(epoll);
        for (uint64_t i = 0; i < FLAG_COUNT; i++)
            say("%s%s", has(count, DATA + i) ? FLAG_NAMES[i] : "-",
                i < FLAG_COUNT - 1 ? " " : "\n");
    }
    for (int i = 0; i < FLAG_COUNT; i++)
        remove_watch(epoll, files[i]);
}

static void flags(void)
{
    static const uint32_t EVENTS_OF[] = {EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
                                         EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLEXCLUSIVE};
    epoll = instance();
    files[FIRED] = ready_file();
    watch(epoll, files[FIRED], EVENTS_OF[FIRED], DATA + FIRED);
    must(take(epoll) == 1, "an event before the fork");
    for (uint64_t i = 0; i < FLAG_COUNT; i++) {
        if (i == FIRED)
            continue;
        files[i] = ready_file();
        watch(epoll, files[i], EVENTS_OF[i], DATA + i);
    }
    fork_and_tell(flags_in_child, epoll, FLAG_COUNT - 1);
}

static void many_in_child(void)
{
    static char seen[MANY];
    int count = take(epoll), different = 0;
    for (int i = 0; i < count; i++) {
        uint64_t data = got[i].data.u64;
        must(data >> 32 == 7 && (uint32_t)data < MANY, "data that was given");
        different += !seen[(uint32_t)data]++;
    }
    say("child %d\n", different);
    for (int i = 0; i < MANY; i++)
        remove_watch(epoll, files[i]);
}

static void many(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    epoll = instance();
    for (int i = 0; i < MANY; i++) {
        files[i] = ready_file();
        watch(epoll, files[i], EPOLLIN, (uint64_t)7 << 32 | (uint64_t)i);
    }
    fork_and_tell(many_in_child, epoll, MANY);
}

static void two_in_child(void)
{
    say("child %d %d\n", take(epoll), take(other));
    remove_watch(epoll, files[0]);
    remove_watch(other, files[0]);
    say("child %d %d\n", take(epoll), take(other));
}

static void two(void)
{
    epoll = instance(), other = instance();
    for (int i = 0; i < 3; i++)
        files[i] = ready_file();
    watch(epoll, files[0], EPOLLIN, 0);
    watch(other, files[0], EPOLLIN, 0);
    watch(other, files[1], EPOLLIN, 1);
    watch(other, files[2], EPOLLIN, 2);
    fork_and_tell(two_in_child, epoll, 1);
    say("parent %d of %d\n", take(other), 3);
}

/* The child's instance must not watch the file that has the number now. */
static void reused_in_child(void)
{
    int count = take(epoll);
    say("child %d%s\n", count, has(count, 1) ? " kept" : "");
    int fails = epoll_ctl(epoll, EPOLL_CTL_DEL, files[1], NULL) != 0 && errno == ENOENT;
    say("the new file is %s\n", fails ? "not watched" : "watched");
    remove_watch(epoll, files[0]);
}

static void reuse(int old, int new)
{
    epoll = instance();
    files[0] = ready_file();
    watch(epoll, files[0], EPOLLIN, 1);
    watch(epoll, old, EPOLLIN, 2);
    must(dup(old) >= 0, "dup"); /* the file stays open, and the watch with it */
    files[1] = old;
    must(dup2(new, old) == old, "dup2");
    must(take(epoll) == 1, "the old file is not ready");
    fork_and_tell(reused_in_child, epoll, 1);
}

static int pipe_with(int bytes)
{
    int ends[2];
    must(pipe(ends) == 0 && write(ends[1], "x", (size_t)bytes) == bytes, "pipe");
    return ends[0];
}

static void reused(void)
{
    reuse(pipe_with(0), pipe_with(1));
}

static void reused_anon(void)
{
    reuse(eventfd(0, EFD_NONBLOCK), ready_file());
}

static void cloexec_in_child(void)
{
    say("flags %d %d\n", fcntl(epoll, F_GETFD), fcntl(other, F_GETFD));
}

static void cloexec(void)
{
    epoll = instance(), other = epoll_create1(0);
    cloexec_in_child();
    fork_and_tell(cloexec_in_child, epoll, 0);
}

static void nested_in_child(void)
{
    say("child outer %d inner %d\n", take(epoll), take(inner));
    remove_watch(inner, files[0]);
    say("child outer %d inner %d\n", take(epoll), take(inner));
    watch(inner, files[1], EPOLLIN, 3);
    say("child outer %d inner %d\n", take(epoll), take(inner));
    remove_watch(inner, files[1]);
}

static void nested(void)
{
    files[0] = ready_file();
    files[1] = ready_file();
    watch(inner, files[0], EPOLLIN, 1);
    watch(epoll, inner, EPOLLIN, 2);
    fork_and_tell(nested_in_child, epoll, 1);
    say("parent %d of %d\n", take(inner), 1);
}

static void nested_low(void)
{
    inner = instance(), epoll = instance();
    nested();
}

static void nested_high(void)
{
    epoll = instance(), inner = instance();
    nested();
}

static void dup_in_child(void)
{
    say("child %d %d\n", take(epoll), take(other));
    remove_watch(epoll, files[0]);
    say("child %d %d\n", take(epoll), take(other));
    watch(epoll, files[1], EPOLLIN, 2);
    say("child %d %d\n", take(epoll), take(other));
    remove_watch(epoll, files[1]);
}

static void dup_case(void)
{
    epoll = instance();
    files[0] = ready_file();
    files[1] = ready_file();
    watch(epoll, files[0], EPOLLIN, 1);
    other = fcntl(epoll, F_DUPFD, 0); /* of the two only one is closed by exec */
    fork_and_tell(dup_in_child, epoll, 1);
}

static void later(void)
{
    int ends[2], go[2];
    uint64_t one = 1;
    must(pipe(ends) == 0 && pipe(go) == 0, "pipe");
    epoll = instance();
    files[0] = eventfd(0, EFD_NONBLOCK);
    watch(epoll, files[0], EPOLLIN, 5);
    watch(epoll, ends[0], EPOLLIN, 6);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        must(take(epoll) == 0, "nothing is ready yet");
        must(read(go[0], &byte, 1) == 1, "read");
        int count = take(epoll);
        say("child %d%s%s\n", count, has(count, 5) ? " 5" : "", has(count, 6) ? " 6" : "");
        _exit(0);
    }
    rest(200);
    must(write(files[0], &one, sizeof one) == sizeof one && write(ends[1], "x", 1) == 1, "write");
    must(write(go[1], "x", 1) == 1, "write");
    must(end_of(child) == 0, "the child");
    say("parent %d of %d\n", take(epoll), 2);
}

static void *run_two(void *unused)
{
    two();
    return unused;
}

static void thread(void)
{
    pthread_t forker;
    must(pthread_create(&forker, NULL, run_two, NULL) == 0, "pthread_create");
    must(pthread_join(forker, NULL) == 0, "pthread_join");
}

static void full_in_child(void)
{
    say("opened %d\n", dup(0) >= 0);
    remove_watch(epoll, files[0]);
}

static void full(void)
{
    struct rlimit limit = {64, 64};
    epoll = instance();
    files[0] = ready_file();
    watch(epoll, files[0], EPOLLIN, 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(0) >= 0)
        ;
    fork_and_tell(full_in_child, epoll, 1);
}

static int open_files(void)
{
    int count = 0;
    for (int i = 0; i < 64; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static void none(void)
{
    int before = open_files();
    pid_t child = fork();
    if (child == 0) {
        say("files %d %d\n", before, open_files());
        _exit(0);
    }
    must(end_of(child) == 0, "the child");
}

static const struct {
    const char *name;
    void (*run)(void);
} CASES[] = {{"flags", flags},
             {"many", many},
             {"two", two},
             {"reused", reused},
             {"reused_anon", reused_anon},
             {"cloexec", cloexec},
             {"nested_low", nested_low},
             {"nested_high", nested_high},
             {"dup", dup_case},
             {"later", later},
             {"thread", thread},
             {"full", full},
             {"none", none}};

int main(int count, char **arguments)
{
    start_sleeper(); /* which the child loses */
    for (size_t i = 0; count > 1 && i < sizeof CASES / sizeof *CASES; i++) {
        if (strcmp(CASES[i].name, arguments[1]) != 0)
            continue;
        CASES[i].run();
        return 0;
    }
    return 2;
}
