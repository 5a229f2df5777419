/* See keep.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/keep.h"

#include <stdlib.h>

/* Hangs, crashes, refusals, uses, and forks that lost what hangs. */
static bool is_telling(const struct fp_log_record *record)
{
    return record->kind == FP_LOG_HANG || record->kind == FP_LOG_USE ||
           record->kind == FP_LOG_REFUSED || record->kind == FP_LOG_CRASH || fp_log_loses(record);
}

void fp_keep(struct fp_kept *kept, const struct fp_log_record *record)
{
    bool telling = is_telling(record);
    if (kept->count == FP_KEPT_MAX) {
        kept->omitted++;
        if (!telling || kept->telling == FP_KEPT_MAX)
            return;
        json_decref(kept->records[--kept->count].json); /* one of the rest gives way */
    }
    size_t at = kept->count++;
    if (telling) { /* the first of the rest moves behind the others */
        kept->records[at] = kept->records[kept->telling];
        at = kept->telling++;
    }
    kept->records[at] = (struct fp_kept_record){
        .json = json_incref(record->json), .time = record->time, .order = kept->seen++};
}

static int compare(const void *a, const void *b)
{
    const struct fp_kept_record *left = a, *right = b;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

json_t *fp_kept_sorted(struct fp_kept *kept)
{
    json_t *array = json_array();
    qsort(kept->records, kept->count, sizeof *kept->records, compare);
    for (size_t i = 0; i < kept->count; i++)
        json_array_append_new(array, kept->records[i].json);
    kept->count = kept->telling = 0;
    return array;
}
