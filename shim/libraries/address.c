/* See address.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/address.h"

#include "shim/libraries/loader_list.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern __typeof(dladdr1) dladdr1 __attribute__((weak)); /* musl has none */

const ElfW(Sym) * fp_symbol_at(const void *address)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    return address && dladdr1 && dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) ? symbol
                                                                                           : NULL;
}

const char *fp_libc_single_threaded;

/* Headers of glibc 2.35 and later have the type; whether libc has the function is found out at the
 * start. */
#ifdef DLFO_STRUCT_HAS_EH_DBASE
#define HAVE_FIND_OBJECT 1
static int (*find_object)(void *, struct dl_find_object *);
#endif

void fp_owners_init(void)
{
#ifdef HAVE_FIND_OBJECT
    *(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
#endif
    fp_list_init();
    fp_libc_single_threaded = dlsym(RTLD_DEFAULT, "__libc_single_threaded");
}

struct search {
    uintptr_t address;
    struct fp_owner found;
    const void *unwind_table;
};

static bool holds(const struct dl_phdr_info *library, uintptr_t address)
{
    for (size_t i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        uintptr_t start = library->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && address - start < segment->p_memsz)
            return true;
    }
    return false;
}

static const void *unwind_table_of(const struct dl_phdr_info *library)
{
    for (size_t i = 0; i < library->dlpi_phnum; i++)
        if (library->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            return (const void *)(library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
    return NULL;
}

static int visit_object(struct dl_phdr_info *library, size_t size, void *context)
{
    struct search *search = context;
    (void)size;
    if (!holds(library, search->address))
        return 0;
    search->found.base = library->dlpi_phdr;
    search->found.path = library->dlpi_name ? library->dlpi_name : "";
    search->unwind_table = unwind_table_of(library);
    return 1;
}

/* Finds nothing where the list cannot be had. */
static void find(struct search *search)
{
    if (!fp_list_claim(FP_LIST_PATIENCE))
        return;
    fp_list_each(visit_object, search);
    fp_list_release();
}

/*
 * libgcc's unwinder, which is linked in, finds its tables by this function alone. Ours stands
 * before libc's, which has none before glibc 2.35: of what it tells, the unwinder wants the table.
 */
#ifdef HAVE_FIND_OBJECT
__attribute__((visibility("hidden"))) int _dl_find_object(void *address,
                                                          struct dl_find_object *object)
{
    if (find_object)
        return find_object(address, object);
    struct search search = {.address = (uintptr_t)address};
    find(&search);
    *object = (struct dl_find_object){.dlfo_eh_frame = (void *)(uintptr_t)search.unwind_table};
    return search.unwind_table ? 0 : -1;
}
#endif

struct fp_owner fp_owner_of(const void *address)
{
#ifdef HAVE_FIND_OBJECT
    struct dl_find_object object;
    if (find_object) {
        if (find_object((void *)(uintptr_t)address, &object) != 0)
            return (struct fp_owner){NULL, ""};
        return (struct fp_owner){object.dlfo_map_start, object.dlfo_link_map->l_name};
    }
#endif
    struct search search = {.address = (uintptr_t)address, .found.path = ""};
    find(&search);
    return search.found;
}
