/* See systems.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/systems.h"

#include "cli/record/log.h"
#include "cli/report/formats.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct system {
    const char *variable;
    bool (*format)(FILE *stream, struct fp_tally *tally, size_t logs);
    const char *file, *heading;
};

static const struct system SYSTEMS[] = {
#define FP_CI_SYSTEM(variable, format, file, heading) {variable, format, file, heading},
#include "cli/ci/systems.def"
#undef FP_CI_SYSTEM
};

/* NULL: none that is known. Some set their variable to "false" on a user's own machine. */
static const struct system *find_system(void)
{
    for (size_t i = 0; i < sizeof SYSTEMS / sizeof *SYSTEMS; i++) {
        const char *value = getenv(SYSTEMS[i].variable);
        if (value && *value && *value != '0' && *value != 'f')
            return &SYSTEMS[i];
    }
    return NULL;
}

void fp_ci_system_heading(FILE *stream)
{
    const struct system *system = find_system();
    if (system && *system->heading)
        fprintf(stream, "%s\n", system->heading);
}

static void add(const struct fp_log_record *record, void *context)
{
    fp_tally_add(context, record);
}

static void write_tally(const struct system *system, struct fp_tally *tally, const char *folder)
{
    char path[PATH_MAX];
    if (!*system->file) {
        system->format(stderr, tally, 1);
        return;
    }
    snprintf(path, sizeof path, "%s/%s", folder, system->file);
    FILE *stream = fopen(path, "we");
    if (!stream)
        return; /* the job's status and message count, with or without it */
    system->format(stream, tally, 1);
    fclose(stream);
}

void fp_ci_system_report(const char *log, const char *folder)
{
    const struct system *system = find_system();
    struct fp_tally tally = {0};
    struct fp_log_count count = {.silent = true};
    if (!system || access(log, R_OK) != 0 || !fp_log_read(log, add, &tally, &count))
        return;
    fp_tally_sort(&tally);
    write_tally(system, &tally, folder);
    fp_tally_free(&tally);
}
