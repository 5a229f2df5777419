/* See objects.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/objects.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/libraries/address.h"

#include <string.h>

FP_LARGE static struct fp_object objects[FP_OBJECTS_MAX];
static size_t count;

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
    dl_iterate_phdr(read_changes, &changes);
    return changes;
}

struct listing {
    void (*visit)(const struct fp_elf *elf, size_t place);
};

static int add(struct dl_phdr_info *info, size_t size, void *context)
{
    const struct listing *listing = context;
    struct fp_elf elf;
    (void)size;
    if (count == FP_OBJECTS_MAX || !fp_elf_read(&elf, info))
        return 0;
    objects[count++] = (struct fp_object){.name = info->dlpi_name ? info->dlpi_name : "",
                                          .base = elf.base,
                                          .start = elf.start,
                                          .end = elf.end};
    listing->visit(&elf, count - 1);
    return 0;
}

void fp_objects_list(void (*visit)(const struct fp_elf *elf, size_t place))
{
    struct listing listing = {visit};
    count = 0;
    dl_iterate_phdr(add, &listing);
}

FP_CHILD size_t fp_objects_count(void)
{
    return count;
}

FP_CHILD const struct fp_object *fp_object_at(size_t place)
{
    return &objects[place];
}

const struct fp_object *fp_object_of(const void *address)
{
    size_t i = 0;
    while (i < count && !fp_object_holds(&objects[i], address))
        i++;
    /* Since the list was made the library may have been closed, and another one be in its place. */
    bool is_there = i < count && fp_owner_of(address).path == objects[i].name;
    return is_there ? &objects[i] : NULL;
}

const struct fp_object *fp_object_named(const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(objects[i].name, name) == 0)
            return &objects[i];
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
