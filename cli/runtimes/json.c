/* `runtimes --json`. See runs.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/runtimes/runs.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *text_of(struct fp_slice slice)
{
    return json_stringn(slice.text, slice.length);
}

static json_t *values_of(const struct fp_known *known, enum fp_word word)
{
    json_t *values = json_array();
    struct fp_slice value;
    for (size_t nth = 0; (value = fp_known_value(&fp_known_policy, known, word, nth)).length; nth++)
        json_array_append_new(values, text_of(value));
    return values;
}

static json_t *runs_of(const struct fp_known *known)
{
    json_t *runs = json_array();
    for (const struct fp_run *run = NULL; (run = fp_run_of(known, run));)
        json_array_append_new(runs,
                              json_pack("{ss,ss,ss,ss,ss,ss}", "package", run->package, "version",
                                        run->version, "date", run->date, "child", run->child,
                                        "outcome", run->outcome, "told", run->told));
    return runs;
}

void fp_runtime_print_json(const struct fp_known *known)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", text_of(fp_known_name(&fp_known_policy, known)));
    json_object_set_new(object, "kind",
                        text_of(fp_known_value(&fp_known_policy, known, FP_WORD_KIND, 0)));
    json_object_set_new(object, "class", json_string(fp_class_name(fp_class_at(known, FP_NEWEST))));
    json_object_set_new(object, "classes", values_of(known, FP_WORD_CLASS));
    json_t *advice = values_of(known, FP_WORD_REMEDY), *others = values_of(known, FP_WORD_ADVICE);
    json_array_extend(advice, others);
    json_decref(others);
    json_object_set_new(object, "advice", advice);
    json_object_set_new(object, "source", values_of(known, FP_WORD_SOURCE));
    json_object_set_new(object, "runs", runs_of(known));
    char *text = json_dumps(object, JSON_COMPACT);
    if (text)
        puts(text);
    free(text);
    json_decref(object);
}
