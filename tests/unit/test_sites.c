/* Tests of shim/threads/sites.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/threads/runtimes.h"
#include "shim/threads/sites.h"

enum { MOST = 256 };

static const struct fp_site SITE = {.user = "/app/train.py:10",
                                    .library = "/p/a.py:1",
                                    .called = "/p/b.py:2",
                                    .innermost = "/lib/os.py:3",
                                    .function = "main",
                                    .dso = "/lib/libpython.so",
                                    .allowed = "polars because of a test\n"};

static void expect_same(const struct fp_site *got, const struct fp_site *want)
{
    cr_expect_str_eq(got->user, want->user);
    cr_expect_str_eq(got->library, want->library);
    cr_expect_str_eq(got->called, want->called);
    cr_expect_str_eq(got->innermost, want->innermost);
    cr_expect_str_eq(got->function, want->function);
    cr_expect_str_eq(got->dso, want->dso);
    cr_expect_str_eq(got->allowed, want->allowed);
}

static const struct fp_site *keep_numbered(int number)
{
    char line[32];
    snprintf(line, sizeof line, "/app/train.py:%d", number);
    struct fp_site site = SITE;
    site.user = line;
    return fp_site_keep(&site);
}

Test(sites, a_copy_is_kept_not_what_the_caller_will_write_over)
{
    char fields[7][32];
    const char *const strings[] = {SITE.user,     SITE.library, SITE.called, SITE.innermost,
                                   SITE.function, SITE.dso,     SITE.allowed};
    for (int i = 0; i < 7; i++)
        snprintf(fields[i], sizeof fields[i], "%s", strings[i]);
    struct fp_site site = {.user = fields[0],
                           .library = fields[1],
                           .called = fields[2],
                           .innermost = fields[3],
                           .function = fields[4],
                           .dso = fields[5],
                           .allowed = fields[6]};
    const struct fp_site *kept = fp_site_keep(&site);
    memset(fields, 'x', sizeof fields);
    memset(&site, 0, sizeof site);
    expect_same(kept, &SITE);
}

Test(sites, each_is_stored_once)
{
    const struct fp_site *first = fp_site_keep(&SITE), *other = keep_numbered(11);
    cr_expect_neq(first, other);
    for (int i = 0; i < 3 * MOST; i++) {
        cr_expect_eq(fp_site_keep(&SITE), first);
        cr_expect_eq(keep_numbered(11), other);
    }
    cr_expect_neq(keep_numbered(12), first, "there is still room");
    expect_same(first, &SITE);
}

Test(sites, one_field_that_differs_makes_it_another_site)
{
    const struct fp_site *kept[8];
    size_t count = 0;
    struct fp_site others[8] = {SITE, SITE, SITE, SITE, SITE, SITE, SITE, SITE};
    others[1].user = "";
    others[2].library = "/p/a.py:9";
    others[3].called = "/p/b.py:22";
    others[4].innermost = "";
    others[5].function = "mai";
    others[6].dso = "/lib/libpython.so.1";
    others[7].allowed = "";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        kept[count++] = fp_site_keep(&others[i]);
        expect_same(kept[i], &others[i]);
        for (size_t earlier = 0; earlier < i; earlier++)
            cr_expect_neq(kept[earlier], kept[i], "%zu and %zu", earlier, i);
    }
}

Test(sites, a_site_without_anything_is_one_too)
{
    const struct fp_site nothing = {"", "", "", "", "", "", ""};
    expect_same(fp_site_keep(&nothing), &nothing);
    expect_same(fp_site_keep(&SITE), &SITE);
}

Test(sites, a_full_table_keeps_what_it_has_and_gives_empty_strings_for_the_rest)
{
    const struct fp_site nothing = {"", "", "", "", "", "", ""};
    const struct fp_site *kept[MOST];
    for (int i = 0; i < MOST; i++)
        kept[i] = keep_numbered(i);
    for (int i = MOST; i < 2 * MOST; i++)
        expect_same(keep_numbered(i), &nothing);
    for (int i = 0; i < MOST; i++) {
        char line[32];
        snprintf(line, sizeof line, "/app/train.py:%d", i);
        cr_expect_str_eq(kept[i]->user, line);
        cr_expect_eq(keep_numbered(i), kept[i]);
    }
}

Test(sites, without_memory_there_are_empty_strings)
{
    const struct fp_site nothing = {"", "", "", "", "", "", ""};
    const struct fp_site *first = fp_site_keep(&SITE);
    while (fp_arena_take(16))
        ;
    expect_same(keep_numbered(1), &nothing);
    expect_same(keep_numbered(2), &nothing);
    cr_expect_eq(fp_site_keep(&SITE), first, "what was kept is found");
}

static int *pieces; /* how much room there is, as a child found out */

static bool is_same(const struct fp_site *got, const struct fp_site *want)
{
    return strcmp(got->user, want->user) == 0 && strcmp(got->library, want->library) == 0 &&
           strcmp(got->called, want->called) == 0 && strcmp(got->innermost, want->innermost) == 0 &&
           strcmp(got->function, want->function) == 0 && strcmp(got->dso, want->dso) == 0 &&
           strcmp(got->allowed, want->allowed) == 0;
}

static bool is_kept_whole_or_not_at_all(const struct fp_site *site)
{
    const struct fp_site nothing = {"", "", "", "", "", "", ""};
    const struct fp_site *kept = fp_site_keep(site);
    return is_same(kept, site) || is_same(kept, &nothing);
}

/* In a child, with room for so many pieces of 16 bytes. */
static bool keep_within(int room)
{
    struct fp_site stripped[] = {SITE, SITE, SITE};
    stripped[0].dso = "";
    stripped[1].function = stripped[1].dso = "";
    stripped[2].user = "";
    for (int i = *pieces - room; i > 0; i--)
        fp_arena_take(16);
    bool good = is_kept_whole_or_not_at_all(&SITE);
    for (size_t i = 0; i < sizeof stripped / sizeof *stripped; i++)
        good &= is_kept_whole_or_not_at_all(&stripped[i]);
    return good && is_kept_whole_or_not_at_all(&SITE);
}

static void run_child(int room)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        while (room < 0 && fp_arena_take(16))
            ++*pieces;
        _exit(room >= 0 && !keep_within(room));
    }
    waitpid(child, &status, 0);
    cr_expect_eq(status, 0, "room %d", room);
}

Test(sites, with_little_memory_a_site_is_kept_whole_or_not_at_all)
{
    pieces = mmap(NULL, sizeof *pieces, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    run_child(-1);
    for (int room = 0; room < 40; room++)
        run_child(room);
}

enum { THREADS = 4, SHARED = 200 };

static const struct fp_site *found[THREADS][SHARED];
static pthread_barrier_t start;

static void *keep_all(void *argument)
{
    size_t thread = (size_t)argument;
    for (int i = 0; i < SHARED; i++) {
        pthread_barrier_wait(&start);
        found[thread][i] = keep_numbered(i);
    }
    return NULL;
}

Test(sites, threads_that_keep_the_same_sites_at_once_get_the_same_copies)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, keep_all, (void *)i);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++)
        for (size_t thread = 1; thread < THREADS; thread++)
            cr_expect_eq(found[thread][i], found[0][i]);
    cr_expect_str_neq(keep_numbered(MOST)->user, "", "and took no more room than they need");
}
