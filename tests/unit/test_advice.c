/* Tests of policy/advice.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/advice.h"
#include "policy/decide.h"

#include <string.h>

static const char TABLE[] =
    "runtime lancedb-loop\n python */lancedb/background_loop.py\n class lost\n"
    " advice upgrade it\n source lance#1\n"
    "runtime listener\n python */listener.py\n class reset\n remedy stop it\n advice or leave it\n"
    "runtime lancedb\n dso */lancedb/*.so\n class lost\n"
    " advice upgrade it\n advice open it later\n source lance#2\n";

static struct fp_policy_file table;
static struct fp_rules no_rules;
static struct fp_snapshot snapshot;
static const bool all_meant[FP_RUNTIMES_MAX] = {true, true, true};
static char buffer[2000];
static struct fp_text text;

static void add(const char *dso, const char *file, const char *package)
{
    struct fp_policy policy = {.environment = &no_rules, .built_in = &table.view};
    struct fp_runtime *runtime = &snapshot.runtimes[snapshot.count++];
    runtime->facts = (struct fp_facts){
        .dso = dso, .file = file, .thread = "", .package = package, .version = "1.0"};
    runtime->identity = fp_identify(&policy, &runtime->facts);
}

static void set_up(void)
{
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&table, "table", fp_slice_of(TABLE), &problem);
    cr_assert_eq(problem.count, 0);
    text = (struct fp_text)FP_TEXT(buffer);
    snapshot.site =
        (struct fp_site){.user = "/app/train.py:1",
                         .library = "",
                         .called = "",
                         .innermost = "/usr/lib/python3.11/multiprocessing/popen_fork.py:66",
                         .function = "",
                         .dso = ""};
}

TestSuite(advice, .init = set_up);

Test(advice, it_fits_what_the_users_line_called_not_what_called_fork)
{
    static const struct {
        const char *called, *library, *advice;
    } CASES[] = {
        {"/usr/lib/python3.11/concurrent/futures/process.py:700", "", "ProcessPoolExecutor("},
        {"/usr/lib/python3.11/multiprocessing/process.py:121", "", "set_start_method("},
        {"/v/site-packages/torch/utils/data/dataloader.py:505",
         "/v/site-packages/torch/utils/data/dataloader.py:1176", "DataLoader("},
        {"/v/bin/gunicorn:8", "/v/lib/python3.11/site-packages/gunicorn/arbiter.py:752",
         "--preload"},
        {"/v/bin/celery:8", "/v/lib/python3.11/site-packages/billiard/popen_fork.py:22",
         "worker_process_init"},
        {"/v/lib/python3.11/site-packages/multiprocess/process.py:121", "", "multiprocess.set"},
        {"/v/bin/airflow:8", "/v/lib/python3.11/site-packages/airflow/executors/local_executor.py:205",
         "mp_start_method"},
        {"/v/lib/python3.11/multiprocessing/process.py:121",
         "/v/lib/python3.11/site-packages/ray/_private/function_manager.py:1", "ray's own tasks"},
        /* What a request or a task forks is no worker of its server. */
        {"/usr/lib/python3.11/multiprocessing/process.py:121",
         "/v/lib/python3.11/site-packages/gunicorn/workers/sync.py:135", "multiprocessing.set"},
        {"/usr/lib/python3.11/multiprocessing/process.py:121",
         "/v/lib/python3.11/site-packages/airflow/sdk/execution_time/task_runner.py:9",
         "multiprocessing.set"},
        /* Only the installed packages of these names. */
        {"/srv/gunicorn/lib/python3.11/subprocess.py:1", "", "multiprocessing.set"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        snapshot.site.called = CASES[i].called;
        snapshot.site.library = CASES[i].library;
        cr_expect(strstr(fp_advice_start(&snapshot.site, snapshot.origin), CASES[i].advice), "%s",
                  CASES[i].called);
    }
    snapshot.site.called = snapshot.site.library = "";
    snapshot.site.innermost = snapshot.site.user;
    cr_expect(strstr(fp_advice_start(&snapshot.site, snapshot.origin), "subprocess"));
    snapshot.origin = FP_ORIGIN_NATIVE_IN_PYTHON;
    snapshot.site.innermost = "";
    snapshot.site.dso = "/v/bin/uwsgi";
    cr_expect(strstr(fp_advice_start(&snapshot.site, snapshot.origin), "--lazy-apps"));
    snapshot.origin = FP_ORIGIN_NATIVE;
    cr_expect(strstr(fp_advice_start(&snapshot.site, snapshot.origin), "exec in the child"));
}

Test(advice, what_two_runtimes_share_is_said_once)
{
    add("/libpython.so", "/v/lancedb/background_loop.py", "lancedb");
    add("/v/lancedb/_lancedb.so", "", "lancedb");
    fp_advice_values(&text, &snapshot, all_meant, FP_WORD_ADVICE, (struct fp_slice){"", 0}, "<",
                     ">");
    cr_expect_str_eq(buffer, "<upgrade it><open it later>");
    fp_text_reset(&text);
    fp_advice_values(&text, &snapshot, all_meant, FP_WORD_SOURCE, (struct fp_slice){"", 0}, "<",
                     ">");
    cr_expect_str_eq(buffer, "<lance#1><lance#2>", "two sources are two");
    fp_text_reset(&text);
    fp_advice_values(&text, &snapshot, (bool[FP_RUNTIMES_MAX]){false, true}, FP_WORD_ADVICE,
                     (struct fp_slice){"", 0}, "<", ">");
    cr_expect_str_eq(buffer, "<upgrade it><open it later>", "only what is meant counts as said");
}

static struct fp_slice first_of_all(void)
{
    return fp_advice_fork(&snapshot, all_meant);
}

Test(advice, a_remedy_stands_in_the_place_of_another_start_where_nobody_needs_one)
{
    add("/libpython.so", "/v/listener.py", "");
    cr_expect(fp_slice_is(fp_runtime_advice(&snapshot.runtimes[0], 0), "stop it"));
    cr_expect(fp_slice_is(fp_runtime_advice(&snapshot.runtimes[0], 1), "or leave it"));
    cr_expect_eq(fp_runtime_advice(&snapshot.runtimes[0], 2).length, 0);
    cr_expect(fp_slice_is(first_of_all(), "stop it"));
    fp_advice_values(&text, &snapshot, all_meant, FP_WORD_REMEDY, first_of_all(), "<", ">");
    cr_expect_str_eq(buffer, "", "not twice");
    add("/v/lancedb/_lancedb.so", "", "lancedb");
    cr_expect(strncmp(first_of_all().text, "multiprocessing.set_start_method(", 33) == 0);
    fp_advice_values(&text, &snapshot, all_meant, FP_WORD_REMEDY, first_of_all(), "<", ">");
    cr_expect_str_eq(buffer, "<stop it>");
}

Test(advice, threads_of_code_that_nobody_knows_are_started_in_the_child_too)
{
    add("/libpython.so", "/app/train.py", "");
    cr_expect(strncmp(first_of_all().text, "os.register_at_fork(after_in_child=start)", 41) == 0);
    snapshot.runtimes[0].facts.file = "/v/site-packages/scheduler/core.py";
    cr_expect(
        fp_slice_is(first_of_all(), "create the object that starts the thread in the child, too"));
    snapshot.runtimes[0].facts.file = "";
    cr_expect(strncmp(first_of_all().text, "multiprocessing.set_start_method(", 33) == 0,
              "native threads start when they are used");
}

Test(advice, one_entry_serves_for_all_of_a_package)
{
    add("/libpython.so", "/v/lancedb/background_loop.py", "lancedb");
    add("/v/lancedb/_lancedb.so", "", "lancedb");
    add("/v/other/core.so", "", "other");
    fp_advice_off_entries(&text, &snapshot, all_meant);
    cr_expect(strstr(buffer, "add off:lancedb,off:other to FORKPOLICY"), "%s", buffer);
    fp_text_reset(&text);
    fp_advice_off_entries(&text, &snapshot, (bool[FP_RUNTIMES_MAX]){true});
    cr_expect(strstr(buffer, "add off:lancedb-loop to"), "%s", buffer);
}

Test(advice, a_runtime_that_nobody_knows_is_named_by_its_library)
{
    add("/opt/libfoo.so", "", "");
    fp_advice_off_entries(&text, &snapshot, all_meant);
    cr_expect(strstr(buffer, "add off:/opt/libfoo.so to"), "%s", buffer);
}
