/* See silent.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/silent.h"

#include "cli/explain/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The job is ended even where the disk is full. */
static void append(const char *log, const char *record, size_t length)
{
    int file = open(log, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return;
    write(file, record, length);
    close(file);
}

static void find(const struct fp_log_record *record, void *context)
{
    struct fp_silent *found = context;
    if (!found->line && record->pid == found->pid)
        found->line = record->line;
}

struct fp_silent fp_silent_find(struct fp_tail *tail, pid_t pid)
{
    const struct fp_explain_options json = {.json = true};
    struct fp_explanation worst = {FP_GRADE_NONE, 0, false};
    struct fp_silent found = {0, 0};
    char *record = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&record, &length);
    if (stream) {
        fp_explain_process(stream, pid, &json, &worst);
        fclose(stream);
    }
    if (worst.grade >= FP_GRADE_STRONG) {
        append(tail->path, record, length);
        found.pid = worst.pid;
        fp_tail_read(tail, find, &found);
    }
    free(record);
    return found;
}
