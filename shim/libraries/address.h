/*
 * From an address to the library it lies in, in tens of nanoseconds: never dladdr, which walks
 * symbol tables for up to 190 microseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_LIBRARIES_ADDRESS_H
#define FP_SHIM_LIBRARIES_ADDRESS_H

#include <link.h>
#include <stdbool.h>

struct fp_owner {
    const void *base; /* where it is mapped; NULL = in no library */
    const char *path; /* as the loader spells it, "" for the program itself; borrowed from it */
};

/* Looks up, once, what only some libcs have. */
void fp_owners_init(void);

struct fp_owner fp_owner_of(const void *address);

/* The exported symbol at an address, or NULL; slow, and never where libc has no dladdr1 (musl). */
const ElfW(Sym) * fp_symbol_at(const void *address);

/* Points to libc's "no second thread yet", or NULL where libc has none. */
extern const char *fp_libc_single_threaded;

#endif
