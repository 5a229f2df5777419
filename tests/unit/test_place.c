/* Places of policy entries. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/place.h"

static const struct fp_site PYTHON = {
    .user = "/home/me/app/tests/test_pool.py:12",
    .library = "/v/lib/python3.11/site-packages/torch/dl.py:7",
    .called = "/usr/lib/python3.11/multiprocessing/context.py:119",
    .innermost = "/usr/lib/python3.11/multiprocessing/popen_fork.py:66",
    .function = "test_pool",
    .dso = "/usr/bin/python3.11",
    .allowed = ""};

static bool matches(const char *text, const struct fp_site *site)
{
    struct fp_place_glob place;
    size_t offset;
    const char *wrong = fp_place_parse(fp_slice_of(text), &place, &offset);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return fp_place_matches(&place, site);
}

Test(place, what_matches_a_fork_of_python_code)
{
    static const char *const MATCHES[] = {"/home/me/app/tests/test_pool.py",
                                          "test_pool.py",
                                          "tests/test_pool.py",
                                          "tests/*",
                                          "*",
                                          "*/tests/*.py",
                                          "test_pool.py:12",
                                          "test_pool.py:1?",
                                          "test_pool.py:test_pool",
                                          "test_pool.py:test_*",
                                          "test_pool.py:*",
                                          " tests/test_pool.py : 12 ",
                                          "site-packages/torch/*",
                                          "torch/dl.py:7",
                                          "context.py:119",
                                          "multiprocessing/popen_fork.py:66",
                                          "*:12"};
    static const char *const MISSES[] = {
        "pool.py",        "est_pool.py",        "/test_pool.py",
        "test_pool.py:1", "test_pool.py:121",   "test_pool.py:pool",
        "test_pool.pyx",  "/home/me/app/tests", "torch/dl.py:test_pool",
        "python3.11",     "*/python3.11",       "app/*/test_pool.py:13"};
    for (size_t i = 0; i < sizeof MATCHES / sizeof *MATCHES; i++)
        cr_assert(matches(MATCHES[i], &PYTHON), "%s", MATCHES[i]);
    for (size_t i = 0; i < sizeof MISSES / sizeof *MISSES; i++)
        cr_assert(!matches(MISSES[i], &PYTHON), "%s", MISSES[i]);
}

Test(place, without_python_code_the_library_that_forks_is_the_file)
{
    const struct fp_site native = {.user = "",
                                   .library = "",
                                   .called = "",
                                   .innermost = "",
                                   .function = "",
                                   .dso = "/opt/app/libserver.so.1",
                                   .allowed = ""};
    cr_assert(matches("libserver.so.1", &native) && matches("*/libserver.so*:*", &native));
    cr_assert(!matches("libserver.so", &native));
    cr_assert(!matches("libserver.so.1:12", &native), "its lines are not known");
}

Test(place, a_colon_in_the_name_of_a_file)
{
    struct fp_site site = PYTHON;
    site.user = "/home/me/a:b.py:12";
    cr_assert(matches("a[:]b.py:12", &site) && matches("a\\:b.py", &site));
}

Test(place, the_offset_of_every_kind_of_error)
{
    static const struct {
        const char *text;
        size_t offset;
    } CASES[] = {{"", 0},         {"  ", 0},      {":12", 0},     {"a.py:", 5}, {"a.py: ", 5},
                 {"a.py:1:2", 6}, {" a[b.py", 2}, {"a.py:[1", 5}, {"a\\", 1},   {"a.py:f\\", 6}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fp_place_glob place;
        size_t offset = 99;
        cr_assert_not_null(fp_place_parse(fp_slice_of(CASES[i].text), &place, &offset), "\"%s\"",
                           CASES[i].text);
        cr_assert_eq(offset, CASES[i].offset, "\"%s\": %zu", CASES[i].text, offset);
    }
}
