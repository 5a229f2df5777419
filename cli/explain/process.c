/* See process.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain/process.h"

#include "cli/base/say.h"
#include "cli/explain/origin.h"
#include "cli/explain/picture.h"
#include "cli/explain/waits.h"

#include <stdlib.h>

struct album {
    struct fp_picture **pictures; /* parents before children */
    size_t count;
    struct fp_picture *above; /* the parent of the first, where that was forked */
};

static struct fp_picture *take_picture(pid_t pid, bool says)
{
    char why[256];
    struct fp_picture *picture = calloc(1, sizeof *picture);
    if (!picture)
        return NULL;
    if (!fp_view_read(&picture->view, pid, why, sizeof why)) {
        if (says)
            fp_cli_say("explain: pid %d: %s", (int)pid, why);
        free(picture);
        return NULL;
    }
    fp_stacks_read(&picture->stacks, &picture->view);
    fp_seen_read(&picture->seen, &picture->view, &picture->stacks, UINT64_MAX);
    return picture;
}

static void drop_picture(struct fp_picture *picture)
{
    if (!picture)
        return;
    fp_cli_arena_free(&picture->arena);
    fp_stacks_free(&picture->stacks);
    fp_view_free(&picture->view);
    free(picture);
}

static void add(struct album *album, struct fp_picture *picture)
{
    void *grown =
        picture ? realloc(album->pictures, (album->count + 1) * sizeof(struct fp_picture *)) : NULL;
    if (!grown) {
        drop_picture(picture);
        return;
    }
    album->pictures = grown;
    album->pictures[album->count++] = picture;
}

static struct fp_picture *find(const struct album *album, pid_t pid)
{
    for (size_t i = 0; i < album->count; i++)
        if (album->pictures[i]->view.process.pid == pid)
            return album->pictures[i];
    return NULL;
}

/* The others' parents are in the album, unless they ended meanwhile. */
static const struct fp_picture *parent_of(const struct album *album,
                                          const struct fp_picture *picture)
{
    const struct fp_picture *parent = find(album, picture->view.process.parent);
    return parent || picture != album->pictures[0] ? parent : album->above;
}

static void judge(const struct album *album, struct fp_picture *picture)
{
    const struct fp_picture *parent = parent_of(album, picture);
    struct fp_finding *finding = &picture->finding;
    picture->has_parent = parent && picture->view.process.forked;
    if (parent)
        fp_seen_read(&picture->at_fork, &parent->view, &parent->stacks,
                     picture->view.process.begun);
    fp_judge_process(finding, &picture->view, &picture->stacks, &picture->seen,
                     parent ? &parent->view : NULL, parent ? &picture->at_fork : NULL);
    if (finding->hang.opinion.grade != FP_GRADE_NONE && picture->view.has_shim)
        fp_origin_find(&picture->arena, picture->view.process.pid, &finding->fork_site);
}

static void note_worst(struct fp_explanation *worst, const struct fp_picture *picture)
{
    enum fp_grade grade = picture->finding.hang.opinion.grade;
    if (picture->finding.hang.opinion.reason == FP_REASON_PARKED)
        grade = FP_GRADE_NONE; /* it may be how a worker sleeps until it is killed */
    if (fp_picture_handler(picture) && grade < FP_GRADE_STRONG)
        grade = FP_GRADE_STRONG;
    if (grade > worst->grade)
        *worst = (struct fp_explanation){grade, picture->view.process.pid, false};
}

static void find_deadlock(struct fp_waits *waits, const struct album *album)
{
    struct fp_looked_at *processes = calloc(album->count, sizeof *processes);
    for (size_t i = 0; processes && i < album->count; i++)
        processes[i] = (struct fp_looked_at){album->pictures[i]->view.process.pid,
                                             &album->pictures[i]->stacks};
    fp_waits_find(waits, processes, processes ? album->count : 0, false);
    free(processes);
}

static void judge_all(struct album *album, struct fp_waits *waits, struct fp_explanation *worst)
{
    *worst = (struct fp_explanation){FP_GRADE_NONE, 0, false};
    waits->is_deadlock = false;
    for (size_t i = 0; i < album->count; i++) {
        judge(album, album->pictures[i]);
        note_worst(worst, album->pictures[i]);
    }
    if (worst->grade == FP_GRADE_NONE)
        find_deadlock(waits, album);
    worst->is_deadlock = waits->is_deadlock;
}

bool fp_explain_process(FILE *stream, pid_t pid, const struct fp_explain_options *options,
                        struct fp_explanation *worst)
{
    struct album album = {0};
    struct fp_tree tree = {0};
    static struct fp_waits waits;
    bool any;
    fp_tree_read(&tree,
                 pid); /* first: a parent's picture has what was there at the forks of these */
    add(&album, take_picture(pid, true));
    if (!album.count) {
        fp_tree_free(&tree);
        return false;
    }
    if (album.pictures[0]->view.process.forked)
        album.above = take_picture(album.pictures[0]->view.process.parent, false);
    for (size_t i = 0; i < tree.count; i++)
        add(&album, take_picture(tree.processes[i].pid, false));
    judge_all(&album, &waits, worst);
    if (waits.is_deadlock)
        fp_picture_print_deadlock(stream, find(&album, waits.pid), &waits, options);
    any = waits.is_deadlock;
    for (int grade = FP_GRADE_PROVEN; grade >= FP_GRADE_NONE; grade--)
        for (size_t i = 0; i < album.count; i++) {
            struct fp_picture *picture = album.pictures[i];
            if (picture->finding.hang.opinion.grade != (enum fp_grade)grade)
                continue;
            fp_picture_print(stream, picture, options);
            any |= grade != FP_GRADE_NONE || fp_picture_handler(picture);
        }
    if (options->json && !any)
        fp_picture_print_no_hang(stream, album.pictures[0]);
    for (size_t i = 0; i < album.count; i++)
        drop_picture(album.pictures[i]);
    drop_picture(album.above);
    free(album.pictures);
    fp_tree_free(&tree);
    return true;
}
