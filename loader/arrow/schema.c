/* Copies of schemas. See array.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What `private_data` points to; the strings follow the pointers to the children. */
struct kept {
    struct ArrowSchema dictionary;
    struct ArrowSchema *children;
    struct ArrowSchema *pointers[];
};

static void release(struct ArrowSchema *schema)
{
    struct kept *kept = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (kept->children[i].release)
            kept->children[i].release(&kept->children[i]);
    if (kept->dictionary.release)
        kept->dictionary.release(&kept->dictionary);
    free(kept->children);
    free(kept);
    schema->release = NULL;
}

/* A count, then keys and values with their lengths before them. */
size_t fl_schema_metadata_size(const char *metadata)
{
    int32_t pairs, length;
    size_t size = sizeof pairs;
    if (!metadata)
        return 0;
    memcpy(&pairs, metadata, sizeof pairs);
    for (int64_t i = 0; i < 2 * (int64_t)pairs; i++) {
        memcpy(&length, metadata + size, sizeof length);
        size += sizeof length + (length > 0 ? (size_t)length : 0);
    }
    return size;
}

static char *keep(char **room, const char *from, size_t size)
{
    char *at = *room;
    if (!from)
        return NULL;
    memcpy(at, from, size);
    *room += size;
    return at;
}

int fl_schema_copy(struct ArrowSchema *copy, const struct ArrowSchema *schema, const int *columns,
                   size_t column_count)
{
    size_t count = columns ? column_count : (size_t)schema->n_children;
    size_t format = strlen(schema->format) + 1, name = schema->name ? strlen(schema->name) + 1 : 0;
    size_t metadata = fl_schema_metadata_size(schema->metadata);
    size_t pointers = count * sizeof(void *);
    struct kept *kept = calloc(1, sizeof *kept + pointers + format + name + metadata);
    memset(copy, 0, sizeof *copy);
    if (!kept)
        return ENOMEM;
    kept->children = count ? calloc(count, sizeof *kept->children) : NULL;
    if (count && !kept->children) {
        free(kept);
        return ENOMEM;
    }
    char *room = (char *)(kept->pointers + count);
    *copy = (struct ArrowSchema){
        .format = keep(&room, schema->format, format),
        .name = keep(&room, schema->name, name),
        .metadata = keep(&room, schema->metadata, metadata),
        .flags = schema->flags,
        .n_children = (int64_t)count,
        .children = count ? kept->pointers : NULL,
        .dictionary = schema->dictionary ? &kept->dictionary : NULL,
        .release = release,
        .private_data = kept,
    };
    int code = 0;
    for (size_t i = 0; i < count; i++)
        kept->pointers[i] = &kept->children[i];
    for (size_t i = 0; code == 0 && i < count; i++)
        code = fl_schema_copy(kept->pointers[i], schema->children[columns ? (size_t)columns[i] : i],
                              NULL, 0);
    if (code == 0 && schema->dictionary)
        code = fl_schema_copy(&kept->dictionary, schema->dictionary, NULL, 0);
    if (code != 0)
        release(copy);
    return code;
}
