/* How long things took. See tally.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/tally.h"

#include <stdlib.h>

enum { TIMINGS_MAX = 1000 };

static struct fp_tally_timing *find(struct fp_cli_arena *arena, struct fp_tally_timing **table,
                                    const char *label, const char *what)
{
    struct fp_tally_timing *timing;
    uint64_t key = fp_hash_string(what, fp_hash_string(label, 0));
    HASH_FIND(hh, *table, &key, sizeof key, timing);
    if (timing || HASH_COUNT(*table) >= TIMINGS_MAX)
        return timing;
    timing = fp_cli_arena_take(arena, sizeof *timing);
    timing->key = key;
    timing->label = fp_cli_arena_copy(arena, label);
    timing->what = fp_cli_arena_copy(arena, what);
    timing->error = "";
    timing->stride = 1;
    HASH_ADD(hh, *table, key, sizeof timing->key, timing);
    return timing;
}

/* When there is no room, every second one goes, and from then on every second one is left out. */
static void add_sample(struct fp_tally_timing *timing, unsigned long microseconds)
{
    if (timing->count % timing->stride)
        return;
    if (timing->sample_count == FP_TIMING_SAMPLES) {
        for (size_t i = 0; i < FP_TIMING_SAMPLES / 2; i++)
            timing->samples[i] = timing->samples[i * 2];
        timing->sample_count /= 2;
        timing->stride *= 2;
        if (timing->count % timing->stride)
            return;
    }
    timing->samples[timing->sample_count++] = microseconds;
}

void fp_timing_add(struct fp_cli_arena *arena, struct fp_tally_timing **table, const char *label,
                   const char *what, const struct fp_log_record *record)
{
    struct fp_tally_timing *timing = find(arena, table, label, what);
    unsigned long microseconds = record->microseconds;
    if (!timing)
        return;
    add_sample(timing, microseconds);
    timing->count++;
    timing->longest = microseconds > timing->longest ? microseconds : timing->longest;
    if (!*record->error)
        return;
    timing->errors++;
    if (!*timing->error)
        timing->error = fp_cli_arena_copy(arena, record->error);
}

static int compare(const void *a, const void *b)
{
    unsigned long left = *(const unsigned long *)a, right = *(const unsigned long *)b;
    return (left > right) - (left < right);
}

unsigned long fp_timing_median(struct fp_tally_timing *timing)
{
    if (!timing->sample_count)
        return 0;
    qsort(timing->samples, timing->sample_count, sizeof *timing->samples, compare);
    return timing->samples[timing->sample_count / 2];
}
