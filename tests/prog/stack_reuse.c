/*
 * stack_reuse CASE: threads with stacks of several sizes are lost in a fork; what becomes of their
 * stacks in the child. Each case says, for every stack of interest, "NAME apart" or "NAME reused":
 * whether it overlaps a lost one.
 *
 *   sizes        threads of the child: default, small, large, and a stack of the caller's own
 *   c11          by thrd_create
 *   small        only small stacks are lost, and some are still smaller
 *   by_handle    by the pthread_create of libc's own handle, beside small ones
 *   default_set  after pthread_setattr_default_np(32 MiB)
 *   nested       in a child of the child, which has threads and loses them
 *   nested_idle  in a child of the child, which has none
 *   in_thread    the child of a thread that forks
 *   kept         whether the lost stacks are there still, when threads of the child have ended
 *   thousand     a thousand threads of the child, one after the other: "grew VIRTUAL RESIDENT" KiB
 *   attributes   what a thread of the child was asked to be, it is: "attributes kept"
 *   parent       what a thread of the parent was asked to be, it is: "NAME KIB" of each stack
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>
#include <threads.h>

enum { KIB = 1024, MIB = 1024 * KIB, OWN_STACK = MIB, MOST = 256 };

struct region {
    uintptr_t start, end;
    const char *mark; /* somewhere on this stack */
};

static struct region lost[MOST], own;
static int lost_count;
static sem_t told;

static struct region region_of(pthread_t thread)
{
    pthread_attr_t attributes;
    void *start;
    size_t size;
    must(pthread_getattr_np(thread, &attributes) == 0, "pthread_getattr_np");
    must(pthread_attr_getstack(&attributes, &start, &size) == 0, "pthread_attr_getstack");
    pthread_attr_destroy(&attributes);
    return (struct region){(uintptr_t)start, (uintptr_t)start + size, NULL};
}

static void note_own_region(void)
{
    static _Thread_local char mark = 'm'; /* lies on the stack, too */
    own = region_of(pthread_self());
    own.mark = &mark;
    sem_post(&told);
}

static void *stay(void *unused)
{
    note_own_region();
    return sleep_for_ever(unused);
}

static int stay_c11(void *unused)
{
    note_own_region();
    sleep_for_ever(unused);
    return 0;
}

static void *leave(void *unused)
{
    note_own_region();
    return unused;
}

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* A thread with a stack of `size` bytes (0: the usual), or on `stack`; where its stack lies. */
static struct region start_by(create *creator, void *routine(void *), size_t size, void *stack)
{
    pthread_attr_t attributes;
    pthread_t thread;
    must(pthread_attr_init(&attributes) == 0, "pthread_attr_init");
    if (stack)
        must(pthread_attr_setstack(&attributes, stack, size) == 0, "pthread_attr_setstack");
    else if (size)
        must(pthread_attr_setstacksize(&attributes, size) == 0, "pthread_attr_setstacksize");
    must(creator(&thread, size ? &attributes : NULL, routine, NULL) == 0, "pthread_create");
    pthread_attr_destroy(&attributes);
    while (sem_wait(&told) != 0)
        ;
    struct region region = own;
    if (routine == leave)
        must(pthread_join(thread, NULL) == 0, "pthread_join");
    return region;
}

static struct region start(size_t size)
{
    return start_by(pthread_create, stay, size, NULL);
}

static void lose(struct region region)
{
    must(lost_count < MOST, "a place");
    lost[lost_count++] = region;
}

static void *own_stack(void)
{
    void *stack = mmap(NULL, OWN_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(stack != MAP_FAILED, "mmap");
    return stack;
}

static int is_reused(struct region region)
{
    for (int i = 0; i < lost_count; i++)
        if (region.start < lost[i].end && lost[i].start < region.end)
            return 1;
    return 0;
}

static void tell(const char *name, struct region region)
{
    say("%s %s\n", name, is_reused(region) ? "reused" : "apart");
}

static const struct size {
    const char *name;
    size_t bytes;
} SIZES[] = {{"default", 0},    {"small", 16 * KIB}, {"64K", 64 * KIB},   {"2M", 2 * MIB},
             {"16M", 16 * MIB}, {"32M", 32 * MIB},   {"default again", 0}};

static void lose_sizes(void)
{
    for (int i = 0; i < 2; i++) {
        lose(start(0));
        lose(start(64 * KIB));
        lose(start(2 * MIB));
        lose(start(16 * MIB));
    }
    lose(start_by(pthread_create, stay, OWN_STACK, own_stack()));
}

static void tell_sizes(void)
{
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct region region = start(SIZES[i].bytes);
        must(region.end - region.start >= SIZES[i].bytes, "a stack as large as asked for");
        tell(SIZES[i].name, region);
    }
}

static void sizes(void)
{
    char *stack = own_stack();
    lose_sizes();
    if (fork() == 0) {
        tell_sizes();
        struct region region = start_by(pthread_create, stay, OWN_STACK, stack);
        must(region.start == (uintptr_t)stack, "the caller's own stack");
        tell("own", region);
        _exit(0);
    }
}

static void c11(void)
{
    lose_sizes();
    if (fork() == 0) {
        thrd_t thread;
        must(thrd_create(&thread, stay_c11, NULL) == thrd_success, "thrd_create");
        while (sem_wait(&told) != 0)
            ;
        tell("thrd_create", own);
        _exit(0);
    }
}

static void small(void)
{
    for (int i = 0; i < 8; i++)
        lose(start(i % 2 ? 64 * KIB : 128 * KIB));
    if (fork() == 0) {
        for (int i = 0; i < 8; i++)
            tell(i % 2 ? "64K" : "small", start(i % 2 ? 64 * KIB : 16 * KIB));
        _exit(0);
    }
}

static create *create_of_libc(void)
{
    create *found;
    *(void **)&found = of_libc("pthread_create");
    return found;
}

static void by_handle(void)
{
    lose(start(2 * MIB)); /* as Rust's threads are */
    for (int i = 0; i < 4; i++)
        lose(start_by(create_of_libc(), stay, 0, NULL));
    if (fork() == 0) {
        tell("2M", start(2 * MIB));
        tell("4M", start(4 * MIB));
        tell("default", start(0));
        _exit(0);
    }
}

static void default_set(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    must(pthread_attr_setstacksize(&attributes, 32 * MIB) == 0 &&
             pthread_setattr_default_np(&attributes) == 0,
         "pthread_setattr_default_np");
    for (int i = 0; i < 4; i++)
        lose(start(0));
    if (fork() == 0) {
        for (int i = 0; i < 8; i++) {
            struct region region = start(0);
            tell("default", region);
            say("default %s\n", region.end - region.start >= 32 * MIB ? "large" : "too small");
        }
        tell("16M", start(16 * MIB));
        _exit(0);
    }
}

static void nested(void)
{
    lose_sizes();
    if (fork() == 0) {
        lose(start(0));
        lose(start(64 * KIB));
        pid_t child = fork();
        if (child == 0) {
            tell_sizes();
            _exit(0);
        }
        _exit(end_of(child));
    }
}

static void nested_idle(void)
{
    lose_sizes();
    if (fork() == 0) {
        pid_t child = fork();
        if (child == 0) {
            tell_sizes();
            _exit(0);
        }
        _exit(end_of(child));
    }
}

static void *fork_here(void *unused)
{
    pid_t child = fork();
    if (child == 0) {
        tell_sizes();
        _exit(0);
    }
    must(end_of(child) == 0, "the child");
    return unused;
}

static void in_thread(void)
{
    pthread_t thread;
    lose_sizes();
    must(pthread_create(&thread, NULL, fork_here, NULL) == 0, "pthread_create");
    must(pthread_join(thread, NULL) == 0, "pthread_join");
}

/* The kernel is asked: the stack may be gone. */
static int is_there(const char *mark)
{
    int ends[2];
    char got = 0;
    must(pipe(ends) == 0, "pipe");
    int there = write(ends[1], mark, 1) == 1 && read(ends[0], &got, 1) == 1 && got == 'm';
    close(ends[0]);
    close(ends[1]);
    return there;
}

/* libc keeps 40 MiB of free stacks; more are given back when the next thread ends. */
static void kept(void)
{
    for (int i = 0; i < 8; i++)
        lose(start(0));
    if (fork() == 0) {
        int count = 0;
        for (int i = 0; i < 3; i++)
            tell("ended", start_by(pthread_create, leave, 0, NULL));
        for (int i = 0; i < lost_count; i++)
            count += is_there(lost[i].mark);
        say("there %d of %d\n", count, lost_count);
        _exit(0);
    }
}

static long status_of(const char *key)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    must(file != NULL, "/proc/self/status");
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    fclose(file);
    return value;
}

static void start_and_end(int count)
{
    for (int i = 0; i < count; i++)
        start_by(pthread_create, leave, i % 3 ? 64 * KIB : 0, NULL);
}

static void thousand(void)
{
    lose_sizes();
    if (fork() == 0) {
        start_and_end(20);
        long size = status_of("VmSize:"), resident = status_of("VmRSS:");
        start_and_end(1000);
        say("grew %ld %ld\n", status_of("VmSize:") - size, status_of("VmRSS:") - resident);
        _exit(0);
    }
}

static cpu_set_t one_cpu(void)
{
    cpu_set_t all, one;
    int first = 0;
    must(sched_getaffinity(0, sizeof all, &all) == 0, "sched_getaffinity");
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    return one;
}

static void *check_attributes(void *unused)
{
    pthread_attr_t attributes;
    cpu_set_t wanted = one_cpu(), set;
    int detached;
    size_t guard, size;
    char name[16];
    sigset_t mask;
    must(pthread_getattr_np(pthread_self(), &attributes) == 0, "pthread_getattr_np");
    pthread_attr_getdetachstate(&attributes, &detached);
    pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_getstacksize(&attributes, &size);
    must(detached == PTHREAD_CREATE_DETACHED, "detached");
    must(guard == 256 * KIB, "the guard");
    must(size >= 512 * KIB, "the size");
    must(pthread_getaffinity_np(pthread_self(), sizeof set, &set) == 0 && CPU_EQUAL(&set, &wanted),
         "the affinity");
    must(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGUSR2) &&
             !sigismember(&mask, SIGUSR1),
         "the signal mask");
    must(pthread_setname_np(pthread_self(), "a-name") == 0 &&
             pthread_getname_np(pthread_self(), name, sizeof name) == 0 &&
             strcmp(name, "a-name") == 0,
         "the name");
    say("attributes kept\n");
    sem_post(&told);
    return unused;
}

static void set_attributes(pthread_attr_t *attributes)
{
    cpu_set_t set = one_cpu();
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    must(pthread_attr_init(attributes) == 0, "pthread_attr_init");
    pthread_attr_setdetachstate(attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setguardsize(attributes, 256 * KIB);
    pthread_attr_setstacksize(attributes, 512 * KIB);
    must(pthread_attr_setaffinity_np(attributes, sizeof set, &set) == 0, "an affinity");
    must(pthread_attr_setsigmask_np(attributes, &mask) == 0, "a signal mask");
}

static void attributes(void)
{
    pthread_attr_t asked;
    lose_sizes();
    set_attributes(&asked);
    if (fork() == 0) {
        pthread_t thread;
        pthread_attr_t before = asked;
        must(pthread_create(&thread, &asked, check_attributes, NULL) == 0, "pthread_create");
        while (sem_wait(&told) != 0)
            ;
        must(memcmp(&before, &asked, sizeof asked) == 0, "the caller's attributes");
        _exit(0);
    }
}

static void parent(void)
{
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct region region = start(SIZES[i].bytes);
        say("%s %lu\n", SIZES[i].name, (unsigned long)(region.end - region.start) / KIB);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} CASES[] = {{"sizes", sizes},
             {"c11", c11},
             {"small", small},
             {"by_handle", by_handle},
             {"default_set", default_set},
             {"nested", nested},
             {"nested_idle", nested_idle},
             {"in_thread", in_thread},
             {"kept", kept},
             {"thousand", thousand},
             {"attributes", attributes},
             {"parent", parent}};

int main(int count, char **arguments)
{
    sem_init(&told, 0, 0);
    for (size_t i = 0; count > 1 && i < sizeof CASES / sizeof *CASES; i++) {
        if (strcmp(CASES[i].name, arguments[1]) != 0)
            continue;
        int status;
        CASES[i].run();
        while (wait(&status) > 0)
            must(status == 0, "the child");
        return 0;
    }
    return 2;
}
