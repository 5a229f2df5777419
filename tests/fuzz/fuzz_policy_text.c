/*
 * Any bytes as a policy file: statements and names lie inside the text and are well formed, every
 * runtime kept is complete, and the result can be asked.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy/clause.h"
#include "policy/decide.h"
#include "policy/event.h"
#include "policy/glob.h"
#include "policy/message.h"
#include "policy/named_code.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static struct fp_policy_file file; /* a quarter of a megabyte: not for the stack */

static void check_inside(struct fp_slice value, struct fp_slice text)
{
    MUST(value.length && value.text >= text.text);
    MUST(value.text + value.length <= text.text + text.length);
    MUST(!memchr(value.text, '\n', value.length) && !memchr(value.text, '\0', value.length));
}

static void check_statement(const struct fp_statement *statement, struct fp_slice text)
{
    struct fp_slice value = fp_statement_value(&file.view, statement);
    size_t offset;
    check_inside(value, text);
    if (statement->word == FP_WORD_DSO || statement->word == FP_WORD_PYTHON ||
        statement->word == FP_WORD_THREAD)
        MUST(!fp_glob_check(value, &offset));
    else if (statement->word == FP_WORD_CLASS)
        MUST(!fp_clause_check(value, &offset));
    else if (statement->word >= FP_WORD_EXECS) /* and handlers, exits, helpers, wakes */
        MUST(!fp_glob_check(fp_slice_word(&value), &offset));
}

static void check_known(const struct fp_known *known, struct fp_slice text)
{
    check_inside(fp_known_name(&file.view, known), text);
    MUST(known->line >= 1 && known->first + known->count <= file.view.statement_count);
    MUST(fp_known_value(&file.view, known, FP_WORD_CLASS, 0).length);
    MUST(fp_known_value(&file.view, known, FP_WORD_DSO, 0).length ||
         fp_known_value(&file.view, known, FP_WORD_PYTHON, 0).length ||
         fp_known_value(&file.view, known, FP_WORD_THREAD, 0).length);
}

static void check_allow(const struct fp_rule *rule, struct fp_slice text)
{
    check_inside(rule->reason, text);
    MUST(rule->action == FP_ACTION_OFF && !fp_rule_is_bare(rule) && rule->line >= 1);
}

static void check_decision(void)
{
    static const char *const ENVIRONMENT[] = {"TOKENIZERS_PARALLELISM=true", NULL};
    static const struct fp_facts FACTS[] = {
        {"/site-packages/deltalake/_internal.abi3.so", "", "", "deltalake", "0.18.2"},
        {"", "/lib/python3.11/concurrent/futures/thread.py", "", "", ""},
        {"", "", "iou-sqp-1", "", ""},
    };
    static const struct fp_rules NONE;
    static const struct fp_event_header HEADER = {.event = "fork", .host = "h"};
    static struct fp_snapshot snapshot;
    static struct fp_verdict verdict;
    static const bool told[FP_RUNTIMES_MAX] = {true, true, true};
    char buffer[FP_EVENT_MAX];
    struct fp_text out = FP_TEXT(buffer);
    struct fp_policy policy = {.environment = &NONE, .file = &file.view, .built_in = &file.view};
    snapshot.call = "fork";
    snapshot.program = "p";
    snapshot.site = (struct fp_site){.user = "u.py:1",
                                     .library = "",
                                     .called = "",
                                     .innermost = "",
                                     .function = "f",
                                     .dso = "",
                                     .allowed = "x@u.py because y\n"};
    snapshot.environment = ENVIRONMENT;
    snapshot.count = sizeof FACTS / sizeof *FACTS;
    for (size_t i = 0; i < snapshot.count; i++)
        snapshot.runtimes[i] = (struct fp_runtime){.facts = FACTS[i],
                                                   .identity = fp_identify(&policy, &FACTS[i]),
                                                   .threads = 1,
                                                   .started = "",
                                                   .names = ""};
    for (size_t i = 0; i < snapshot.count; i++)
        fp_identify_at(&snapshot.runtimes[i].identity, &policy, &FACTS[i], &snapshot.site);
    fp_decide(&snapshot, &verdict);
    MUST(!verdict.refuse || fp_policy_can_refuse(&policy));
    fp_event_fork(&out, &HEADER, &snapshot, &verdict, 0);
    MUST(out.length && out.data[out.length - 1] == '\n');
    MUST(memchr(out.data, '\n', out.length) == out.data + out.length - 1);
    fp_message_fork(&out, &snapshot, &verdict, told);
    for (const char *line = out.data; *line; line = strchr(line, '\n') + 1)
        MUST(strncmp(line, "forkpolicy:", 11) == 0 && strchr(line, '\n'));
    fp_message_refusal(&out, &snapshot, &verdict);
    MUST(!strchr(out.data, '\n'));
    fp_policy_execs(&policy, "/lib/python3.11/subprocess.py", "_execute_child");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_problem problem = {.count = 0};
    struct fp_slice text = {(const char *)data, size};
    if (size > FP_POLICY_FILE_MAX)
        return 0;
    fp_policy_file_parse(&file, "fuzz.policy", text, &problem);
    MUST(file.view.statement_count <= FP_STATEMENTS_MAX && file.view.known_count <= FP_KNOWN_MAX);
    for (size_t i = 0; i < file.view.statement_count; i++)
        check_statement(&file.statements[i], text);
    for (size_t i = 0; i < file.view.known_count; i++)
        check_known(&file.known[i], text);
    for (size_t i = 0; i < file.allows.count; i++)
        check_allow(&file.allows.rules[i], text);
    if (problem.count)
        MUST(problem.line >= 1 && problem.column >= 1 && problem.message[0]);
    check_decision();
    return 0;
}
