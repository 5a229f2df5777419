/*
 * The loaded libraries as they were when they were last listed. dl_iterate_phdr takes a lock that a
 * thread may hold for ever, so that a child looks here. A list is made aside and then put in place
 * of the last one, so that a fork at any moment finds a whole one; what it says of a library may be
 * out of date, but none of it lies in the library or the loader.
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
    const ElfW(Sym) * symbols; /* where they were */
    const char *strings;
};

/* The rest is called with a claim on the loader's list (loader_list.h) alone. */

/* The loader's count of loads and unloads: while it stays the same, so do the libraries. */
unsigned long long fp_objects_changes(void);

/* Makes the next list; `visit` gets each library with its place in it. */
typedef void fp_objects_visit(const struct fp_object *object, const struct fp_elf *elf,
                              size_t place, void *context);
void fp_objects_list(fp_objects_visit *visit, void *context);

/* It is the list from now on. */
void fp_objects_publish(void);

/* While this runs no library comes or goes. */
void fp_objects_hold(void (*work)(void));

/* The rest by anybody. Which of two lists counts, 0 or 1; the next one is the other. */
unsigned fp_objects_turn(void);

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
