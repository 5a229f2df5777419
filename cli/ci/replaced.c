/* See replaced.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/replaced.h"

#include "cli/ci/idleness.h"
#include "common/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 10, MILLISECONDS = 5000 };

struct child {
    pid_t pid;
    bool hung;
    bool gone;  /* when it was last looked for: its record may still have been on its way */
    long since; /* milliseconds, as fp_idleness_now */
};

struct fp_replaced_parent {
    pid_t pid;
    struct child *children;
    size_t count;
    /* The row; times 0: there is none. */
    unsigned times;
    char what[512]; /* its line and runtime */
    struct fp_replaced_first first;
    long since;
    double last;                 /* seconds since the epoch */
    unsigned long long switches; /* of the parent's main thread, when it began */
};

static struct fp_replaced_parent *parent_of(struct fp_replaced *replaced, pid_t pid)
{
    for (size_t i = 0; i < replaced->count; i++)
        if (replaced->parents[i].pid == pid)
            return &replaced->parents[i];
    void *grown = realloc(replaced->parents, (replaced->count + 1) * sizeof *replaced->parents);
    if (!grown)
        return NULL;
    replaced->parents = grown;
    replaced->parents[replaced->count] = (struct fp_replaced_parent){.pid = pid};
    return &replaced->parents[replaced->count++];
}

/* The parent's own record of a fork may come behind that of the child's hang. */
static struct child *child_of(struct fp_replaced_parent *parent, pid_t pid)
{
    for (size_t i = 0; i < parent->count; i++)
        if (parent->children[i].pid == pid)
            return &parent->children[i];
    void *grown = realloc(parent->children, (parent->count + 1) * sizeof *parent->children);
    if (!grown)
        return NULL;
    parent->children = grown;
    parent->children[parent->count] = (struct child){.pid = pid, .since = fp_idleness_now()};
    return &parent->children[parent->count++];
}

/* How often a process's main thread has slept until now, if it sleeps; 0 = it does not. */
static unsigned long long sleeps_of(pid_t pid)
{
    static const char STATE[] = "\nState:\tS", *const KEYS[] = {"\nvoluntary_ctxt_switches:",
                                                                "\nnonvoluntary_ctxt_switches:"};
    char path[48], status[4096];
    unsigned long long switches = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)pid);
    if (fp_file_read(path, status, sizeof status) <= 0 || !strstr(status, STATE))
        return 0;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *at = strstr(status, KEYS[i]);
        switches += at ? strtoull(at + strlen(KEYS[i]), NULL, 10) : 0;
    }
    return switches;
}

static void describe(char *what, size_t size, const struct fp_log_record *record)
{
    const struct fp_log_line *line = fp_log_site_line(&record->waiting.site);
    if (line && *line->file)
        snprintf(what, size, "%s:%lu for %s", line->file, line->line, record->runtime.name);
    else
        snprintf(what, size, "%s for %s", record->waiting.dso, record->runtime.name);
}

static bool has_older_child(const struct fp_replaced_parent *parent)
{
    for (size_t i = 0; i < parent->count; i++)
        if (!parent->children[i].hung && parent->children[i].since < parent->since)
            return true;
    return false;
}

static bool ended_unanswered(const struct fp_log_record *record)
{
    return record->grade == FP_GRADE_PROVEN && record->outcome != FP_OUTCOME_WAITS &&
           !record->answered;
}

static void note_hang(struct fp_replaced *replaced, struct fp_replaced_parent *parent,
                      const struct fp_log_record *record)
{
    char what[sizeof parent->what];
    long now = fp_idleness_now();
    unsigned long long switches = sleeps_of(parent->pid);
    describe(what, sizeof what, record);
    if (!parent->times || strcmp(what, parent->what) != 0 || switches != parent->switches) {
        parent->times = switches ? 1 : 0;
        parent->first = (struct fp_replaced_first){record->pid, record->line};
        parent->since = now;
        parent->last = record->time;
        parent->switches = switches;
        memcpy(parent->what, what, sizeof what);
    } else if (record->fork.there && record->time - record->fork.seconds > parent->last) {
        parent->times++;
        parent->last = record->time;
    }
    if (parent->times >= TIMES && now - parent->since >= MILLISECONDS && !has_older_child(parent))
        replaced->endless = parent->first;
}

void fp_replaced_note(struct fp_replaced *replaced, const struct fp_log_record *record)
{
    bool forks = record->kind == FP_LOG_FORK, hangs = record->kind == FP_LOG_HANG;
    if (!forks && !(hangs && ended_unanswered(record)))
        return;
    struct fp_replaced_parent *parent = parent_of(replaced, forks ? record->pid : record->parent);
    struct child *child = parent ? child_of(parent, forks ? record->child : record->pid) : NULL;
    if (!child || forks)
        return;
    child->hung = true;
    note_hang(replaced, parent, record);
}

static void look_for_children(struct fp_replaced_parent *parent, const struct fp_tree *tree)
{
    size_t kept = 0;
    for (size_t i = 0; i < parent->count; i++) {
        struct child child = parent->children[i];
        bool is_gone = !fp_tree_find(tree, child.pid);
        if (is_gone && child.gone && !child.hung)
            parent->times = 0; /* it has done its work */
        if (is_gone && child.gone)
            continue;
        child.gone = is_gone;
        parent->children[kept++] = child;
    }
    parent->count = kept;
}

void fp_replaced_look(struct fp_replaced *replaced, const struct fp_tree *tree)
{
    size_t kept = 0;
    for (size_t i = 0; i < replaced->count; i++) {
        struct fp_replaced_parent *parent = &replaced->parents[i];
        if (fp_tree_find(tree, parent->pid)) {
            look_for_children(parent, tree);
            replaced->parents[kept++] = *parent;
        } else {
            free(parent->children);
        }
    }
    replaced->count = kept;
}

void fp_replaced_free(struct fp_replaced *replaced)
{
    for (size_t i = 0; i < replaced->count; i++)
        free(replaced->parents[i].children);
    free(replaced->parents);
    *replaced = (struct fp_replaced){0};
}
