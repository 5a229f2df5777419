/* The memory map of a process. See view.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/view.h"

#include <stdlib.h>
#include <string.h>

static char *path_of_line(char *line)
{
    static const char GONE[] = " (deleted)";
    char *path = strchr(line, '/');
    if (!path)
        return strdup("");
    size_t length = strcspn(path, "\n");
    if (length > sizeof GONE - 1 &&
        strncmp(path + length - (sizeof GONE - 1), GONE, sizeof GONE - 1) == 0)
        length -= sizeof GONE - 1;
    return strndup(path, length);
}

/* "7f12a000-7f12b000 rw-p 00001000 ..." */
static bool read_line_of_map(const char *line, struct fp_mapping *mapping)
{
    char *at;
    mapping->start = strtoull(line, &at, 16);
    if (*at != '-')
        return false;
    mapping->end = strtoull(at + 1, &at, 16);
    if (strlen(at) < 6)
        return false;
    mapping->is_private = at[4] == 'p';
    mapping->offset = strtoull(at + 5, NULL, 16);
    return true;
}

bool fp_view_read_mappings(struct fp_view *view)
{
    char name[40], *line = NULL;
    size_t room = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", (int)view->process.pid);
    FILE *stream = fopen(name, "re");
    while (stream && getline(&line, &room, stream) > 0) {
        struct fp_mapping mapping = {0};
        if (!read_line_of_map(line, &mapping))
            continue;
        void *grown = realloc(view->mappings, (view->mapping_count + 1) * sizeof mapping);
        if (!grown)
            break;
        view->mappings = grown;
        mapping.path = path_of_line(line);
        view->has_shim |= strstr(mapping.path, "/libforkpolicy.so") != NULL;
        view->has_ring |= strstr(line, "anon_inode:[io_uring]") != NULL;
        view->is_python |= strstr(mapping.path, "python") != NULL;
        view->mappings[view->mapping_count++] = mapping;
    }
    free(line);
    if (stream)
        fclose(stream);
    return view->mapping_count > 0;
}

const struct fp_mapping *fp_view_mapping(const struct fp_view *view, uint64_t address)
{
    for (size_t i = 0; i < view->mapping_count; i++)
        if (address >= view->mappings[i].start && address < view->mappings[i].end)
            return &view->mappings[i];
    return NULL;
}
