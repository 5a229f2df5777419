/*
 * This program and the libraries that it has loaded, as shim/libraries/elf.c reads them. For one
 * file of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_OBJECTS_H
#define FP_TESTS_OBJECTS_H

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/libraries/elf.h"
#include "shim/libraries/probe.h"

enum { OBJECTS_MAX = 64 };

static struct {
    struct fp_elf elf;
    char name[256];
} objects[OBJECTS_MAX];
static size_t object_count;

static inline int add_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    cr_assert_lt(object_count, OBJECTS_MAX);
    if (fp_elf_read(&objects[object_count].elf, info))
        snprintf(objects[object_count++].name, sizeof objects->name, "%s", info->dlpi_name);
    return 0;
}

static inline void read_objects(void)
{
    object_count = 0;
    dl_iterate_phdr(add_object, NULL);
    cr_assert_gt(object_count, 3);
}

/* The one that holds an address. */
static inline const struct fp_elf *object_of(const void *address)
{
    const struct fp_elf *found = NULL;
    for (size_t i = 0; i < object_count; i++)
        if ((uintptr_t)address - objects[i].elf.start < objects[i].elf.end - objects[i].elf.start)
            found = &objects[i].elf;
    cr_assert(found, "nothing holds %p", address);
    return found;
}

/* By libc's own handle: a sanitizer has functions of the same names. */
static inline char *libc_address(const char *name)
{
    char *address = dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name);
    cr_assert(address, "%s", name);
    return address;
}

static inline const struct fp_elf *libc(void)
{
    return object_of(libc_address("atoi"));
}

static inline int own_function(int number)
{
    return number + 1;
}

#endif
