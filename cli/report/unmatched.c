/* See unmatched.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/unmatched.h"

#include "cli/report/story.h"
#include "policy/identify.h"
#include "policy/rules.h"

static bool is_matched(const struct fp_tally *tally, const struct fp_rule *rule)
{
    FP_EACH_ROW(tally, site, row)
    {
        struct fp_facts facts = {.dso = row->dso,
                                 .file = row->file,
                                 .thread = "",
                                 .package = row->package,
                                 .version = ""};
        if (fp_rule_names(rule, fp_slice_of(row->name), &facts))
            return true;
    }
    return false;
}

static void print_rule(FILE *stream, const struct fp_rule *rule)
{
    char line[400];
    struct fp_text text = FP_TEXT(line);
    fp_text_format(&text, "%s:", fp_action_name(rule->action));
    fp_text_quote(&text, rule->pattern, 200);
    fprintf(stream, "FORKPOLICY: %s matches no runtime of these logs\n", line);
}

static void print_of(FILE *stream, const struct fp_tally *tally, const char *policy)
{
    static struct fp_rules rules;
    struct fp_problem problem = {0};
    rules.count = 0;
    fp_rules_parse(&rules, fp_slice_of(policy), 1, 1, &problem);
    for (size_t i = 0; i < rules.count; i++)
        if (rules.rules[i].pattern.length && !is_matched(tally, &rules.rules[i]))
            print_rule(stream, &rules.rules[i]);
}

void fp_print_unmatched(FILE *stream, const struct fp_tally *tally)
{
    for (size_t i = 0; tally->sites && i < tally->policy_count; i++)
        print_of(stream, tally, tally->policies[i]);
}
