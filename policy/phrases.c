/* See phrases.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/phrases.h"

#include "policy/advice.h"
#include "policy/site.h"

#include <string.h>

const char *fp_plural(unsigned count)
{
    return count == 1 ? "" : "s";
}

void fp_add_label(struct fp_text *text, const char *label)
{
    fp_text_format(text, FP_LABEL("%s%.*s"), label, 8 - (int)strlen(label), "        ");
}

void fp_add_advice(struct fp_text *text, const char *label, struct fp_slice advice, size_t nth)
{
    fp_add_label(text, nth ? "or" : label);
    fp_text_quote(text, advice, 300);
    fp_text_format(text, "\n");
}

void fp_add_runtime_name(struct fp_text *text, const struct fp_runtime *runtime)
{
    const struct fp_facts *facts = &runtime->facts;
    struct fp_slice name = fp_runtime_entry_name(runtime);
    bool same = fp_slice_is(name, facts->package);
    if (!runtime->identity.known && !*facts->package)
        name = fp_slice_of(fp_basename(*facts->file ? facts->file : facts->dso));
    if (!name.length)
        name = fp_slice_of("threads of unknown origin");
    fp_text_quote(text, name, 120);
    if (!*facts->package)
        return;
    fp_text_format(text, same ? " " : " (");
    if (!same) {
        fp_text_quote(text, fp_slice_of(facts->package), 120);
        fp_text_format(text, " ");
    }
    fp_text_quote(text, fp_slice_of(*facts->version ? facts->version : "of unknown version"), 64);
    fp_text_format(text, "%s", same ? "" : ")");
}

static const char *short_path(const char *path)
{
    const char *below = fp_path_in_packages(path);
    if (below)
        return below;
    const char *library = fp_code_of(path) == FP_CODE_STANDARD ? strstr(path, "/lib/python") : NULL;
    const char *slash = library ? strchr(library + 11, '/') : NULL;
    return slash ? slash + 1 : path;
}

void fp_add_path(struct fp_text *text, const char *path)
{
    fp_text_quote(text, fp_slice_of(short_path(path)), 300);
}

void fp_add_threads(struct fp_text *text, const struct fp_runtime *runtime)
{
    struct fp_slice kind = fp_runtime_value(runtime, FP_WORD_KIND, 0);
    if (!kind.length)
        kind = fp_slice_of(*runtime->facts.file     ? "Python"
                           : *runtime->facts.thread ? "unattributed"
                                                    : "native");
    fp_text_format(text, "%u ", runtime->threads);
    fp_text_quote(text, kind, 64);
    fp_text_format(text, " thread%s", fp_plural(runtime->threads));
    if (*runtime->names) {
        fp_text_format(text, " (");
        fp_text_quote(text, fp_slice_of(runtime->names), 120);
        fp_text_format(text, ")");
    }
}

void fp_add_lines(struct fp_text *text, const struct fp_site *site)
{
    const char *line = fp_site_line(site);
    bool is_user = line == site->user;
    if (!*line)
        return;
    fp_text_quote(text, fp_slice_of(is_user ? line : short_path(line)), 300);
    if (*site->function && is_user) {
        fp_text_format(text, " in ");
        fp_text_quote(text, fp_slice_of(site->function), 120);
    }
    /* What the user's line called; another line has only been called from Python's start. */
    const char *between = is_user && *site->called ? site->called : site->innermost;
    if (*between && strcmp(between, line) != 0) {
        fp_text_format(text, ", through ");
        fp_add_path(text, between);
    }
}

void fp_end_at_line(struct fp_text *text)
{
    size_t end = text->length;
    if (!text->cut || !end)
        return;
    while (end && text->data[end - 1] != '\n')
        end--;
    if (!end) {
        text->data[text->length - 1] = '\n';
        return;
    }
    text->length = end;
    text->data[end] = '\0';
}
