/*
 * A loaded library as the loader has it in memory: its slots and its symbols, read from its
 * dynamic section without a lock. dladdr and dlsym take the loader's, which a blocked thread may
 * hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_LIBRARIES_ELF_H
#define FP_SHIM_LIBRARIES_ELF_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fp_elf {
    uintptr_t base;                           /* what addresses in the file are relative to */
    uintptr_t start, end;                     /* of its mappings */
    uintptr_t protected_start, protected_end; /* made read-only after relocation (RELRO) */
    const ElfW(Phdr) * segments;
    size_t segment_count;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *gnu_hash;
    const ElfW(Half) * versions;       /* of each symbol; NULL: it has none */
    const ElfW(Rela) * relocations[2]; /* DT_JMPREL, DT_RELA */
    size_t relocation_counts[2];
    size_t soname; /* offset in `strings`, 0 = none */
};

/* False where there is no dynamic section, or none that can be read. */
bool fp_elf_read(struct fp_elf *elf, const struct dl_phdr_info *info);

/* "" where it has none. */
const char *fp_elf_soname(const struct fp_elf *elf);

bool fp_elf_is_protected(const struct fp_elf *elf, const void *address);

/* A place that holds the address of a function of another library. */
struct fp_elf_slot {
    void **where;
    const char *name;
    const ElfW(Rela) * relocation; /* that asked for it */
};

/* Calls `visit` with each slot in a segment that is mapped for writing: text relocations are left
   out. */
void fp_elf_each_slot(const struct fp_elf *elf,
                      void (*visit)(const struct fp_elf_slot *slot, void *context), void *context);

/* Whether the relocation still stands there and asks for this function at this place. Another
   library, or none, may be there by now: nothing is read before it is known to be readable. */
bool fp_elf_is_still_slot(uintptr_t base, const ElfW(Sym) * symbols, const char *strings,
                          const struct fp_elf_slot *slot);

/* The exported function that holds an address, and the offset in it; "" where none does. */
const char *fp_elf_symbol(const struct fp_elf *elf, uintptr_t address, unsigned long *offset);

/* The address of an exported function, or NULL. */
void *fp_elf_function(const struct fp_elf *elf, const char *name);

#endif
