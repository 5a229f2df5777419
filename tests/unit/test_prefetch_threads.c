/* Tests of loader/transport/prefetch_threads.c: threads of ours, and several that ask.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/prefetches.h"

#include <pthread.h>
#include <stdio.h>

Test(prefetch, threads_are_those_asked_for_and_end)
{
    int before = task_count();
    struct forkloader_prefetch *prefetch = prefetch_make(3, 1 << 20);
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
    struct forkloader_prefetch *prefetch = prefetch_make(2, 1 << 20);
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
        struct forkloader_prefetch *prefetch = prefetch_make(threads, 1 << 16);
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

/* One of them does the work; the others are told when there is nothing to wait for. */
Test(prefetch, a_cancel_wakes_who_waits)
{
    enum { ASKERS = 5 };
    const uint64_t *rows = many_rows(500000);
    for (int round = 0; round < 30; round++) {
        struct forkloader_prefetch *prefetch = prefetch_make(0, 0);
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
