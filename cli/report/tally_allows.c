/* Which policy files a job had, and which of their allow lines its forks used. See tally_allows.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/tally_allows.h"

enum { FILES_MAX = 100 };

void fp_tally_add_policy_file(struct fp_tally *tally, const struct fp_log_record *record)
{
    const char *path = record->policy_file;
    uint64_t key = fp_hash_string(path, 0);
    struct fp_tally_file *file;
    HASH_FIND(hh, tally->policy_files, &key, sizeof key, file);
    if (file || !*path || HASH_COUNT(tally->policy_files) >= FILES_MAX)
        return;
    file = fp_cli_arena_take(&tally->arena, sizeof *file);
    file->key = key;
    file->path = fp_cli_arena_copy(&tally->arena, path);
    HASH_ADD(hh, tally->policy_files, key, sizeof file->key, file);
}

void fp_tally_add_allowed(struct fp_tally *tally, const struct fp_log_runtime *runtime)
{
    const struct fp_log_line *by = &runtime->allowed_by;
    if (by->there)
        fp_set_add(&tally->allows, fp_hash_number(by->line, fp_hash_string(by->file, 0)));
}

bool fp_tally_is_used(const struct fp_tally *tally, const char *path, unsigned line)
{
    return fp_set_has(&tally->allows, fp_hash_number(line, fp_hash_string(path, 0)));
}
