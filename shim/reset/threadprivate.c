/* See threadprivate.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/threadprivate.h"

#include <string.h>

/* Threadprivate data lies in the thread-local segment of whoever declares it, and his parallel
   regions call the runtime by GOMP_* (GNU compilers) or __kmpc_* (LLVM's). */
static bool has_thread_data(const struct fp_object *object)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)object->start;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(object->start + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_TLS && segments[i].p_memsz)
            return true;
    return false;
}

static bool is_installed(const struct fp_object *object)
{
    return strstr(object->name, "/site-packages/") || strstr(object->name, "/dist-packages/");
}

struct search {
    const struct fp_object *openmp, *user;
    bool found;
};

/* A slot that is not bound yet points into the user itself. */
static void visit(const struct fp_elf_slot *slot, void *context)
{
    struct search *search = context;
    if (strncmp(slot->name, "GOMP_", 5) == 0 || strncmp(slot->name, "__kmpc_", 7) == 0)
        search->found |= fp_object_holds(search->openmp, *slot->where) ||
                         fp_object_holds(search->user, *slot->where);
}

static bool may_keep(const struct fp_object *user, const struct fp_object *openmp)
{
    struct search search = {.openmp = openmp, .user = user};
    struct fp_elf elf;
    if (user == openmp || is_installed(user) || !fp_object_read(user, &elf) ||
        !has_thread_data(user))
        return false;
    fp_elf_each_slot(&elf, visit, &search);
    return search.found;
}

const char *fp_threadprivate_keeper(const struct fp_object *openmp)
{
    for (size_t i = 0; i < fp_objects_count(); i++)
        if (may_keep(fp_object_at(i), openmp))
            return fp_object_at(i)->name;
    return NULL;
}
