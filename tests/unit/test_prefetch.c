/* Tests of loader/transport/prefetch.c and atfork.c. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "forkloader.h"
#include "tests/unit/support/numbers.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif
enum { ROWS = 50000, SECONDS = 40 };

static _Thread_local struct forkloader_error error;
static struct forkloader_table *table;

/* What hangs ends, in children as well. */
static void set_up(void)
{
    alarm(SECONDS);
    table = numbers_table(ROWS);
    cr_assert_not_null(table);
}

static void tear_down(void)
{
    forkloader_table_free(table);
}

TestSuite(prefetch, .init = set_up, .fini = tear_down);

static struct forkloader_prefetch *make(size_t threads, uint64_t most_bytes)
{
    struct forkloader_prefetch *prefetch;
    cr_assert_eq(forkloader_prefetch_new(&prefetch, threads, most_bytes, &error), 0, "%s",
                 error.message);
    return prefetch;
}

/* Take number `number` is of so many rows, from there on, wherever that is. */
static size_t rows_of(uint64_t number, uint64_t *rows)
{
    size_t count = 50 + number % 7 * 100;
    for (size_t i = 0; i < count; i++)
        rows[i] = (number * 7919 + i * i) % ROWS;
    return count;
}

static int ask(struct forkloader_prefetch *prefetch, uint64_t number)
{
    uint64_t rows[700];
    size_t count = rows_of(number, rows);
    return forkloader_prefetch_submit(prefetch, table, rows, count, NULL, 0, NULL);
}

/* Is the next one that take? What is no assertion can be called in a child. */
static bool gives(struct forkloader_prefetch *prefetch, uint64_t number)
{
    uint64_t rows[700];
    size_t count = rows_of(number, rows);
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (forkloader_prefetch_next(prefetch, &array, &schema, NULL) != 0)
        return false;
    bool right = numbers_are(&array, rows, count) && strcmp(schema.children[0]->name, "n") == 0;
    array.release(&array);
    schema.release(&schema);
    return right;
}

static int next_code(struct forkloader_prefetch *prefetch)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    int code = forkloader_prefetch_next(prefetch, &array, &schema, &error);
    if (array.release)
        array.release(&array);
    if (schema.release)
        schema.release(&schema);
    return code;
}

static struct forkloader_prefetch_counts counts_of(struct forkloader_prefetch *prefetch)
{
    struct forkloader_prefetch_counts counts;
    forkloader_prefetch_count(prefetch, &counts);
    return counts;
}

static void rest(long microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

/* A sanitizer has locks of its own, which a fork does not wait for. They are held by threads that
   begin, among others. */
static void let_begin(void)
{
    if (IS_SANITIZED)
        rest(50000);
}

/* Until so many are done. */
static void wait_done(struct forkloader_prefetch *prefetch, uint64_t done)
{
    while (counts_of(prefetch).done < done)
        rest(100);
}

static int task_count(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

/* 0, or the line that a child ended at. */
static int end_of(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define WANT(condition)                \
    do {                               \
        if (!(condition))              \
            _exit(__LINE__ % 251 + 1); \
    } while (0)

Test(prefetch, batches_come_in_their_order)
{
    static const size_t THREADS[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        struct forkloader_prefetch *prefetch = make(THREADS[i], 1 << 20);
        cr_expect_eq(next_code(prefetch), ENOENT);
        cr_expect(strstr(error.message, "nothing was asked for"));
        for (uint64_t number = 0; number < 500; number++) {
            cr_assert_eq(ask(prefetch, number), 0);
            if (number >= 100)
                cr_assert(gives(prefetch, number - 100), "%lu", (unsigned long)number);
        }
        for (uint64_t number = 400; number < 500; number++)
            cr_assert(gives(prefetch, number));
        struct forkloader_prefetch_counts counts = counts_of(prefetch);
        cr_expect(counts.submitted == 500 && counts.done == 500 && counts.given == 500);
        cr_expect_eq(counts.bytes, counts.rows * 8);
        cr_expect_eq(counts.bytes_ahead, 0);
        cr_expect_eq(next_code(prefetch), ENOENT);
        forkloader_prefetch_free(prefetch);
    }
}

Test(prefetch, threads_are_those_asked_for_and_end)
{
    int before = task_count();
    struct forkloader_prefetch *prefetch = make(3, 1 << 20);
    cr_expect_eq(task_count(), before, "no thread before there is work");
    cr_assert_eq(ask(prefetch, 1), 0);
    cr_expect_eq(task_count(), before + 3);
    cr_expect(gives(prefetch, 1));
    forkloader_prefetch_free(prefetch);
    for (int i = 0; i < 1000 && task_count() != before; i++)
        rest(1000); /* the last steps of an end are not instant */
    cr_expect_eq(task_count(), before);
    forkloader_prefetch_free(NULL);
}

Test(prefetch, threads_take_no_signal_of_their_host)
{
    struct forkloader_prefetch *prefetch = make(2, 1 << 20);
    int found = 0;
    cr_assert(ask(prefetch, 1) == 0 && gives(prefetch, 1));
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));) {
        char path[300], name[32] = "", line[128];
        unsigned long blocked = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (status && fgets(line, sizeof line, status)) {
            sscanf(line, "Name: %31s", name);
            sscanf(line, "SigBlk: %lx", &blocked);
        }
        if (status)
            fclose(status);
        if (strcmp(name, "forkloader") != 0)
            continue;
        found++;
        cr_expect(blocked & 1ul << (SIGALRM - 1) && blocked & 1ul << (SIGINT - 1));
    }
    closedir(tasks);
    cr_expect_eq(found, 2);
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, an_error_is_that_of_its_own_batch)
{
    for (size_t threads = 0; threads < 3; threads += 2) {
        struct forkloader_prefetch *prefetch = make(threads, 1 << 20);
        const uint64_t wrong = ROWS;
        const int column = 7, columns[] = {0, 0};
        cr_assert_eq(ask(prefetch, 1), 0);
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, &wrong, 1, NULL, 0, &error), 0);
        cr_assert_eq(ask(prefetch, 2), 0);
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, NULL, 0, &column, 1, &error), 0);
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, NULL, 0, columns, 2, &error), 0);
        cr_expect(gives(prefetch, 1));
        cr_expect_eq(next_code(prefetch), EINVAL);
        cr_expect(strstr(error.message, "row 50000 (at 0) is none"), "%s", error.message);
        cr_expect(gives(prefetch, 2));
        cr_expect_eq(next_code(prefetch), EINVAL);
        cr_expect(strstr(error.message, "column 7 is none"), "%s", error.message);
        cr_expect_eq(next_code(prefetch), 0);
        cr_expect_eq(counts_of(prefetch).given, 5);
        forkloader_prefetch_free(prefetch);
    }
}

Test(prefetch, what_cannot_be_asked_for)
{
    struct forkloader_prefetch *prefetch, *none;
    const uint64_t row = 0;
    cr_expect_eq(forkloader_prefetch_new(&none, 257, 0, &error), EINVAL);
    cr_expect_null(none);
    cr_expect(strstr(error.message, "257"));
    prefetch = make(0, 0);
    for (size_t less = 0; less < 100; less += 33) /* sizes that are small again, modulo 2^64 */
        cr_expect_eq(
            forkloader_prefetch_submit(prefetch, table, &row, SIZE_MAX / 8 - less, NULL, 0, &error),
            ENOMEM);
    cr_expect_eq(forkloader_prefetch_submit(prefetch, table, &row, 1, (const int *)&row,
                                            SIZE_MAX / 4, &error),
                 ENOMEM);
    cr_expect(ask(prefetch, 3) == 0 && gives(prefetch, 3));
    forkloader_prefetch_free(prefetch);
}

static int ask_for(struct forkloader_prefetch *prefetch, size_t count)
{
    uint64_t rows[1000];
    for (size_t i = 0; i < count; i++)
        rows[i] = i;
    return forkloader_prefetch_submit(prefetch, table, rows, count, NULL, 0, NULL);
}

Test(prefetch, bytes_ahead_keep_to_their_bound)
{
    struct forkloader_prefetch *prefetch = make(4, 3 * 8000);
    cr_assert_eq(ask_for(prefetch, 1000), 0);
    cr_assert_eq(next_code(prefetch), 0); /* from now on it knows how long they are */
    for (int i = 0; i < 100; i++)
        cr_assert_eq(ask_for(prefetch, 1000), 0);
    for (int i = 0; i < 100; i++) {
        uint64_t wanted = (uint64_t)(i < 98 ? i + 4 : 101);
        wait_done(prefetch, wanted);
        for (int look = 0; look < 3; look++, rest(100)) {
            struct forkloader_prefetch_counts counts = counts_of(prefetch);
            cr_assert_leq(counts.bytes_ahead, 3 * 8000);
            cr_assert_eq(counts.done, wanted);
        }
        cr_assert_eq(next_code(prefetch), 0);
    }
    cr_expect_eq(counts_of(prefetch).bytes_ahead, 0);
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, one_batch_may_always_be_ahead)
{
    struct forkloader_prefetch *prefetch = make(2, 1);
    cr_assert_eq(ask_for(prefetch, 1000), 0);
    wait_done(prefetch, 1);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(ask_for(prefetch, 1000), 0);
    for (uint64_t i = 0; i < 20; i++) {
        wait_done(prefetch, i + 1);
        rest(500);
        cr_expect_eq(counts_of(prefetch).done, i + 1);
        cr_assert_eq(next_code(prefetch), 0);
    }
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, what_is_cancelled_is_not_given)
{
    static const size_t THREADS[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        struct forkloader_prefetch *prefetch = make(THREADS[i], 1 << 16);
        for (uint64_t round = 0; round < 200; round++) {
            for (uint64_t number = 0; number < 8; number++)
                cr_assert_eq(ask(prefetch, number), 0);
            for (uint64_t number = 0; number < round % 4; number++)
                cr_assert(gives(prefetch, number));
            forkloader_prefetch_cancel(prefetch);
            cr_assert_eq(counts_of(prefetch).bytes_ahead, 0);
            cr_assert_eq(next_code(prefetch), ENOENT);
        }
        cr_expect(ask(prefetch, 9) == 0 && gives(prefetch, 9));
        cr_expect_eq(counts_of(prefetch).given, 301);
        forkloader_prefetch_free(prefetch);
    }
}

Test(prefetch, a_table_may_be_freed_before_its_takes_are_given)
{
    for (size_t threads = 0; threads < 5; threads += 4) {
        struct forkloader_prefetch *prefetch = make(threads, 5000);
        int released = atomic_load(&numbers_arrays_released);
        for (uint64_t number = 0; number < 50; number++)
            cr_assert_eq(ask(prefetch, number), 0);
        forkloader_table_free(table);
        for (uint64_t number = 0; number < 50; number++) {
            cr_expect_eq(atomic_load(&numbers_arrays_released), released);
            cr_assert(gives(prefetch, number));
        }
        cr_expect_eq(atomic_load(&numbers_arrays_released), released + 1);
        forkloader_prefetch_free(prefetch);
        table = numbers_table(ROWS);
    }
}

Test(prefetch, is_freed_with_work_pending)
{
    static const size_t THREADS[] = {0, 1, 4};
    for (int round = 0; round < 60; round++) {
        struct forkloader_prefetch *prefetch = make(THREADS[round % 3], 1 << 20);
        for (uint64_t number = 0; number < 40; number++)
            cr_assert_eq(ask(prefetch, number), 0);
        rest(round * 20);
        forkloader_prefetch_free(prefetch);
    }
    int released = atomic_load(&numbers_arrays_released);
    forkloader_table_free(table);
    cr_expect_eq(atomic_load(&numbers_arrays_released), released + 1, "no take keeps it");
    table = NULL;
}

/* Two who ask, until they have had everything. */
struct asker {
    struct forkloader_prefetch *prefetch;
    atomic_int *seen; /* how often each number came */
    int wrong;
};

static void *ask_on(void *of)
{
    struct asker *asker = of;
    struct ArrowArray array;
    struct ArrowSchema schema;
    while (forkloader_prefetch_next(asker->prefetch, &array, &schema, NULL) == 0) {
        uint64_t first = (uint64_t)((const int64_t *)array.children[0]->buffers[1])[0] / 3;
        asker->wrong += !numbers_run(&array, first, 20);
        atomic_fetch_add(&asker->seen[first], 1);
        array.release(&array);
        schema.release(&schema);
    }
    return NULL;
}

Test(prefetch, two_may_ask_at_once)
{
    for (size_t threads = 0; threads < 3; threads++) {
        struct forkloader_prefetch *prefetch = make(threads, 1 << 16);
        static atomic_int seen[2000];
        struct asker askers[2] = {{prefetch, seen, 0}, {prefetch, seen, 0}};
        pthread_t thread[2];
        memset(seen, 0, sizeof seen);
        for (uint64_t first = 0; first < 2000; first++) {
            uint64_t rows[20];
            for (uint64_t i = 0; i < 20; i++)
                rows[i] = first + i;
            cr_assert_eq(forkloader_prefetch_submit(prefetch, table, rows, 20, NULL, 0, NULL), 0);
        }
        for (int i = 0; i < 2; i++)
            cr_assert_eq(pthread_create(&thread[i], NULL, ask_on, &askers[i]), 0);
        for (int i = 0; i < 2; i++) {
            pthread_join(thread[i], NULL);
            cr_expect_eq(askers[i].wrong, 0);
        }
        for (int i = 0; i < 2000; i++)
            cr_assert_eq(seen[i], 1);
        forkloader_prefetch_free(prefetch);
    }
}

static void *ask_once(void *of)
{
    (void)next_code(of);
    return NULL;
}

/* Rows to take for milliseconds. */
static const uint64_t *many_rows(size_t count)
{
    static uint64_t rows[500000];
    cr_assert_leq(count, 500000);
    for (size_t i = 0; i < count; i++)
        rows[i] = i * 7919 % ROWS;
    return rows;
}

/* One of them does the work; the others are told when there is nothing to wait for. */
Test(prefetch, a_cancel_wakes_who_waits)
{
    enum { ASKERS = 5 };
    const uint64_t *rows = many_rows(500000);
    for (int round = 0; round < 30; round++) {
        struct forkloader_prefetch *prefetch = make(0, 0);
        pthread_t thread[ASKERS];
        for (int i = 0; i < ASKERS; i++)
            cr_assert_eq(forkloader_prefetch_submit(prefetch, table, rows, 500000, NULL, 0, &error),
                         0);
        for (int i = 0; i < ASKERS; i++)
            cr_assert_eq(pthread_create(&thread[i], NULL, ask_once, prefetch), 0);
        while (counts_of(prefetch).waits < 2)
            rest(10);
        forkloader_prefetch_cancel(prefetch);
        for (int i = 0; i < ASKERS; i++)
            pthread_join(thread[i], NULL);
        forkloader_prefetch_free(prefetch);
    }
}

/* All that is outstanding comes in the child, once, and more can be asked for. */
static void live_on_in_child(struct forkloader_prefetch *prefetch, uint64_t first, uint64_t end)
{
    alarm(SECONDS);
    WANT(task_count() == 1);
    while (first < end)
        WANT(gives(prefetch, first++));
    struct ArrowArray array;
    struct ArrowSchema schema;
    WANT(forkloader_prefetch_next(prefetch, &array, &schema, NULL) == ENOENT);
    for (uint64_t number = 0; number < 10; number++)
        WANT(ask(prefetch, number) == 0);
    for (uint64_t number = 0; number < 10; number++)
        WANT(gives(prefetch, number));
    forkloader_prefetch_free(prefetch);
    _exit(0);
}

static void fork_at_full_speed(size_t threads, int forks)
{
    struct forkloader_prefetch *prefetch = make(threads, 1 << 20);
    uint64_t given = 0, asked = 0;
    for (int i = 0; i < forks; i++) {
        while (asked < given + 24)
            cr_assert_eq(ask(prefetch, asked++), 0);
        for (int taken = 0; taken < i % 5; taken++)
            cr_assert(gives(prefetch, given++));
        if (i == 0)
            let_begin();
        pid_t child = fork();
        if (child == 0)
            live_on_in_child(prefetch, given, asked);
        cr_assert_gt(child, 0);
        for (int taken = 0; taken < 12; taken++) /* meanwhile */
            cr_assert(gives(prefetch, given++));
        cr_assert_eq(end_of(child), 0, "fork %d", i);
    }
    while (given < asked)
        cr_assert(gives(prefetch, given++));
    cr_expect_eq(counts_of(prefetch).given, given);
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, forks_at_full_speed_with_four_threads, .timeout = SECONDS)
{
    fork_at_full_speed(4, 300);
}

Test(prefetch, forks_at_full_speed_with_few_threads, .timeout = SECONDS)
{
    fork_at_full_speed(1, 70);
    fork_at_full_speed(0, 30);
}

/* A child of a child, whose own threads are at work. */
Test(prefetch, goes_through_forks_of_forks)
{
    struct forkloader_prefetch *prefetch = make(2, 1 << 20);
    for (int i = 0; i < 10; i++) {
        for (uint64_t number = 0; number < 30; number++)
            cr_assert_eq(ask(prefetch, number), 0);
        if (i == 0)
            let_begin();
        pid_t child = fork();
        if (child == 0) {
            alarm(SECONDS);
            for (uint64_t number = 0; number < 10; number++)
                WANT(gives(prefetch, number));
            let_begin();
            pid_t grandchild = fork();
            if (grandchild == 0)
                live_on_in_child(prefetch, 10, 30);
            for (uint64_t number = 10; number < 30; number++)
                WANT(gives(prefetch, number));
            _exit(end_of(grandchild) != 0);
        }
        for (uint64_t number = 0; number < 30; number++)
            cr_assert(gives(prefetch, number));
        cr_assert_eq(end_of(child), 0);
    }
    forkloader_prefetch_free(prefetch);
}

/* A thread that asks and is given, on and on, while others fork. */
struct busy {
    struct forkloader_prefetch *prefetch;
    atomic_bool ends;
    atomic_int wrong;
};

static void *be_busy(void *of)
{
    struct busy *busy = of;
    for (uint64_t number = 0; !atomic_load(&busy->ends); number++)
        busy->wrong += ask(busy->prefetch, number) != 0 || !gives(busy->prefetch, number);
    return NULL;
}

static void *fork_on(void *of)
{
    (void)of;
    for (int i = 0; i < 80; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        (void)end_of(child);
    }
    return NULL;
}

Test(prefetch, others_go_on_asking_over_a_fork)
{
    for (size_t threads = 0; threads < 2; threads++) {
        struct busy busy = {.prefetch = make(threads, 1 << 20)};
        pthread_t thread, forkers[2];
        cr_assert_eq(pthread_create(&thread, NULL, be_busy, &busy), 0);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(pthread_create(&forkers[i], NULL, fork_on, NULL), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(forkers[i], NULL);
        atomic_store(&busy.ends, true);
        pthread_join(thread, NULL);
        cr_expect_eq(busy.wrong, 0);
        forkloader_prefetch_free(busy.prefetch);
    }
}

static void *ask_to_the_end(void *of)
{
    while (next_code(of) == 0)
        ;
    return NULL;
}

/* How many are done over a fork, of 40 that were asked for: by its threads, or by who asks. */
static uint64_t done_over_a_fork(size_t threads, const uint64_t *rows, size_t count)
{
    struct forkloader_prefetch *prefetch = make(threads, UINT64_MAX);
    pthread_t asker;
    for (int i = 0; i < 40; i++)
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, rows, count, NULL, 0, NULL), 0);
    cr_assert_eq(pthread_create(&asker, NULL, ask_to_the_end, prefetch), 0);
    wait_done(prefetch, 2);
    uint64_t before = counts_of(prefetch).done;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    uint64_t over = counts_of(prefetch).done - before;
    cr_assert_eq(end_of(child), 0);
    forkloader_prefetch_cancel(prefetch);
    pthread_join(asker, NULL);
    forkloader_prefetch_free(prefetch);
    return over;
}

Test(prefetch, a_fork_waits_for_what_runs_and_no_more)
{
    const uint64_t *rows = many_rows(300000);
    for (size_t threads = 0; threads < 3; threads++) {
        uint64_t least = UINT64_MAX; /* others use the machine, too */
        for (int round = 0; round < 10 && least > 6; round++) {
            uint64_t over = done_over_a_fork(threads, rows, 300000);
            least = over < least ? over : least;
        }
        cr_expect_leq(least, 6, "%lu with %zu threads", (unsigned long)least, threads);
    }
}

Test(prefetch, threads_go_on_by_themselves_after_a_fork)
{
    const uint64_t *rows = many_rows(100000);
    struct forkloader_prefetch *prefetch = make(2, UINT64_MAX);
    for (uint64_t round = 0; round < 10; round++) {
        for (int i = 0; i < 20; i++)
            cr_assert_eq(forkloader_prefetch_submit(prefetch, table, rows, 100000, NULL, 0, NULL),
                         0);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        wait_done(prefetch, (round + 1) * 20);
        cr_assert_eq(end_of(child), 0);
    }
    forkloader_prefetch_free(prefetch);
}

/* Prefetches come and go while others fork. */
static void *make_and_free(void *of)
{
    while (!atomic_load((atomic_bool *)of)) {
        struct forkloader_prefetch *prefetch;
        if (forkloader_prefetch_new(&prefetch, 1, 1000, NULL) == 0 && ask(prefetch, 1) == 0)
            (void)gives(prefetch, 1);
        forkloader_prefetch_free(prefetch);
    }
    return NULL;
}

Test(prefetch, is_made_and_freed_while_others_fork)
{
    atomic_bool ends = false;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, make_and_free, &ends), 0);
    for (int i = 0; i < 60; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct forkloader_prefetch *own;
            alarm(SECONDS);
            if (IS_SANITIZED)
                _exit(0);
            WANT(forkloader_prefetch_new(&own, 1, 1000, NULL) == 0);
            WANT(ask(own, 2) == 0 && gives(own, 2));
            forkloader_prefetch_free(own);
            _exit(0);
        }
        cr_assert_eq(end_of(child), 0);
    }
    atomic_store(&ends, true);
    pthread_join(thread, NULL);
}

/* libc's own is linked in, so that this one stands in its place: it can be held up. */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *);
static int held_up; /* 1: before it has registered; 2: behind it */
static sem_t is_within, may_go_on;

static void hold_up(int here)
{
    struct timespec until;
    if (held_up != here)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    sem_post(&is_within);
    sem_timedwait(&may_go_on, &until);
}

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    hold_up(1);
    int code = __register_atfork(prepare, parent, child, NULL);
    hold_up(2);
    return code;
}

static void *make_first(void *of)
{
    (void)of;
    return make(1, 1000);
}

static void fork_while_held_up(int here)
{
    pthread_t thread;
    void *made;
    sem_init(&is_within, 0, 0);
    sem_init(&may_go_on, 0, 0);
    held_up = here;
    cr_assert_eq(pthread_create(&thread, NULL, make_first, NULL), 0);
    sem_wait(&is_within);
    pid_t child = fork();
    if (child == 0) {
        struct forkloader_prefetch *own;
        alarm(10);
        held_up = 0;
        WANT(forkloader_prefetch_new(&own, 1, 1000, NULL) == 0);
        WANT(ask(own, 0) == 0);
        let_begin();
        pid_t grandchild = fork();
        if (grandchild == 0)
            live_on_in_child(own, 0, 1);
        WANT(gives(own, 0));
        _exit(end_of(grandchild) != 0);
    }
    sem_post(&may_go_on);
    pthread_join(thread, &made);
    cr_expect_eq(end_of(child), 0);
    cr_expect(ask(made, 5) == 0 && gives(made, 5));
    forkloader_prefetch_free(made);
}

Test(prefetch, a_fork_before_the_first_has_registered)
{
    fork_while_held_up(1);
}

Test(prefetch, a_fork_when_the_first_has_just_registered)
{
    fork_while_held_up(2);
}
