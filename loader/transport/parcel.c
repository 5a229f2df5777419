/* See parcel.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/transport/parcel.h"

#include "loader/arrow/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A parcel is a head, its nodes (a field and its array; children in order, then the dictionary),
   where their buffers are, their texts, and the buffers. */
struct head {
    uint64_t nodes, buffers;
};

struct node {
    int64_t length, null_count, flags;
    uint32_t buffers, children;
    uint32_t has_dictionary;
    uint32_t format, name, metadata; /* how long they are, with what ends them; 0: NULL */
};

struct extent {
    uint64_t at, bytes; /* at 0: NULL */
};

/* Where the next of each kind is. */
struct cursor {
    uint8_t *memory;
    struct node *node;
    struct extent *extent;
    char *text;
    uint64_t data;
};

static uint32_t size_of_text(const char *text)
{
    return text ? (uint32_t)strlen(text) + 1 : 0;
}

static struct cursor begin(uint8_t *memory, uint64_t nodes, uint64_t buffers)
{
    struct cursor cursor = {.memory = memory};
    cursor.node = (struct node *)(memory + sizeof(struct head));
    cursor.extent = (struct extent *)(cursor.node + nodes);
    cursor.text = (char *)(cursor.extent + buffers);
    return cursor;
}

static uint64_t bytes_before_data(const struct fl_parcel_size *size)
{
    return fl_parcel_aligned(sizeof(struct head) + size->nodes * sizeof(struct node) +
                             size->buffers * sizeof(struct extent) + size->texts);
}

static void measure(struct fl_parcel_size *size, const struct ArrowArray *array,
                    const struct ArrowSchema *schema)
{
    size->nodes++;
    size->buffers += (uint32_t)array->n_buffers;
    size->texts += size_of_text(schema->format) + size_of_text(schema->name) +
                   fl_schema_metadata_size(schema->metadata);
    for (int64_t i = 0; i < array->n_buffers; i++)
        size->bytes += fl_parcel_aligned(fl_array_buffer_size(array, (size_t)i));
    for (int64_t i = 0; i < array->n_children; i++)
        measure(size, array->children[i], schema->children[i]);
    if (array->dictionary)
        measure(size, array->dictionary, schema->dictionary);
}

struct fl_parcel_size fl_parcel_measure(const struct ArrowArray *array,
                                        const struct ArrowSchema *schema)
{
    struct fl_parcel_size size = {0};
    measure(&size, array, schema);
    size.bytes += bytes_before_data(&size);
    return size;
}

static uint32_t write_text(struct cursor *cursor, const char *text, size_t size)
{
    if (text)
        memcpy(cursor->text, text, size);
    cursor->text += size;
    return (uint32_t)size;
}

static void write_buffer(struct cursor *cursor, const void *buffer, size_t bytes)
{
    *cursor->extent++ = (struct extent){.at = buffer ? cursor->data : 0, .bytes = bytes};
    if (buffer)
        memcpy(cursor->memory + cursor->data, buffer, bytes);
    cursor->data += fl_parcel_aligned(bytes);
}

static void write_node(struct cursor *cursor, const struct ArrowArray *array,
                       const struct ArrowSchema *schema)
{
    struct node *node = cursor->node++;
    *node = (struct node){.length = array->length,
                          .null_count = array->null_count,
                          .flags = schema->flags,
                          .buffers = (uint32_t)array->n_buffers,
                          .children = (uint32_t)array->n_children,
                          .has_dictionary = array->dictionary != NULL};
    node->format = write_text(cursor, schema->format, size_of_text(schema->format));
    node->name = write_text(cursor, schema->name, size_of_text(schema->name));
    node->metadata =
        write_text(cursor, schema->metadata, fl_schema_metadata_size(schema->metadata));
    for (int64_t i = 0; i < array->n_buffers; i++)
        write_buffer(cursor, array->buffers[i], fl_array_buffer_size(array, (size_t)i));
    for (int64_t i = 0; i < array->n_children; i++)
        write_node(cursor, array->children[i], schema->children[i]);
    if (array->dictionary)
        write_node(cursor, array->dictionary, schema->dictionary);
}

void fl_parcel_write(uint8_t *memory, const struct fl_parcel_size *size,
                     const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    struct cursor cursor = begin(memory, size->nodes, size->buffers);
    *(struct head *)memory = (struct head){.nodes = size->nodes, .buffers = size->buffers};
    cursor.data = bytes_before_data(size);
    write_node(&cursor, array, schema);
}

static int read_buffer(struct ArrowArray *array, size_t number, const uint8_t *memory,
                       const struct extent *extent, bool copy)
{
    if (extent->at && !copy)
        fl_array_lend_buffer(array, number, memory + extent->at, extent->bytes);
    if (!extent->at || !copy)
        return 0;
    void *buffer = fl_array_buffer(array, number, extent->bytes);
    if (buffer)
        memcpy(buffer, memory + extent->at, extent->bytes);
    return buffer ? 0 : ENOMEM;
}

static int read_array(struct cursor *cursor, bool copy, struct ArrowArray *array)
{
    const struct node *node = cursor->node++;
    int code =
        fl_array_make(array, node->length, node->buffers, node->children, node->has_dictionary);
    if (code != 0)
        return code;
    array->null_count = node->null_count;
    for (size_t i = 0; code == 0 && i < node->buffers; i++)
        code = read_buffer(array, i, cursor->memory, cursor->extent++, copy);
    for (size_t i = 0; code == 0 && i < node->children; i++)
        code = read_array(cursor, copy, array->children[i]);
    if (code == 0 && node->has_dictionary)
        code = read_array(cursor, copy, array->dictionary);
    if (code != 0)
        array->release(array);
    return code;
}

static const char *read_text(struct cursor *cursor, uint32_t size)
{
    const char *text = size ? cursor->text : NULL;
    cursor->text += size;
    return text;
}

/* Of schemas in `room` and pointers to them, after which the next free ones are. */
static void read_schema(struct cursor *cursor, struct ArrowSchema *schema,
                        struct ArrowSchema **room, struct ArrowSchema ***pointers)
{
    const struct node *node = cursor->node++;
    *schema = (struct ArrowSchema){.flags = node->flags, .n_children = node->children};
    schema->format = read_text(cursor, node->format);
    schema->name = read_text(cursor, node->name);
    schema->metadata = read_text(cursor, node->metadata);
    schema->children = *pointers;
    *pointers += node->children;
    for (size_t i = 0; i < node->children; i++) {
        schema->children[i] = (*room)++;
        read_schema(cursor, schema->children[i], room, pointers);
    }
    if (node->has_dictionary) {
        schema->dictionary = (*room)++;
        read_schema(cursor, schema->dictionary, room, pointers);
    }
}

int fl_parcel_read(uint8_t *memory, bool copy, struct ArrowArray *array, struct ArrowSchema *schema)
{
    const struct head *head = (const struct head *)memory;
    struct cursor cursor = begin(memory, head->nodes, head->buffers);
    struct cursor again = cursor;
    struct ArrowSchema *lent = calloc(head->nodes, sizeof *lent + sizeof(struct ArrowSchema *));
    if (!lent)
        return ENOMEM;
    struct ArrowSchema **pointers = (struct ArrowSchema **)(lent + head->nodes), *room = lent + 1;
    read_schema(&cursor, lent, &room, &pointers);
    int code = fl_schema_copy(schema, lent, NULL, 0);
    free(lent);
    if (code == 0)
        code = read_array(&again, copy, array);
    if (code != 0 && schema->release)
        schema->release(schema);
    return code;
}
