/* See holder.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/holder.h"

#include "policy/phrases.h"
#include "policy/record.h"

static void add_holder(struct fp_text *text, const struct fp_holder *holder)
{
    fp_text_format(text, *holder->thread ? "thread '" : "a thread");
    fp_text_quote(text, fp_slice_of(holder->thread), 64);
    fp_text_format(text, *holder->thread ? "'" : "");
    if (!*holder->line)
        return;
    fp_text_format(text, " at ");
    fp_add_path(text, holder->line);
    if (!*holder->function)
        return;
    fp_text_format(text, " in ");
    fp_text_quote(text, fp_slice_of(holder->function), 64);
}

void fp_add_holders(struct fp_text *text, const struct fp_holders *holders)
{
    fp_text_format(text, holders->sure ? "by " : "perhaps by ");
    for (size_t i = 0; i < holders->count; i++) {
        fp_text_format(text, i ? " or " : "");
        add_holder(text, &holders->list[i]);
    }
    if (holders->others)
        fp_text_format(text, " or %zu more", holders->others);
}

void fp_add_held(struct fp_text *text, const struct fp_holders *holders)
{
    if (!holders->count)
        return;
    fp_add_label(text, "held");
    fp_add_holders(text, holders);
    fp_text_format(text, " when the process forked\n");
}

void fp_record_holders(struct fp_text *text, const struct fp_holders *holders)
{
    if (!holders->count)
        return;
    fp_text_format(text, ",\"holders_sure\":%s,\"holders_more\":%zu,\"holders\":[",
                   holders->sure ? "true" : "false", holders->others);
    for (size_t i = 0; i < holders->count; i++) {
        fp_text_format(text, i ? ",{\"thread\":" : "{\"thread\":");
        fp_text_json(text, fp_slice_of(holders->list[i].thread));
        fp_record_string(text, "function", fp_slice_of(holders->list[i].function));
        fp_record_string(text, "line", fp_slice_of(holders->list[i].line));
        fp_text_format(text, "}");
    }
    fp_text_format(text, "]");
}
