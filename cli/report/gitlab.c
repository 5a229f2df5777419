/*
 * A Code Quality report of GitLab. The fingerprint is made of place and runtime alone, so that a
 * finding is the same one in every run and in every checkout. See formats.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/formats.h"
#include "cli/report/story.h"

#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

static const char *severity(const struct fp_tally_row *row)
{
    static const char *const NAMES[FP_FINDING_COUNT] = {
        [FP_FINDING_PROVEN] = "blocker",   [FP_FINDING_STRONG] = "critical",
        [FP_FINDING_SUSPECTED] = "major",  [FP_FINDING_REFUSED] = "critical",
        [FP_FINDING_CRASHED] = "critical", [FP_FINDING_USED] = "major",
        [FP_FINDING_LOST] = "minor",       [FP_FINDING_REST] = "info",
    };
    return NAMES[row->finding];
}

static const char *path_of(const struct fp_tally_site *site)
{
    return *site->file  ? fp_story_relative(site->file, "CI_PROJECT_DIR")
           : *site->dso ? fp_basename(site->dso)
                        : "unknown";
}

static void fingerprint(char *hex, size_t size, const struct fp_tally_row *row)
{
    char line[24];
    const char *parts[] = {path_of(row->site), line,         row->entry,
                           row->package,       row->version, *row->name ? "" : row->label};
    XXH3_state_t state;
    snprintf(line, sizeof line, "%lu", row->site->line);
    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        XXH3_128bits_update(&state, parts[i], strlen(parts[i]) + 1);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    snprintf(hex, size, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

static json_t *describe(const struct fp_tally_row *row)
{
    char hex[33], title[1024], lines[8192];
    struct fp_text title_text = FP_TEXT(title), text = FP_TEXT(lines);
    fingerprint(hex, sizeof hex, row);
    fp_story_title(&title_text, row);
    fp_story_lines(&text, row);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:{s:s, s:{s:I}}}", "description", title,
                     "check_name", "forkpolicy", "fingerprint", hex, "severity", severity(row),
                     "content", "body", lines, "location", "path", path_of(row->site), "lines",
                     "begin", (json_int_t)(row->site->line ? row->site->line : 1));
}

bool fp_report_gitlab(FILE *stream, struct fp_tally *tally, size_t logs)
{
    const char *before = "[\n";
    (void)logs;
    FP_EACH_ROW(tally, site, row)
    {
        if (fp_story_weight(row) == FP_WEIGHT_NONE)
            continue;
        json_t *entry = describe(row);
        fputs(before, stream);
        before = ",\n";
        if (!entry || json_dumpf(entry, stream, JSON_COMPACT) != 0)
            return false;
        json_decref(entry);
    }
    fputs(*before == '[' ? "[]\n" : "\n]\n", stream);
    return !ferror(stream);
}
