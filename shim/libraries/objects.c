/* See objects.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/objects.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/libraries/address.h"
#include "shim/libraries/loader_list.h"

#include <stdatomic.h>
#include <string.h>

enum { NAMES_SIZE = 256 * 1024 };

struct list {
    size_t count, names_size;
    struct fp_object objects[FP_OBJECTS_MAX];
    char names[NAMES_SIZE];
};

FP_LARGE static struct list lists[2];
static atomic_uint turn; /* of the one that counts */

FP_CHILD static struct list *current(void)
{
    return &lists[atomic_load_explicit(&turn, memory_order_acquire)];
}

FP_CHILD unsigned fp_objects_turn(void)
{
    return atomic_load_explicit(&turn, memory_order_acquire);
}

void fp_objects_publish(void)
{
    atomic_store_explicit(&turn, !fp_objects_turn(), memory_order_release);
}

bool fp_object_holds(const struct fp_object *object, const void *address)
{
    return (uintptr_t)address - object->start < object->end - object->start;
}

static int read_changes(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    *(unsigned long long *)context = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

unsigned long long fp_objects_changes(void)
{
    unsigned long long changes = 0;
    fp_list_each(read_changes, &changes);
    return changes;
}

/* A copy: the loader's goes with the library. NULL: no room. */
static const char *keep_name(struct list *list, const char *name)
{
    size_t size = strlen(name) + 1;
    if (size > NAMES_SIZE - list->names_size)
        return NULL;
    char *kept = memcpy(list->names + list->names_size, name, size);
    list->names_size += size;
    return kept;
}

struct listing {
    struct list *list;
    fp_objects_visit *visit;
    void *context;
};

static int add(struct dl_phdr_info *info, size_t size, void *context)
{
    const struct listing *listing = context;
    struct list *list = listing->list;
    struct fp_elf elf;
    (void)size;
    if (list->count == FP_OBJECTS_MAX || !fp_elf_read(&elf, info))
        return 0;
    struct fp_object *object = &list->objects[list->count];
    *object = (struct fp_object){.name = keep_name(list, info->dlpi_name ? info->dlpi_name : ""),
                                 .base = elf.base,
                                 .start = elf.start,
                                 .end = elf.end,
                                 .symbols = elf.symbols,
                                 .strings = elf.strings};
    if (object->name)
        listing->visit(object, &elf, list->count++, listing->context);
    return 0;
}

void fp_objects_list(fp_objects_visit *visit, void *context)
{
    struct listing listing = {&lists[!fp_objects_turn()], visit, context};
    listing.list->count = listing.list->names_size = 0;
    fp_list_each(add, &listing);
}

struct holding {
    void (*work)(void);
};

static int call(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)info, (void)size;
    ((const struct holding *)context)->work();
    return 1;
}

void fp_objects_hold(void (*work)(void))
{
    struct holding holding = {work};
    fp_list_each(call, &holding);
}

FP_CHILD size_t fp_objects_count(void)
{
    return current()->count;
}

FP_CHILD const struct fp_object *fp_object_at(size_t place)
{
    return &current()->objects[place];
}

const struct fp_object *fp_object_of(const void *address)
{
    const struct list *list = current();
    size_t i = 0;
    while (i < list->count && !fp_object_holds(&list->objects[i], address))
        i++;
    /* Since the list was made the library may have been closed, and another one be in its place. */
    bool is_there =
        i < list->count && strcmp(fp_owner_of(address).path, list->objects[i].name) == 0;
    return is_there ? &list->objects[i] : NULL;
}

const struct fp_object *fp_object_named(const char *name)
{
    const struct list *list = current();
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->objects[i].name, name) == 0)
            return &list->objects[i];
    return NULL;
}

/* The headers are in the library's first mapping. */
bool fp_object_read(const struct fp_object *object, struct fp_elf *elf)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)object->start;
    struct dl_phdr_info info = {.dlpi_addr = object->base,
                                .dlpi_phdr = (const ElfW(Phdr) *)(object->start + header->e_phoff),
                                .dlpi_phnum = header->e_phnum};
    return fp_elf_read(elf, &info);
}
