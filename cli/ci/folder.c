/* See folder.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/folder.h"

#include "cli/base/say.h"
#include "cli/record/log.h"
#include "cli/report/keep.h"
#include "cli/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_own(struct fp_ci_folder *folder)
{
    const char *place = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%s/forkpolicy-XXXXXX",
             place && *place ? place : "/tmp");
    folder->is_own = true;
    return mkdtemp(folder->path) != NULL;
}

/* The job may change its directory. */
static bool make_wanted(struct fp_ci_folder *folder, const char *wanted)
{
    char whole[PATH_MAX];
    if (mkdir(wanted, 0777) != 0 && errno != EEXIST)
        return false;
    if (!realpath(wanted, whole) || access(whole, W_OK | X_OK) != 0)
        return false;
    if (strlen(whole) >= sizeof folder->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(folder->path, whole, strlen(whole) + 1);
    return true;
}

bool fp_ci_folder_open(struct fp_ci_folder *folder, const char *wanted)
{
    const char *log = getenv("FORKPOLICY_LOG");
    *folder = (struct fp_ci_folder){.log_is_own = !log || !*log};
    if (wanted ? !make_wanted(folder, wanted) : !make_own(folder)) {
        fp_cli_say("run: no folder for the report: %s: %s", wanted ? wanted : folder->path,
                   strerror(errno));
        return false;
    }
    if (folder->log_is_own)
        snprintf(folder->log, sizeof folder->log, "%s/forks.jsonl", folder->path);
    else
        snprintf(folder->log, sizeof folder->log, "%s", log);
    snprintf(folder->text, sizeof folder->text, "%s/report.txt", folder->path);
    snprintf(folder->page, sizeof folder->page, "%s/report.html", folder->path);
    /* An earlier job's are not this one's. */
    if (folder->log_is_own)
        unlink(folder->log);
    unlink(folder->text);
    unlink(folder->page);
    return true;
}

static void keep(const struct fp_log_record *record, void *context)
{
    fp_keep(context, record);
}

static void write_page(const struct fp_ci_folder *folder)
{
    static struct fp_kept kept;
    struct fp_log_count count = {.silent = true};
    if (access(folder->log, R_OK) != 0 || !fp_log_read(folder->log, keep, &kept, &count))
        return;
    FILE *stream = fopen(folder->page, "we");
    if (!stream)
        return;
    json_t *records = fp_kept_sorted(&kept);
    fp_report_html(stream, records, kept.omitted, NULL);
    json_decref(records);
    fclose(stream);
}

void fp_ci_folder_close(const struct fp_ci_folder *folder, bool has_said)
{
    if (has_said || !folder->is_own) {
        write_page(folder);
        return;
    }
    if (folder->log_is_own)
        unlink(folder->log);
    unlink(folder->text);
    rmdir(folder->path);
}
