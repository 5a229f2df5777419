/* The order of a tally, and its end. See tally.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/tally.h"

#include <string.h>

static unsigned long hangs_of(const struct fp_tally_row *row)
{
    return row->hangs[FP_GRADE_PROVEN] + row->hangs[FP_GRADE_STRONG] +
           row->hangs[FP_GRADE_SUSPECTED];
}

static int compare_rows(const struct fp_tally_row *a, const struct fp_tally_row *b)
{
    if (a->finding != b->finding)
        return a->finding < b->finding ? -1 : 1;
    if (hangs_of(a) != hangs_of(b))
        return hangs_of(a) > hangs_of(b) ? -1 : 1;
    return strcmp(a->label, b->label);
}

static int compare_sites(const struct fp_tally_site *a, const struct fp_tally_site *b)
{
    if (a->finding != b->finding)
        return a->finding < b->finding ? -1 : 1;
    if (a->forks != b->forks)
        return a->forks > b->forks ? -1 : 1;
    return strcmp(a->label, b->label);
}

static int compare_timings(const struct fp_tally_timing *a, const struct fp_tally_timing *b)
{
    int order = strcmp(a->label, b->label);
    return order ? order : strcmp(a->what, b->what);
}

void fp_tally_sort(struct fp_tally *tally)
{
    for (struct fp_tally_site *site = tally->sites; site; site = site->hh.next)
        HASH_SORT(site->rows, compare_rows);
    HASH_SORT(tally->sites, compare_sites);
    HASH_SORT(tally->resets, compare_timings);
    HASH_SORT(tally->carries, compare_timings);
    HASH_SORT(tally->handlers, compare_timings);
}

void fp_tally_free(struct fp_tally *tally)
{
    for (struct fp_tally_site *site = tally->sites; site; site = site->hh.next)
        HASH_CLEAR(hh, site->rows);
    HASH_CLEAR(hh, tally->sites);
    HASH_CLEAR(hh, tally->resets);
    HASH_CLEAR(hh, tally->carries);
    HASH_CLEAR(hh, tally->handlers);
    HASH_CLEAR(hh, tally->errors);
    HASH_CLEAR(hh, tally->programs);
    HASH_CLEAR(hh, tally->policy_files);
    fp_set_free(&tally->allows);
    fp_set_free(&tally->processes);
    fp_set_free(&tally->hosts);
    fp_set_free(&tally->ranks);
    fp_set_free(&tally->site_processes);
    fp_cli_arena_free(&tally->arena);
}
