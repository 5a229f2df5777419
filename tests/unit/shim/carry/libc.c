/*
 * Tests of shim/carry/libc.c: what libc knows of a thread that was restored in a child and could
 * not be started, or has ended there. The kernel is said to clear another word than the tid when a
 * thread ends (`elsewhere`, as with glibc 2.43), or the tid itself, as with older ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/carry/libc.h"

#include "shim/libraries/loader_list.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A word of the descriptor that libc has no use for; and what stands there while a thread runs. */
enum { WORD = 0x80, JOINABLE = 1, LIMIT = 20 /* seconds */, SKIPPED = 77 };

#define HAS_ITS_OWN_WORD __GLIBC_PREREQ(2, 43)

static bool elsewhere;
static atomic_bool has_ended;
static char stack[65536];

int prctl(int option, ...)
{
    va_list list;
    va_start(list, option);
    long argument = va_arg(list, long);
    va_end(list);
    if (option != PR_GET_TID_ADDRESS || !elsewhere)
        return (int)syscall(SYS_prctl, option, argument, 0, 0, 0);
    *(char **)argument = (char *)pthread_self() + WORD;
    return 0;
}

FP_THREAD struct fp_self fp_self;

void fp_table_enter(struct fp_thread_slot *slot)
{
    (void)slot;
}

bool fp_list_claim(unsigned patience)
{
    (void)patience;
    return true;
}

void fp_list_release(void)
{
}

void fp_list_each(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context)
{
    dl_iterate_phdr(visit, context);
}

static int end_late(void *unused)
{
    const struct timespec time = {.tv_nsec = 50000000};
    (void)unused;
    syscall(SYS_nanosleep, &time, NULL);
    atomic_store(&has_ended, true);
    return 0;
}

long fp_point_clone(struct fp_point *point, unsigned long flags, void *parent_tid, void *child_tid,
                    void *thread_pointer)
{
    return clone(end_late, stack + sizeof stack, (int)flags, point, parent_tid, thread_pointer,
                 child_tid);
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static struct fp_point point;

static int *word_at(size_t offset)
{
    return (int *)(point.descriptor + offset);
}

static size_t told(const char *name)
{
    const uint32_t *found = dlsym(RTLD_DEFAULT, name);
    return found ? found[2] : 0;
}

static int *libcs_count(void)
{
    return dlsym(RTLD_DEFAULT, "__nptl_nthreads");
}

static void save_a_thread(void)
{
    pthread_t thread;
    if (fp_libc_init() != FP_UNCARRIED_NONE || (elsewhere && HAS_ITS_OWN_WORD))
        exit(SKIPPED);
    fp_libc_find_arena(pthread_create);
    if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
        exit(1);
    point.descriptor = (char *)thread;
    if (elsewhere)
        *word_at(WORD) = JOINABLE;
    point.snapshot.memory = malloc(fp_libc_bytes(&point));
    fp_libc_save(&point);
}

static bool is_on_a_list(void)
{
    void **node = (void **)word_at(told("_thread_db_pthread_list"));
    return node[0] != node || node[1] != node;
}

/* "" where libc knows the thread as one that has ended. */
static const char *look_at_it(void)
{
    return *word_at(told("_thread_db_pthread_tid")) != 0     ? "the tid"
           : elsewhere && *word_at(WORD) != 0                ? "the word that the kernel clears"
           : is_on_a_list()                                  ? "the list"
           : *libcs_count() != 1                             ? "the count"
           : pthread_join((pthread_t)point.descriptor, NULL) ? "pthread_join"
                                                             : "";
}

static const char *abandon(bool is_started)
{
    fp_libc_restore(&point);
    if (*libcs_count() != 2 || !is_on_a_list())
        return "restored";
    if (is_started && !fp_libc_start(&point))
        return "started";
    fp_libc_abandon(&point);
    return is_started && !atomic_load(&has_ended) ? "it runs" : look_at_it();
}

/* In a process of its own: libc is asked while it has one thread. */
static void check(bool is_elsewhere, bool is_started)
{
    int status, ends[2];
    char why[64] = "";
    cr_assert_eq(pipe(ends), 0);
    pid_t host = fork();
    if (host == 0) {
        elsewhere = is_elsewhere;
        save_a_thread();
        pid_t child = fork();
        if (child == 0) {
            alarm(LIMIT);
            const char *wrong = abandon(is_started);
            _exit(write(ends[1], wrong, strlen(wrong)) < 0 || *wrong ? 2 : 0);
        }
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    close(ends[1]);
    waitpid(host, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        cr_skip_test("nothing is carried with this libc");
    cr_assert(read(ends[0], why, sizeof why - 1) >= 0);
    cr_assert_eq(status, 0, "%s: status %d", why, status);
}

Test(libc, a_thread_that_could_not_be_started_has_ended)
{
    check(false, false);
}

Test(libc, also_where_the_kernel_clears_another_word_than_the_tid)
{
    check(true, false);
}

Test(libc, one_that_was_started_is_waited_for)
{
    check(false, true);
}

Test(libc, also_by_that_other_word)
{
    check(true, true);
}
