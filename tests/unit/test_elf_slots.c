/*
 * Tests of shim/libraries/elf.c: the slots of imported functions, and what is protected.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/objects.h"

TestSuite(elf_slots, .init = read_objects);

struct search {
    const char *name;
    void **found[8];
    size_t count, others;
};

static void visit(const struct fp_elf_slot *slot, void *context)
{
    struct search *search = context;
    if (strcmp(slot->name, search->name) != 0)
        search->others++;
    else if (search->count < sizeof search->found / sizeof *search->found)
        search->found[search->count++] = slot->where;
}

static struct search find_slots(const struct fp_elf *elf, const char *name)
{
    struct search search = {.name = name};
    fp_elf_each_slot(elf, visit, &search);
    return search;
}

/* Three ways to import a function, each with a relocation of its own. */
static void *const constant[] = {(void *)getppid};
static void *volatile taken;

static void expect_slots(const char *name)
{
    const struct fp_elf *program = object_of((void *)own_function);
    struct search search = find_slots(program, name);
    cr_expect_gt(search.count, 0, "%s", name);
    cr_expect_gt(search.others, 0);
    for (size_t i = 0; i < search.count; i++) {
        cr_expect_eq(*search.found[i], dlsym(RTLD_DEFAULT, name), "%s", name);
        cr_expect_eq(object_of(search.found[i]), program, "%s", name);
    }
}

Test(elf_slots, the_slots_of_imported_functions_hold_their_addresses)
{
    expect_slots("getppid");
    cr_expect_eq(*find_slots(object_of(constant), "getppid").found[0], constant[0]);
    taken = (void *)getpgid;
    expect_slots("getpgid");
    cr_expect_gt(getpgrp(), 0, "a lazy slot is filled");
    expect_slots("getpgrp");
}

Test(elf_slots, nothing_else_is_a_slot)
{
    cr_expect_eq(find_slots(object_of((void *)own_function), "no_such_function").count, 0);
    cr_expect_eq(find_slots(libc(), "atoi").count, 0, "libc imports nothing of its own");
    cr_expect_eq(find_slots(libc(), "").count, 0, "relative addresses have no symbol");
}

#if defined(__x86_64__)
enum { CALLED = R_X86_64_JUMP_SLOT, TAKEN = R_X86_64_GLOB_DAT, CONSTANT = R_X86_64_64 };
enum { RELATIVE = R_X86_64_RELATIVE, OTHER = R_X86_64_TPOFF64 };
#else
enum { CALLED = R_AARCH64_JUMP_SLOT, TAKEN = R_AARCH64_GLOB_DAT, CONSTANT = R_AARCH64_ABS64 };
enum { RELATIVE = R_AARCH64_RELATIVE, OTHER = R_AARCH64_TLS_TPREL64 };
#endif

static char visited[32];
static size_t visited_count;

static void note_visit(const struct fp_elf_slot *slot, void *base)
{
    cr_expect_eq((char *)slot->where - (char *)base, 8 * (slot->name[0] - 'a'), "%s", slot->name);
    visited[visited_count++] = slot->name[0];
}

Test(elf_slots, slots_are_told_by_their_kind_and_by_symbols_that_others_define)
{
    static _Alignas(8) char base[256];
    enum { OWN = 1, FOREIGN };
    const struct {
        unsigned kind, symbol;
    } cases[] = {{CALLED, FOREIGN}, {TAKEN, FOREIGN},   {CONSTANT, FOREIGN}, {OTHER, FOREIGN},
                 {RELATIVE, 0},     {CALLED, OWN},      {TAKEN, OWN},        {CONSTANT, OWN},
                 {CONSTANT, 0},     {RELATIVE, FOREIGN}};
    enum { COUNT = sizeof cases / sizeof *cases };
    char strings[2 * COUNT]; /* names "a", "b", ... */
    ElfW(Sym) symbols[2 * COUNT + 1] = {{.st_shndx = SHN_UNDEF}};
    ElfW(Rela) relocations[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        strings[2 * i] = (char)('a' + i);
        strings[2 * i + 1] = '\0';
        symbols[1 + i] =
            (ElfW(Sym)){.st_name = 2 * i, .st_shndx = cases[i].symbol == OWN ? 1 : SHN_UNDEF};
        relocations[i] = (ElfW(Rela)){
            .r_offset = 8 * i, .r_info = ELF64_R_INFO(cases[i].symbol ? 1 + i : 0, cases[i].kind)};
    }
    ElfW(Phdr) segment = {.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_memsz = sizeof base};
    struct fp_elf elf = {.base = (uintptr_t)base,
                         .segments = &segment,
                         .segment_count = 1,
                         .symbols = symbols,
                         .strings = strings};
    fp_elf_each_slot(&elf, note_visit, base);
    cr_expect_eq(visited_count, 0);
    for (int table = 0; table < 2; table++) {
        memset(elf.relocations, 0, sizeof elf.relocations);
        elf.relocations[table] = relocations;
        elf.relocation_counts[table] = COUNT;
        visited_count = 0;
        fp_elf_each_slot(&elf, note_visit, base);
        cr_expect(visited_count == 3 && memcmp(visited, "abc", 3) == 0, "table %d: %.*s", table,
                  (int)visited_count, visited);
    }
    visited_count = 0;
    relocations[1].r_offset++; /* across two words */
    segment.p_memsz = 16;      /* the third lies behind the segment */
    fp_elf_each_slot(&elf, note_visit, base);
    cr_expect(visited_count == 1 && visited[0] == 'a', "%zu", visited_count);
    segment.p_flags = PF_R | PF_X; /* text relocations */
    fp_elf_each_slot(&elf, note_visit, base);
    cr_expect_eq(visited_count, 1);
}

Test(elf_slots, a_slot_is_still_there_while_its_relocation_names_the_function)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE),
           around = 64U << 20; /* of which nothing can be read */
    char *memory = mmap(NULL, around, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_eq(mprotect(memory, page, PROT_READ | PROT_WRITE), 0);
    uintptr_t base = (uintptr_t)memory;
    ElfW(Rela) *relocation = (ElfW(Rela) *)memory;
    ElfW(Sym) *symbols = (ElfW(Sym) *)(memory + 64);
    char *strings = memory + page - sizeof "fork"; /* nothing can be read behind the page */
    const struct fp_elf_slot slot = {(void **)(base + 512), "fork", relocation};
    *relocation = (ElfW(Rela)){.r_offset = 512, .r_info = ELF64_R_INFO(1, CALLED)};
    strcpy(strings, "fork");
    cr_expect(fp_elf_is_still_slot(base, symbols, strings, &slot));
    relocation->r_offset = 520;
    cr_expect_not(fp_elf_is_still_slot(base, symbols, strings, &slot), "of another place");
    relocation->r_offset = 512;
    strings[3] = 'd';
    cr_expect_not(fp_elf_is_still_slot(base, symbols, strings, &slot), "of another function");
    symbols[1].st_name = 2;
    cr_expect_not(fp_elf_is_still_slot(base, symbols, strings, &slot), "its name has no end here");
    relocation->r_info = ELF64_R_INFO(1U << 20, CALLED);
    cr_expect_not(fp_elf_is_still_slot(base, symbols, strings, &slot), "its symbol is nowhere");
    munmap(memory, around);
    cr_expect_not(fp_elf_is_still_slot(base, symbols, strings, &slot), "nothing is there");
}

/* As the kernel has it, from /proc/self/maps. */
static bool is_writable(const void *address)
{
    char line[512], rights[5];
    unsigned long start, end;
    bool writable = false, found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3 &&
            (uintptr_t)address - start < end - start) {
            found = true;
            writable = rights[1] == 'w';
        }
    fclose(maps);
    cr_assert(found, "%p", address);
    return writable;
}

struct pages {
    const struct fp_elf *elf;
    const void *last; /* the page that was looked up */
    size_t protected, writable;
};

static void check_page(const struct fp_elf_slot *slot, void *context)
{
    struct pages *pages = context;
    void **where = slot->where;
    const void *page = (void *)((uintptr_t)where & -(uintptr_t)sysconf(_SC_PAGESIZE));
    if (page == pages->last)
        return;
    pages->last = page;
    bool writable = is_writable(where);
    cr_expect_eq(fp_elf_is_protected(pages->elf, where), !writable, "%s at %p", slot->name,
                 (void *)where);
    cr_expect(fp_probe_read(where));
    cr_expect_eq(fp_probe_write(where), writable);
    pages->writable += writable;
    pages->protected += !writable;
}

Test(elf_slots, what_it_calls_protected_is_read_only_and_nothing_else_is)
{
    struct pages pages = {.last = NULL};
    for (size_t i = 0; i < object_count; i++) {
        pages.elf = &objects[i].elf;
        fp_elf_each_slot(pages.elf, check_page, &pages);
    }
    cr_expect_gt(pages.protected, 0);
    cr_expect_not(fp_elf_is_protected(libc(), &object_count));
}

Test(elf_slots, the_loader_protects_whole_pages_from_the_first_one_to_the_last_full_one)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *base = (char *)(16 * page);
    ElfW(Phdr) segment = {.p_type = PT_GNU_RELRO, .p_vaddr = page + 64, .p_memsz = 2 * page};
    struct dl_phdr_info info = {
        .dlpi_addr = (uintptr_t)base, .dlpi_phdr = &segment, .dlpi_phnum = 1};
    struct fp_elf elf;
    fp_elf_read(&elf, &info);
    cr_expect_not(fp_elf_is_protected(&elf, base + page - 1));
    cr_expect(fp_elf_is_protected(&elf, base + page));
    cr_expect(fp_elf_is_protected(&elf, base + 3 * page - 1));
    cr_expect_not(fp_elf_is_protected(&elf, base + 3 * page));
    segment.p_memsz = 0;
    fp_elf_read(&elf, &info);
    cr_expect_not(fp_elf_is_protected(&elf, base + page + 64));
}

Test(elf_slots, without_a_dynamic_section_that_can_be_read_there_is_nothing)
{
    struct fp_elf elf;
    static char library[4096];
    ElfW(Dyn) dynamic[] = {{.d_tag = DT_SYMTAB}, {.d_tag = DT_STRTAB}, {.d_tag = DT_NULL}};
    ElfW(Phdr)
        segments[] = {{.p_type = PT_LOAD, .p_memsz = sizeof library},
                      {.p_type = PT_DYNAMIC, .p_vaddr = (uintptr_t)dynamic - (uintptr_t)library}};
    struct dl_phdr_info info = {
        .dlpi_addr = (uintptr_t)library, .dlpi_phdr = segments, .dlpi_phnum = 1};
    cr_expect_not(fp_elf_read(&elf, &info), "no dynamic section");
    info.dlpi_phnum = 2;
    dynamic[0].d_un.d_ptr = (uintptr_t)library + 8;
    dynamic[1].d_un.d_ptr = (uintptr_t)library + 16;
    cr_expect(fp_elf_read(&elf, &info));
    cr_expect_eq((uintptr_t)elf.symbols, (uintptr_t)library + 8);
    cr_expect_str_eq(fp_elf_soname(&elf), "");
    dynamic[0].d_un.d_ptr = 8;
    cr_expect_not(fp_elf_read(&elf, &info), "offsets in the file that nobody made addresses");
    dynamic[0].d_un.d_ptr = (uintptr_t)library + 8;
    dynamic[1].d_un.d_ptr = (uintptr_t)library + sizeof library;
    cr_expect_not(fp_elf_read(&elf, &info), "behind the last of its mappings");
    dynamic[1].d_tag = DT_DEBUG;
    cr_expect_not(fp_elf_read(&elf, &info), "no strings");
    dynamic[0].d_tag = DT_DEBUG;
    cr_expect_not(fp_elf_read(&elf, &info), "no symbols");
}
