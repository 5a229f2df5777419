/* See address.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/address.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

const char *fp_libc_single_threaded;

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 35)
#define HAVE_FIND_OBJECT 1
#endif
#endif

#ifdef HAVE_FIND_OBJECT
static int (*find_object)(void *, struct dl_find_object *); /* glibc >= 2.35 */
#endif

void fp_owners_init(void)
{
#ifdef HAVE_FIND_OBJECT
    *(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
#endif
    fp_libc_single_threaded = dlsym(RTLD_DEFAULT, "__libc_single_threaded");
}

/*
 * libgcc's unwinder, which is linked in, finds its tables by this function where libc has it. Ours
 * stands before libc's for it alone, so that the library loads where libc is older than 2.35: -1
 * sends it to dl_iterate_phdr.
 */
#ifdef HAVE_FIND_OBJECT
__attribute__((visibility("hidden"))) int _dl_find_object(void *address,
                                                          struct dl_find_object *object)
{
    return find_object ? find_object(address, object) : -1;
}
#endif

struct search {
    uintptr_t address;
    struct fp_owner found;
};

static int visit_object(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && search->address - start < segment->p_memsz) {
            search->found.base = info->dlpi_phdr;
            search->found.path = info->dlpi_name ? info->dlpi_name : "";
            return 1;
        }
    }
    return 0;
}

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
    struct search search = {(uintptr_t)address, {NULL, ""}};
    dl_iterate_phdr(visit_object, &search);
    return search.found;
}
