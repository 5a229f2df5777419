/*
 * Which lost runtime a wait is about; the names say which weaker rule a test would catch.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "policy/blame.h"
#include "policy/policy_text.h"

#define PACKAGES "/venv/lib/python3.11/site-packages/"
#define LIBPYTHON "/usr/lib/libpython3.11.so.1.0"

enum { MOST = 8 };

static struct fp_lost lost[MOST];
static size_t lost_count;
static const char *dsos[MOST], *files[MOST], *joined[MOST];
static struct fp_traces traces;
static enum fp_cause cause;

static void forget(void)
{
    lost_count = 0;
    traces = (struct fp_traces){.owner = -1, .dsos = dsos, .files = files, .joined = joined};
}

static struct fp_lost *add(const char *dso, const char *file)
{
    lost[lost_count] = (struct fp_lost){
        .runtime = {.facts = {.dso = dso, .file = file, .thread = "", .package = "", .version = ""},
                    .started = "",
                    .names = ""}};
    return &lost[lost_count++];
}

static struct fp_lost *add_native(const char *dso)
{
    return add(dso, "");
}

/* Python threads run libpython's code, whoever started them. */
static struct fp_lost *add_python(const char *file)
{
    return add(LIBPYTHON, file);
}

/* The innermost first. */
static void see_library(const char *dso)
{
    dsos[traces.dso_count++] = dso;
}

static void see_file(const char *file)
{
    files[traces.file_count++] = file;
}

static void see_joined(const char *file)
{
    joined[traces.joined_count++] = file;
}

static int blame(void)
{
    return fp_blame(lost, lost_count, &traces, &cause);
}

static void expect_at(int line, int want, enum fp_cause why)
{
    int got = blame();
    cr_expect(got == want && cause == why, "line %d: %d by %s", line, got, fp_cause_name(cause));
}

#define EXPECT(want, why) expect_at(__LINE__, want, FP_CAUSE_##why)

Test(blame, a_lost_owner_is_the_proof_the_first_runtime_not_left_out, .init = forget)
{
    add_native("/a.so");
    add_native("/b.so");
    see_library("/b.so");
    traces.owner = 0;
    EXPECT(0, OWNER);
    traces.owner = 1;
    EXPECT(1, OWNER);
}

Test(blame, the_surest_cause_answers_first, .init = forget)
{
    add_native("/other.so");
    add_native("/used.so")->used = true;
    add_python("/app/line.py");
    add_native("/library.so");
    add_native("/owner.so");
    add_python("/app/joined.py");
    see_library("/lib/libc.so.6");
    see_library("/library.so");
    see_file("/app/line.py");
    see_joined("/app/joined.py");
    traces.owner = 4;
    EXPECT(4, OWNER);
    traces.owner = -1;
    EXPECT(3, LIBRARY);
    traces.dso_count = 1;
    EXPECT(5, JOINED);
    traces.joined_count = 0;
    EXPECT(2, LINE);
    traces.file_count = 0;
    EXPECT(1, USED);
    lost[1].used = false;
    EXPECT(-1, UNKNOWN);
    lost_count = 1;
    EXPECT(0, ONLY);
    lost_count = 0;
    EXPECT(-1, UNKNOWN);
}

Test(blame, only_the_want_of_another_is_no_evidence)
{
    static const struct {
        enum fp_cause cause;
        const char *name;
        bool evidence;
    } CAUSES[] = {{FP_CAUSE_OWNER, "owner", true},     {FP_CAUSE_LIBRARY, "library", true},
                  {FP_CAUSE_LINE, "line", true},       {FP_CAUSE_JOINED, "joined", true},
                  {FP_CAUSE_USED, "used", true},       {FP_CAUSE_ONLY, "only", false},
                  {FP_CAUSE_UNKNOWN, "unknown", false}};
    for (size_t i = 0; i < sizeof CAUSES / sizeof *CAUSES; i++) {
        cr_expect_str_eq(fp_cause_name(CAUSES[i].cause), CAUSES[i].name);
        cr_expect_eq(fp_cause_is_evidence(CAUSES[i].cause), CAUSES[i].evidence, "%s",
                     CAUSES[i].name);
    }
}

Test(blame, the_innermost_library_counts_not_the_first_runtime_that_was_lost, .init = forget)
{
    add_native("/outer.so");
    add_native("/inner.so");
    see_library("/lib/libc.so.6");
    see_library("/inner.so");
    see_library("/outer.so");
    EXPECT(1, LIBRARY);
}

Test(blame, a_library_is_its_whole_path_not_its_name_or_its_beginning, .init = forget)
{
    add_native("/a/_internal.abi3.so");
    add_native("/a/x.so");
    see_library("/b/_internal.abi3.so");
    see_library("/a/x.so.1");
    see_library("/a/x");
    EXPECT(-1, UNKNOWN);
    see_library("/a/x.so");
    EXPECT(1, LIBRARY);
}

Test(blame, a_library_that_is_not_known_is_nobodys_not_that_of_a_stranger, .init = forget)
{
    add_native("")->runtime.facts.thread = "iou-sqp-7";
    add_native("/a.so");
    see_library("");
    EXPECT(-1, UNKNOWN);
}

Test(blame, python_threads_are_never_known_by_libpython_where_all_of_python_waits, .init = forget)
{
    add_python("/app/train.py");
    add_native("/a.so");
    see_library(LIBPYTHON);
    EXPECT(-1, UNKNOWN);
    add_native(LIBPYTHON);
    EXPECT(2, LIBRARY);
}

Test(blame, a_native_runtime_is_never_known_by_a_python_file, .init = forget)
{
    add_native("/venv/lib/python3.11/site-packages/lancedb/_lancedb.abi3.so");
    add_native("/a.so");
    see_file(PACKAGES "lancedb/table.py");
    see_file("");
    EXPECT(-1, UNKNOWN);
}

static bool are_one(const char *started, const char *waits)
{
    forget();
    add_native("/a.so");
    add_python(started);
    see_file("/app/main.py");
    see_file(waits);
    int found = blame();
    cr_expect_eq(found, cause == FP_CAUSE_LINE ? 1 : -1);
    return cause == FP_CAUSE_LINE;
}

Test(blame, files_of_one_installed_package_are_one)
{
    cr_expect(are_one(PACKAGES "lancedb/background_loop.py", PACKAGES "lancedb/table.py"));
    cr_expect(are_one(PACKAGES "lancedb/background_loop.py", PACKAGES "lancedb/db/remote/x.py"));
    cr_expect(are_one(PACKAGES "a/b/c.py", PACKAGES "a/d.py"));
    cr_expect(
        are_one("/usr/lib/python3/dist-packages/a/b.py", "/usr/lib/python3/dist-packages/a/c.py"));
    cr_expect_not(are_one(PACKAGES "lance/a.py", PACKAGES "lancedb/a.py"));
    cr_expect_not(are_one(PACKAGES "lancedb/a.py", PACKAGES "lance/a.py"));
    cr_expect_not(are_one(PACKAGES "aaa/x.py", PACKAGES "bbb/x.py"), "of the same length");
    cr_expect_not(are_one(PACKAGES "a/x.py", "/other/lib/python3.11/site-packages/a/x.py"));
    cr_expect_not(are_one(PACKAGES "a/x.py", "/app/a/x.py"));
    cr_expect_not(are_one(PACKAGES "a/x.py", PACKAGES "a/_vendor/site-packages/b/y.py"));
}

Test(blame, single_modules_have_nothing_in_common_but_that_they_are_installed)
{
    cr_expect_not(are_one(PACKAGES "six.py", PACKAGES "typing_extensions.py"));
    cr_expect_not(are_one(PACKAGES "six.py", PACKAGES "a/six.py"));
    cr_expect(are_one(PACKAGES "six.py", PACKAGES "six.py"));
}

Test(blame, packages_of_the_standard_library_are_one_not_all_of_its_modules)
{
#define STANDARD "/usr/lib/python3.11/"
    cr_expect(
        are_one(STANDARD "concurrent/futures/thread.py", STANDARD "concurrent/futures/_base.py"));
    cr_expect(are_one(STANDARD "asyncio/base_events.py", STANDARD "asyncio/runners.py"));
    cr_expect_not(are_one(STANDARD "queue.py", STANDARD "threading.py"));
    cr_expect_not(are_one(STANDARD "asyncio/events.py", STANDARD "logging/handlers.py"));
    cr_expect_not(are_one(STANDARD "asyncio/events.py", STANDARD "threading.py"));
    cr_expect_not(are_one(STANDARD "asyncio/events.py", "/opt/lib/python3.12/asyncio/events.py"));
    cr_expect(are_one(STANDARD "queue.py", STANDARD "queue.py"));
    cr_expect_not(are_one("<frozen os>", "<frozen runpy>"));
    cr_expect(are_one("<frozen os>", "<frozen os>"));
}

Test(blame, neighbours_in_the_users_own_folder_have_nothing_in_common)
{
    cr_expect_not(are_one("/app/loader.py", "/app/train.py"));
    cr_expect_not(are_one("/app/pkg/loader.py", "/app/pkg/train.py"));
    cr_expect_not(are_one("loader.py", "train.py"));
    cr_expect(are_one("/app/loader.py", "/app/loader.py"));
}

/* The user's file is at the root of every stack, an installed package only where it is at work. */
Test(blame, a_package_on_the_stack_says_more_than_the_users_file_however_deep, .init = forget)
{
    add_python("/app/train.py");
    add_python(PACKAGES "lancedb/background_loop.py");
    see_file("/usr/lib/python3.11/threading.py");
    see_file("/app/train.py");
    see_file(PACKAGES "lancedb/table.py");
    EXPECT(1, LINE);
    traces.file_count = 2;
    EXPECT(0, LINE);
}

Test(blame, the_innermost_line_counts_not_the_first_runtime_that_was_lost, .init = forget)
{
    add_python(PACKAGES "outer/a.py");
    add_python(PACKAGES "inner/a.py");
    see_file(PACKAGES "inner/b.py");
    see_file(PACKAGES "outer/b.py");
    EXPECT(1, LINE);
    forget();
    add_python("/app/outer.py");
    add_python("/app/inner.py");
    see_file("/app/inner.py");
    see_file("/app/outer.py");
    EXPECT(1, LINE);
}

static void add_used(const char *dso, const struct fp_known *known)
{
    struct fp_lost *one = add_native(dso);
    one->used = true;
    one->runtime.identity.known = known;
}

Test(blame, of_those_that_were_used_a_known_one_not_the_first, .init = forget)
{
    static const struct fp_known known;
    add_native("/idle.so")->runtime.identity.known = &known;
    add_used("/unknown.so", NULL);
    EXPECT(1, USED);
    add_used("/known.so", &known);
    EXPECT(2, USED);
    add_used("/later.so", &known);
    add_used("/last.so", NULL);
    EXPECT(2, USED);
}

Test(blame, a_package_counts_for_more_than_a_file_whichever_thread_it_is_of, .init = forget)
{
    add_python("/app/main.py");
    add_python(PACKAGES "one/loop.py");
    see_joined("/app/main.py");
    see_file(PACKAGES "one/table.py");
    EXPECT(1, LINE);
    see_joined(PACKAGES "one/other.py");
    EXPECT(1, JOINED);
}
