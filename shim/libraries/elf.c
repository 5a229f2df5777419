/* See elf.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/elf.h"

#include "shim/base/child_section.h"
#include "shim/libraries/probe.h"

#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { SLOT = R_X86_64_JUMP_SLOT, DATA_SLOT = R_X86_64_GLOB_DAT, ADDRESS = R_X86_64_64 };
#elif defined(__aarch64__)
enum { SLOT = R_AARCH64_JUMP_SLOT, DATA_SLOT = R_AARCH64_GLOB_DAT, ADDRESS = R_AARCH64_ABS64 };
#endif

static void read_segments(struct fp_elf *elf, const struct dl_phdr_info *info,
                          const ElfW(Dyn) * *dynamic)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    elf->segments = info->dlpi_phdr;
    elf->segment_count = info->dlpi_phnum;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = elf->base + segment->p_vaddr, end = start + segment->p_memsz;
        if (segment->p_type == PT_DYNAMIC)
            *dynamic = (const ElfW(Dyn) *)start;
        if (segment->p_type == PT_GNU_RELRO) { /* the loader protects whole pages of it */
            elf->protected_start = start & -page;
            elf->protected_end = end & -page;
        }
        if (segment->p_type != PT_LOAD)
            continue;
        elf->start = elf->start ? elf->start : start & -page;
        elf->end = end;
    }
}

/* glibc puts addresses in place of the file's offsets, in every section that it can write. */
static bool read_dynamic(struct fp_elf *elf, const ElfW(Dyn) * dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        uintptr_t value = dynamic->d_un.d_val;
        switch (dynamic->d_tag) {
        case DT_SYMTAB:
            elf->symbols = (const ElfW(Sym) *)value;
            break;
        case DT_STRTAB:
            elf->strings = (const char *)value;
            break;
        case DT_GNU_HASH:
            elf->gnu_hash = (const uint32_t *)value;
            break;
        case DT_VERSYM:
            elf->versions = (const ElfW(Half) *)value;
            break;
        case DT_SONAME:
            elf->soname = value;
            break;
        case DT_JMPREL:
            elf->relocations[0] = (const ElfW(Rela) *)value;
            break;
        case DT_PLTRELSZ:
            elf->relocation_counts[0] = value / sizeof(ElfW(Rela));
            break;
        case DT_RELA:
            elf->relocations[1] = (const ElfW(Rela) *)value;
            break;
        case DT_RELASZ:
            elf->relocation_counts[1] = value / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
    return elf->symbols && elf->strings &&
           (uintptr_t)elf->symbols - elf->start < elf->end - elf->start &&
           (uintptr_t)elf->strings - elf->start < elf->end - elf->start;
}

bool fp_elf_read(struct fp_elf *elf, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *dynamic = NULL;
    *elf = (struct fp_elf){.base = info->dlpi_addr};
    read_segments(elf, info, &dynamic);
    return dynamic && read_dynamic(elf, dynamic);
}

const char *fp_elf_soname(const struct fp_elf *elf)
{
    return elf->soname ? elf->strings + elf->soname : "";
}

bool fp_elf_is_protected(const struct fp_elf *elf, const void *address)
{
    return (uintptr_t)address - elf->protected_start < elf->protected_end - elf->protected_start;
}

static bool is_writable(const struct fp_elf *elf, uintptr_t address)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_W &&
            address - (elf->base + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

static void visit_slot(const struct fp_elf *elf, const ElfW(Rela) * relocation,
                       void (*visit)(const struct fp_elf_slot *slot, void *context), void *context)
{
    const ElfW(Sym) *symbol = &elf->symbols[ELF64_R_SYM(relocation->r_info)];
    uintptr_t where = elf->base + relocation->r_offset;
    struct fp_elf_slot slot = {(void **)where, elf->strings + symbol->st_name, relocation};
    /* One that lies across two words cannot be written at once. */
    if (symbol != elf->symbols && symbol->st_shndx == SHN_UNDEF && where % sizeof(void *) == 0 &&
        is_writable(elf, where))
        visit(&slot, context);
}

void fp_elf_each_slot(const struct fp_elf *elf,
                      void (*visit)(const struct fp_elf_slot *slot, void *context), void *context)
{
    for (size_t table = 0; table < 2; table++)
        for (size_t i = 0; elf->relocations[table] && i < elf->relocation_counts[table]; i++) {
            const ElfW(Rela) *relocation = &elf->relocations[table][i];
            unsigned type = (unsigned)ELF64_R_TYPE(relocation->r_info);
            if (type == SLOT || type == DATA_SLOT || type == ADDRESS)
                visit_slot(elf, relocation, visit, context);
        }
}

FP_CHILD static bool can_read(const void *start, size_t length)
{
    const char *first = start;
    return fp_probe_read(first) && fp_probe_read(first + length - 1);
}

FP_CHILD bool fp_elf_is_still_slot(uintptr_t base, const ElfW(Sym) * symbols, const char *strings,
                                   const struct fp_elf_slot *slot)
{
    const ElfW(Rela) *relocation = slot->relocation;
    if (!can_read(relocation, sizeof *relocation) ||
        base + relocation->r_offset != (uintptr_t)slot->where)
        return false;
    const ElfW(Sym) *symbol = &symbols[ELF64_R_SYM(relocation->r_info)];
    if (!can_read(symbol, sizeof *symbol))
        return false;
    const char *name = strings + symbol->st_name;
    return can_read(name, strlen(slot->name) + 1) && strcmp(name, slot->name) == 0;
}

/* The number of dynamic symbols stands nowhere: the last chain of the hash table ends with it. */
static size_t count_symbols(const struct fp_elf *elf)
{
    if (!elf->gnu_hash)
        return 0;
    uint32_t bucket_count = elf->gnu_hash[0], first = elf->gnu_hash[1], bloom = elf->gnu_hash[2];
    const uint32_t *buckets = elf->gnu_hash + 4 + bloom * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chains = buckets + bucket_count;
    uint32_t last = 0;
    for (uint32_t i = 0; i < bucket_count; i++)
        last = buckets[i] > last ? buckets[i] : last;
    if (last < first)
        return first;
    while (!(chains[last - first] & 1))
        last++;
    return last + 1;
}

static bool is_function(const ElfW(Sym) * symbol)
{
    return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

const char *fp_elf_symbol(const struct fp_elf *elf, uintptr_t address, unsigned long *offset)
{
    size_t count = count_symbols(elf);
    for (size_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = &elf->symbols[i];
        uintptr_t start = elf->base + symbol->st_value;
        if (is_function(symbol) && address - start < symbol->st_size) {
            *offset = address - start;
            return elf->strings + symbol->st_name;
        }
    }
    *offset = address - elf->base;
    return "";
}

void *fp_elf_function(const struct fp_elf *elf, const char *name)
{
    size_t count = count_symbols(elf);
    enum { HIDDEN = 0x8000 }; /* an older version of it, kept for older programs */
    for (size_t i = 0; i < count; i++)
        if (is_function(&elf->symbols[i]) && !(elf->versions && elf->versions[i] & HIDDEN) &&
            strcmp(elf->strings + elf->symbols[i].st_name, name) == 0)
            return (void *)(elf->base + elf->symbols[i].st_value);
    return NULL;
}
