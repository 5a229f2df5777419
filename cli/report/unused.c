/*
 * The allow lines of the job's policy file that no fork of the logs used. See formats.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/base/say.h"
#include "cli/report/formats.h"
#include "cli/report/tally_allows.h"
#include "policy/policy_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A policy file as it is now. */
struct source {
    struct fp_policy_file file;
    char text[FP_POLICY_FILE_MAX];
};

static bool read_source(struct source *source, const char *path)
{
    struct fp_problem problem = {0}; /* `run` says what is wrong */
    FILE *stream = fopen(path, "re");
    if (!stream) {
        fp_cli_say("report: %s: %s", path, strerror(errno));
        return false;
    }
    size_t length = fread(source->text, 1, sizeof source->text, stream);
    bool good = !ferror(stream);
    fclose(stream);
    fp_policy_file_parse(&source->file, path, (struct fp_slice){source->text, length}, &problem);
    return good;
}

static void print_line(FILE *stream, const char *path, const struct fp_rule *rule)
{
    fprintf(stream, "%s:%u: allow %.*s%s%.*s%s%.*s because %.*s\n", path, rule->line,
            FP_SLICE(rule->pattern), rule->place.file.length ? "@" : "", FP_SLICE(rule->place.file),
            rule->place.within.length ? ":" : "", FP_SLICE(rule->place.within),
            FP_SLICE(rule->reason));
}

static bool print_unused(FILE *stream, struct fp_tally *tally, const char *path)
{
    struct source *source = malloc(sizeof *source);
    bool good = source && read_source(source, path);
    size_t unused = 0;
    for (size_t i = 0; good && i < source->file.allows.count; i++) {
        const struct fp_rule *rule = &source->file.allows.rules[i];
        if (fp_tally_is_used(tally, path, rule->line))
            continue;
        print_line(stream, path, rule);
        unused++;
    }
    if (good && !unused)
        fprintf(stream, "%s: every allow line was used (%zu)\n", path, source->file.allows.count);
    free(source);
    return good && !ferror(stream);
}

bool fp_report_unused(FILE *stream, struct fp_tally *tally, size_t logs)
{
    struct fp_tally_file *file, *following;
    bool good = true;
    (void)logs;
    if (!tally->policy_files) {
        fp_cli_say("report: no log names a policy file (that of a job under `forkpolicy run` with "
                   "--policy-file does)");
        return false;
    }
    HASH_ITER(hh, tally->policy_files, file, following)
    good &= print_unused(stream, tally, file->path);
    return good;
}
