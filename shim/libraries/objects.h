/*
 * The loaded libraries as they were when they were last listed. dl_iterate_phdr takes a lock that a
 * thread may hold for ever, so that a child looks here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_LIBRARIES_OBJECTS_H
#define FP_SHIM_LIBRARIES_OBJECTS_H

#include "shim/libraries/elf.h"

enum { FP_OBJECTS_MAX = 2048 };

/* A loaded library (or the program). */
struct fp_object {
    const char *name; /* as the loader spells it */
    uintptr_t base, start, end;
};

/* The loader's count of loads and unloads: while it stays the same, so do the libraries. */
unsigned long long fp_objects_changes(void);

/* Lists the loaded libraries anew; `visit` gets each with its place in the list. */
void fp_objects_list(void (*visit)(const struct fp_elf *elf, size_t place));

size_t fp_objects_count(void);
const struct fp_object *fp_object_at(size_t place);

/* The library that holds an address, or NULL. */
const struct fp_object *fp_object_of(const void *address);

/* The library of that name, as the loader spells it, or NULL. */
const struct fp_object *fp_object_named(const char *name);

bool fp_object_holds(const struct fp_object *object, const void *address);

/* Reads what the loader has in memory of a library. */
bool fp_object_read(const struct fp_object *object, struct fp_elf *elf);

#endif
