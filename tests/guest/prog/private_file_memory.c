/*
 * A private mapping of a file that nobody may write to: its pages are the file's, so that the
 * kernel finds a futex in it by the file, and a process that maps the file as well can wake it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

/* So long a thread leaves it to the main one to speak. */
enum { SOONER_THAN_MAIN = 2600 };

static int file;
static const int *word; /* as the child has it */
static int *theirs;     /* as whoever wakes it does */
static sem_t woken;

static void wait_for_word(void)
{
    while (!__atomic_load_n(word, __ATOMIC_SEQ_CST))
        must(futex(word, FUTEX_WAIT, 0) == 0 || errno == EINTR || errno == EAGAIN, "futex");
}

static void map_file(int made)
{
    file = made;
    must(file >= 0 && ftruncate(file, 4096) == 0, "the file");
    theirs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    word = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    must(theirs != MAP_FAILED && word != MAP_FAILED, "mmap");
}

static int wake_later(pid_t child, long milliseconds)
{
    rest(milliseconds);
    __atomic_store_n(theirs, 1, __ATOMIC_SEQ_CST);
    futex(theirs, FUTEX_WAKE, 1);
    return tell_end(end_in_time(child));
}

/* The child has no other way to the file. */
static void forget_theirs(void)
{
    munmap(theirs, 4096);
    close(file);
}

static void wait_alone(void)
{
    forget_theirs();
    wait_for_word();
}

static void *wait_and_post(void *unused)
{
    wait_for_word();
    sem_post(&woken);
    return unused;
}

static void wait_for_the_waiter(void)
{
    forget_theirs();
    sem_init(&woken, 0, 0);
    start(wait_and_post, NULL);
    wait_for(&woken);
}

static int run(int made, void (*body)(void), long milliseconds)
{
    start_sleeper();
    map_file(made);
    return wake_later(start_child(body), milliseconds);
}

static int file_in_tmp(void)
{
    char name[] = "/tmp/forkpolicy-test-XXXXXX";
    int made = mkstemp(name);
    unlink(name);
    return made;
}

SCENARIO(file_alone)
{
    return run(file_in_tmp(), wait_alone, LOOKS);
}

SCENARIO(memory_file_alone)
{
    return run(memfd_create("word", 0), wait_alone, LOOKS);
}

SCENARIO(file_in_company)
{
    return run(file_in_tmp(), wait_for_the_waiter, SOONER_THAN_MAIN);
}

SCENARIO(memory_file_in_company)
{
    return run(memfd_create("word", 0), wait_for_the_waiter, SOONER_THAN_MAIN);
}
