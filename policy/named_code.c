/* See named_code.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/named_code.h"

#include "policy/glob.h"

/* Whether a text has "WORD GLOB [FUNCTION]" for this code. */
static bool text_names(const struct fp_policy_text *text, unsigned word, const char *file,
                       const char *function)
{
    for (size_t i = 0; text && i < text->statement_count; i++) {
        if (text->statements[i].word != word)
            continue;
        struct fp_slice rest = fp_statement_value(text, &text->statements[i]);
        struct fp_slice glob = fp_slice_word(&rest), name = fp_slice_word(&rest);
        if (fp_glob_match(glob, fp_slice_of(file)) && (!name.length || fp_slice_is(name, function)))
            return true;
    }
    return false;
}

bool fp_policy_execs(const struct fp_policy *policy, const char *file, const char *function)
{
    return text_names(policy->file, FP_WORD_EXECS, file, function) ||
           text_names(policy->built_in, FP_WORD_EXECS, file, function);
}

bool fp_policy_helps(const struct fp_policy *policy, const char *file)
{
    return text_names(policy->file, FP_WORD_HELPERS, file, "") ||
           text_names(policy->built_in, FP_WORD_HELPERS, file, "");
}

bool fp_policy_wakes(const struct fp_policy *policy, const char *file, const char *function)
{
    return text_names(policy->file, FP_WORD_WAKES, file, function) ||
           text_names(policy->built_in, FP_WORD_WAKES, file, function);
}

enum fp_effect fp_policy_handler_effect(const struct fp_policy *policy, const char *file,
                                        const char *function)
{
    const struct fp_policy_text *texts[] = {policy->file, policy->built_in};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (text_names(texts[i], FP_WORD_HANDLERS, file, function))
            return FP_EFFECT_NONE;
        if (text_names(texts[i], FP_WORD_EXITS, file, function))
            return FP_EFFECT_EXIT;
    }
    return FP_EFFECT_UNKNOWN;
}
