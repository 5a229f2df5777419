/* See array.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "loader/arrow/array.h"

#include "loader/arrow/buffer_pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const size_t ALIGNMENT = 64, HUGE_PAGE = 2 << 20, HUGE_FROM = 4 << 20;

/* What `private_data` points to. Buffers belong to the array, or all of them to `shared`, or to who
   lent them. */
struct kept {
    struct fl_shared *shared;
    bool is_borrowed;
    const void **buffers;
    size_t *sizes; /* behind the buffers */
    struct ArrowArray dictionary;
    struct ArrowArray *children;
    void *pointers[]; /* to the children; buffers, as it was made, and their sizes */
};

struct fl_shared {
    atomic_size_t owners;
    struct ArrowArray array;
    void (*dropped)(void *of);
    void *of;
};

static struct kept *kept_of(const struct ArrowArray *array)
{
    return array->private_data;
}

static const void **first_buffers(const struct ArrowArray *array)
{
    return (const void **)(kept_of(array)->pointers + array->n_children);
}

static void release(struct ArrowArray *array)
{
    struct kept *kept = kept_of(array);
    for (int64_t i = 0; i < array->n_children; i++)
        if (kept->children[i].release)
            kept->children[i].release(&kept->children[i]);
    if (kept->dictionary.release)
        kept->dictionary.release(&kept->dictionary);
    for (int64_t i = 0; !kept->shared && !kept->is_borrowed && i < array->n_buffers; i++)
        fl_buffer_pool_keep((void *)kept->buffers[i]);
    if (kept->shared)
        fl_shared_drop(kept->shared);
    if (kept->buffers != first_buffers(array))
        free((void *)kept->buffers);
    free(kept->children);
    free(kept);
    array->release = NULL;
}

int fl_array_make(struct ArrowArray *array, int64_t length, size_t buffers, size_t children,
                  bool dictionary)
{
    size_t pointers = (children + buffers) * sizeof(void *);
    struct kept *kept = calloc(1, sizeof *kept + pointers + buffers * sizeof *kept->sizes);
    memset(array, 0, sizeof *array);
    if (!kept)
        return ENOMEM;
    kept->children = children ? calloc(children, sizeof *kept->children) : NULL;
    if (children && !kept->children) {
        free(kept);
        return ENOMEM;
    }
    kept->buffers = (const void **)(kept->pointers + children);
    kept->sizes = (size_t *)(kept->buffers + buffers);
    for (size_t i = 0; i < children; i++)
        kept->pointers[i] = &kept->children[i];
    *array = (struct ArrowArray){
        .length = length,
        .n_buffers = (int64_t)buffers,
        .n_children = (int64_t)children,
        .buffers = kept->buffers,
        .children = children ? (struct ArrowArray **)kept->pointers : NULL,
        .dictionary = dictionary ? &kept->dictionary : NULL,
        .release = release,
        .private_data = kept,
    };
    return 0;
}

int fl_array_more(struct ArrowArray *array, size_t buffers)
{
    struct kept *kept = kept_of(array);
    const void **more = calloc(buffers, sizeof *more + sizeof *kept->sizes);
    if (!more)
        return ENOMEM;
    size_t *sizes = (size_t *)(more + buffers), count = (size_t)array->n_buffers;
    memcpy((void *)more, (const void *)kept->buffers, count * sizeof *more);
    memcpy(sizes, kept->sizes, count * sizeof *sizes);
    if (kept->buffers != first_buffers(array))
        free((void *)kept->buffers);
    kept->buffers = more;
    kept->sizes = sizes;
    array->buffers = more;
    array->n_buffers = (int64_t)buffers;
    return 0;
}

static void *new_buffer(size_t room)
{
    size_t alignment = room >= HUGE_FROM ? HUGE_PAGE : ALIGNMENT;
    void *buffer = NULL;
    if (posix_memalign(&buffer, alignment, room) != 0)
        return NULL;
    if (alignment == HUGE_PAGE)
        (void)madvise(buffer, room & ~(size_t)4095, MADV_HUGEPAGE); /* a wish */
    return buffer;
}

void *fl_array_buffer(struct ArrowArray *array, size_t number, size_t bytes)
{
    if (bytes > (size_t)PTRDIFF_MAX - 2 * HUGE_PAGE)
        return NULL;
    size_t room = bytes ? (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1) : ALIGNMENT;
    void *buffer = fl_buffer_pool_take(room);
    if (!buffer)
        buffer = new_buffer(room);
    if (!buffer)
        return NULL;
    memset((uint8_t *)buffer + bytes, 0, room - bytes);
    array->buffers[number] = buffer;
    kept_of(array)->sizes[number] = bytes;
    return buffer;
}

void fl_array_drop_buffer(struct ArrowArray *array, size_t number)
{
    fl_buffer_pool_keep((void *)array->buffers[number]);
    array->buffers[number] = NULL;
    kept_of(array)->sizes[number] = 0;
}

void fl_array_move_buffer(struct ArrowArray *to, struct ArrowArray *from, size_t number)
{
    to->buffers[number] = from->buffers[number];
    kept_of(to)->sizes[number] = kept_of(from)->sizes[number];
    from->buffers[number] = NULL;
    kept_of(from)->sizes[number] = 0;
}

void fl_array_lend_buffer(struct ArrowArray *array, size_t number, const void *buffer, size_t bytes)
{
    array->buffers[number] = buffer;
    kept_of(array)->sizes[number] = bytes;
    kept_of(array)->is_borrowed = true;
}

bool fl_array_is_ours(const struct ArrowArray *array)
{
    return array->release == release;
}

size_t fl_array_buffer_size(const struct ArrowArray *array, size_t number)
{
    return kept_of(array)->sizes[number];
}

uint64_t fl_array_bytes(const struct ArrowArray *array)
{
    uint64_t bytes = 0;
    for (int64_t i = 0; i < array->n_buffers; i++)
        bytes += kept_of(array)->sizes[i];
    for (int64_t i = 0; i < array->n_children; i++)
        bytes += fl_array_bytes(array->children[i]);
    return bytes + (array->dictionary ? fl_array_bytes(array->dictionary) : 0);
}

struct fl_shared *fl_shared_new(struct ArrowArray *array)
{
    struct fl_shared *shared = calloc(1, sizeof *shared);
    if (!shared) {
        array->release(array);
        return NULL;
    }
    atomic_init(&shared->owners, 1);
    shared->array = *array;
    array->release = NULL;
    return shared;
}

void fl_shared_drop(struct fl_shared *shared)
{
    if (atomic_fetch_sub_explicit(&shared->owners, 1, memory_order_acq_rel) != 1)
        return;
    shared->array.release(&shared->array);
    if (shared->dropped)
        shared->dropped(shared->of);
    free(shared);
}

void fl_shared_on_drop(struct fl_shared *shared, void (*dropped)(void *of), void *of)
{
    shared->dropped = dropped;
    shared->of = of;
}

static int share(struct fl_shared *shared, const struct ArrowArray *from, struct ArrowArray *array)
{
    int code = fl_array_make(array, from->length, (size_t)from->n_buffers, (size_t)from->n_children,
                             from->dictionary != NULL);
    if (code != 0)
        return code;
    array->null_count = from->null_count;
    for (int64_t i = 0; i < from->n_buffers; i++)
        fl_array_lend_buffer(array, (size_t)i, from->buffers[i], kept_of(from)->sizes[i]);
    kept_of(array)->shared = shared;
    atomic_fetch_add_explicit(&shared->owners, 1, memory_order_relaxed);
    for (int64_t i = 0; code == 0 && i < from->n_children; i++)
        code = share(shared, from->children[i], array->children[i]);
    if (code == 0 && from->dictionary)
        code = share(shared, from->dictionary, array->dictionary);
    if (code != 0)
        array->release(array);
    return code;
}

int fl_shared_array(struct fl_shared *shared, struct ArrowArray *array)
{
    return share(shared, &shared->array, array);
}
