/* Tests of shim/threads/runtimes.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "shim/threads/runtimes.h"

Test(runtimes, a_library_is_found_again_by_its_path_alone)
{
    uint32_t first = fp_runtime_intern("/a/libx.so", "", "train.py:1");
    cr_expect_neq(first, FP_ENTRY_OTHER);
    cr_expect_eq(fp_runtime_intern("/a/libx.so", "", "other.py:9"), first);
    cr_expect_str_eq(fp_runtime_at(first)->started, "train.py:1", "the first caller's line stays");
    cr_expect_eq(fp_runtime_find("/a/libx.so"), first);
    cr_expect_eq(fp_runtime_find("/a/liby.so"), FP_ENTRY_NONE);
}

Test(runtimes, the_first_threads_line_is_kept_though_handlers_came_before)
{
    uint32_t index = fp_runtime_intern("/a/libx.so", "", "");
    cr_expect_eq(fp_runtime_intern("/a/libx.so", "", ""), index);
    cr_expect_eq(fp_runtime_intern("/a/libx.so", "", "train.py:1"), index);
    cr_expect_eq(fp_runtime_intern("/a/libx.so", "", "train.py:2"), index);
    cr_expect_str_eq(fp_runtime_at(index)->started, "train.py:1");
    cr_expect_null(fp_runtime_at(FP_ENTRY_OTHER)->started);
}

Test(runtimes, private_copies_are_kept_apart_by_path_though_the_name_is_one)
{
    cr_expect_neq(fp_runtime_intern("/a/libgomp.so.1", "", ""),
                  fp_runtime_intern("/b/libgomp.so.1", "", ""));
}

Test(runtimes, python_code_is_kept_apart_by_file_and_line)
{
    uint32_t one = fp_runtime_intern("/libpython.so", "thread.py", "a.py:1");
    cr_expect_eq(fp_runtime_intern("/libpython.so", "thread.py", "a.py:1"), one);
    cr_expect_neq(fp_runtime_intern("/libpython.so", "thread.py", "b.py:1"), one);
    cr_expect_neq(fp_runtime_intern("/libpython.so", "other.py", "a.py:1"), one);
    cr_expect_neq(fp_runtime_intern("/libpython.so", "", ""), one);
}

Test(runtimes, a_full_registry_lumps_the_rest_together)
{
    char path[32];
    uint32_t index = 1;
    for (int i = 0; i < 2 * FP_ENTRIES_MAX; i++) {
        snprintf(path, sizeof path, "/lib%d.so", i);
        index = fp_runtime_intern(path, "", "");
        cr_assert(i >= FP_ENTRIES_MAX - 1 || index != FP_ENTRY_OTHER);
    }
    cr_expect_eq(index, FP_ENTRY_OTHER);
    cr_expect_eq(fp_runtimes_count(), FP_ENTRIES_MAX);
    cr_expect_neq(fp_runtime_find("/lib0.so"), FP_ENTRY_NONE);
}

Test(runtimes, a_child_loses_all_threads_but_its_own_and_entering_twice_changes_nothing)
{
    uint32_t a = fp_runtime_intern("/a.so", "", ""), b = fp_runtime_intern("/b.so", "", "");
    for (int i = 0; i < 3; i++) {
        fp_runtime_add(a);
        fp_runtime_add(b);
    }
    for (int twice = 0; twice < 2; twice++) {
        fp_runtimes_child(a);
        cr_expect_eq(fp_runtime_at(a)->live, 1u);
        cr_expect_eq(fp_runtime_at(a)->lost, 2u);
        cr_expect_eq(fp_runtime_at(b)->live, 0u);
        cr_expect_eq(fp_runtime_at(b)->lost, 3u);
    }
}

Test(runtimes, the_arena_gives_out_and_does_not_run_over)
{
    size_t given = 0;
    while (fp_arena_take(4096))
        given++;
    cr_expect(given > 200 && given <= 256);
    cr_expect_str_eq(fp_arena_copy(memset((char[5000]){0}, 'x', 4999), 4999), "");
    cr_expect_neq(fp_runtime_intern("/late.so", "", ""), FP_ENTRY_NONE);
}

static void *intern_many(void *argument)
{
    char path[32];
    (void)argument;
    for (int i = 0; i < 400; i++) {
        snprintf(path, sizeof path, "/lib%d.so", i);
        fp_runtime_add(fp_runtime_intern(path, "", ""));
    }
    return NULL;
}

Test(runtimes, threads_that_meet_a_library_at_once_count_it_once)
{
    pthread_t threads[8];
    char path[32];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, intern_many, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 400; i++) {
        snprintf(path, sizeof path, "/lib%d.so", i);
        uint32_t index = fp_runtime_find(path);
        cr_assert_neq(index, FP_ENTRY_NONE);
        cr_expect_eq(fp_runtime_at(index)->live, 8u, "%s", path);
    }
}
