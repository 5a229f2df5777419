/*
 * woken_unseen WAY: waits for what no thread of this process shows to come, and says "ready" just
 * before: `memory` from a process with the same memory, `ring` from the kernel by io_uring,
 * `main_left` from a process whose main thread has left, `files` from a thread with files of its
 * own, `hidden` from a process that does not let others look at its files, `sent` from one that has
 * not received the pipe's end yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 90, NO_RING = 77 };

static int ends[2], started[2];

static void say_started(void)
{
    write(started[1], "1", 1);
}

static void read_pipe(void)
{
    char byte;
    write(1, "ready\n", 6);
    read(ends[0], &byte, 1);
}

static void *write_late(void *unused)
{
    say_started();
    sleep(SECONDS);
    write(ends[1], "1", 1);
    return unused;
}

/* Runs `work` in an orphan until that has started. */
static void with_orphan(void (*work)(void))
{
    char byte;
    if (fork() == 0) {
        if (fork() == 0) {
            alarm(SECONDS);
            work();
        }
        _exit(0);
    }
    wait(NULL);
    read(started[0], &byte, 1);
}

static void leave(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, write_late, NULL);
    pthread_exit(NULL);
}

static sem_t has_files;

static void *with_own_files(void *unused)
{
    unshare(CLONE_FILES);
    sem_post(&has_files);
    return write_late(unused);
}

static void keep_in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, with_own_files, NULL);
    sem_wait(&has_files);
    close(ends[1]);
    pthread_join(thread, NULL);
}

static void hide(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    write_late(NULL);
}

static void wait_sent(void)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    int sockets[2];
    struct iovec byte = {"1", 1};
    struct msghdr message = {.msg_iov = &byte,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
    sendmsg(sockets[0], &message, 0);
    close(ends[1]);
    say_started();
    sleep(SECONDS);
}

static int word;

static int wake(void *unused)
{
    (void)unused;
    syscall(SYS_write, started[1], "1", 1);
    syscall(SYS_nanosleep, &(struct timespec){SECONDS, 0}, NULL);
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    syscall(SYS_exit, 0);
    return 0;
}

static void wait_in_shared_memory(void)
{
    static char stack[1 << 16];
    char byte;
    clone(wake, stack + sizeof stack, CLONE_VM | CLONE_PARENT | SIGCHLD, NULL);
    read(started[0], &byte, 1);
    write(1, "ready\n", 6);
    while (!word)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* A limit, and behind it a write. */
static int wait_for_ring(void)
{
    static struct __kernel_timespec limit = {SECONDS, 0};
    struct io_uring_params setup = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 8, &setup);
    if (ring < 0)
        return NO_RING;
    char *queue = mmap(NULL, setup.sq_off.array + setup.sq_entries * sizeof(unsigned),
                       PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    struct io_uring_sqe *entries = mmap(NULL, setup.sq_entries * sizeof *entries,
                                        PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_TIMEOUT,
                                       .addr = (unsigned long)&limit,
                                       .len = 1,
                                       .flags = IOSQE_IO_HARDLINK};
    entries[1] = (struct io_uring_sqe){
        .opcode = IORING_OP_WRITE, .fd = ends[1], .addr = (unsigned long)"1", .len = 1};
    unsigned *order = (unsigned *)(queue + setup.sq_off.array);
    order[0] = 0;
    order[1] = 1;
    *(unsigned *)(queue + setup.sq_off.tail) = 2;
    if (syscall(SYS_io_uring_enter, ring, 2, 0, 0, NULL, 0) != 2)
        return NO_RING;
    read_pipe();
    return 0;
}

static const struct {
    const char *way;
    void (*work)(void);
} ORPHANS[] = {
    {"main_left", leave}, {"files", keep_in_thread}, {"hidden", hide}, {"sent", wait_sent}};

int main(int count, char **arguments)
{
    const char *way = count > 1 ? arguments[1] : "";
    pipe(ends);
    pipe(started);
    alarm(SECONDS);
    for (size_t i = 0; i < sizeof ORPHANS / sizeof *ORPHANS; i++)
        if (strcmp(way, ORPHANS[i].way) == 0) {
            with_orphan(ORPHANS[i].work);
            read_pipe();
        }
    if (strcmp(way, "memory") == 0)
        wait_in_shared_memory();
    return strcmp(way, "ring") == 0 ? wait_for_ring() : 0;
}
