/* See origin.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/origin.h"

#include "cli/record/decode.h"
#include "cli/record/log.h"

#include <stdlib.h>
#include <string.h>

/* The variable as the program was started with it; NULL where it may not be read. */
static char *read_variable(pid_t pid, const char *name)
{
    char path[40], *entry = NULL, *value = NULL;
    size_t room = 0, length = strlen(name);
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *stream = fopen(path, "re");
    while (stream && !value && getdelim(&entry, &room, '\0', stream) > 0)
        if (strncmp(entry, name, length) == 0 && entry[length] == '=')
            value = strdup(entry + length + 1);
    free(entry);
    if (stream)
        fclose(stream);
    return value;
}

struct search {
    struct fp_cli_arena *arena;
    pid_t pid;
    struct fp_site *site;
    bool found;
};

/* The last one counts: pids are used again. */
static void visit(const struct fp_log_record *record, void *context)
{
    struct search *search = context;
    if (record->kind != FP_LOG_FORK || record->child != search->pid)
        return;
    fp_decode_site(search->arena, &record->fork.site, search->site);
    search->site->function = fp_cli_arena_copy(search->arena, search->site->function);
    search->site->dso = fp_cli_arena_copy(search->arena, search->site->dso);
    search->found = true;
}

bool fp_origin_find(struct fp_cli_arena *arena, pid_t pid, struct fp_site *site)
{
    struct search search = {.arena = arena, .pid = pid, .site = site};
    struct fp_log_count count = {.silent = true};
    char *log = read_variable(pid, "FORKPOLICY_LOG");
    if (log && *log == '/' && !strstr(log, "%p"))
        fp_log_read(log, visit, &search, &count);
    free(log);
    return search.found;
}
