/*
 * Tests of shim/libraries/elf.c, on this program and the libraries that it has loaded; the loader's
 * own functions know the answers. SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
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

static int add_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    cr_assert_lt(object_count, OBJECTS_MAX);
    if (fp_elf_read(&objects[object_count].elf, info))
        snprintf(objects[object_count++].name, sizeof objects->name, "%s", info->dlpi_name);
    return 0;
}

static void read_objects(void)
{
    object_count = 0;
    dl_iterate_phdr(add_object, NULL);
    cr_assert_gt(object_count, 3);
}

/* The one that holds an address. */
static const struct fp_elf *object_of(const void *address)
{
    const struct fp_elf *found = NULL;
    for (size_t i = 0; i < object_count; i++)
        if ((uintptr_t)address - objects[i].elf.start < objects[i].elf.end - objects[i].elf.start)
            found = &objects[i].elf;
    cr_assert(found, "nothing holds %p", address);
    return found;
}

/* By libc's own handle: a sanitizer has functions of the same names. */
static char *libc_address(const char *name)
{
    char *address = dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name);
    cr_assert(address, "%s", name);
    return address;
}

static const struct fp_elf *libc(void)
{
    return object_of(libc_address("atoi"));
}

static int own_function(int number)
{
    return number + 1;
}

TestSuite(elf, .init = read_objects);

Test(elf, each_object_is_where_the_loader_put_it_under_its_own_name)
{
    cr_expect_str_eq(fp_elf_soname(libc()), "libc.so.6");
    cr_expect_str_eq(fp_elf_soname(object_of((void *)own_function)), "", "a program has none");
    for (size_t i = 0; i < object_count; i++) {
        Dl_info info;
        const struct fp_elf *elf = &objects[i].elf;
        cr_assert(dladdr((void *)elf->start, &info), "%s", objects[i].name);
        cr_expect_eq((uintptr_t)info.dli_fbase, elf->start, "%s", objects[i].name);
        cr_expect(!*objects[i].name || strcmp(info.dli_fname, objects[i].name) == 0);
        cr_expect_lt(elf->start, elf->end);
        for (size_t other = 0; other < i; other++)
            cr_expect(objects[other].elf.end <= elf->start || elf->end <= objects[other].elf.start);
    }
}

Test(elf, a_function_of_libc_is_found_by_name)
{
    cr_expect_eq(fp_elf_function(libc(), "atoi"), libc_address("atoi"));
    cr_expect_eq(fp_elf_function(libc(), "getppid"), libc_address("getppid"));
    int (*found)(const char *);
    *(void **)&found = fp_elf_function(libc(), "atoi");
    cr_expect_eq(found("42"), 42);
}

Test(elf, what_is_no_function_or_not_there_is_not_found_nor_part_of_a_name)
{
    static const char *const NAMES[] = {"",        "ato",    "atoix",
                                        "environ", "stdout", "no_such_function"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        cr_expect_null(fp_elf_function(libc(), NAMES[i]), "%s", NAMES[i]);
    const struct fp_elf *program = object_of((void *)own_function);
    cr_expect_eq(getppid(), getppid());
    cr_expect_null(fp_elf_function(program, "getppid"), "a call does not make it its own");
    cr_expect_null(fp_elf_function(program, "own_function"), "it is not exported");
}

/* What such a symbol holds is the function that chooses one, not the one that was chosen. */
Test(elf, an_indirect_function_is_not_taken_for_a_plain_one)
{
    void *found = fp_elf_function(libc(), "strlen");
    cr_expect(!found || found == libc_address("strlen"));
}

Test(elf, an_address_in_a_function_has_its_name_and_its_offset)
{
    unsigned long offset = 99;
    char *start = libc_address("atoi");
    for (unsigned long at = 0; at < 4; at++) {
        cr_expect_str_eq(fp_elf_symbol(libc(), (uintptr_t)start + at, &offset), "atoi");
        cr_expect_eq(offset, at);
    }
}

Test(elf, a_function_ends_where_its_size_says_not_where_the_next_one_begins)
{
    static const char *const NAMES[] = {"atoi", "getppid", "qsort", "abort", "setlocale", "rand"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        Dl_info info;
        const ElfW(Sym) * symbol;
        unsigned long offset;
        char *start = libc_address(NAMES[i]);
        cr_assert(dladdr1(start, &info, (void **)&symbol, RTLD_DL_SYMENT));
        size_t size = symbol->st_size;
        cr_assert(size > 1 && info.dli_saddr == start, "%s", NAMES[i]);
        const char *name = fp_elf_symbol(libc(), (uintptr_t)start + size - 1, &offset);
        cr_expect_eq(offset, size - 1, "%s", NAMES[i]);
        cr_expect_eq(fp_elf_function(libc(), name), start, "%s, or another name of it", NAMES[i]);
        if (*fp_elf_symbol(libc(), (uintptr_t)start + size, &offset))
            cr_expect_eq(offset, 0, "behind %s the next one begins", NAMES[i]);
        else
            cr_expect_eq(offset, (uintptr_t)start + size - libc()->base, "%s", NAMES[i]);
    }
}

/* What the file on the disk says, whose symbols are counted; how many old versions are hidden. */
static size_t check_functions_of(const struct fp_elf *elf, const char *path)
{
    static char file[8 << 20];
    FILE *stream = fopen(path, "r");
    cr_assert(stream, "%s", path);
    size_t size = fread(file, 1, sizeof file, stream), checked = 0, hidden = 0;
    fclose(stream);
    const ElfW(Ehdr) *header = (void *)file;
    const ElfW(Shdr) *sections = (void *)(file + header->e_shoff);
    cr_assert(size < sizeof file && header->e_shoff < size, "%s", path);
    for (size_t i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNSYM)
            continue;
        const ElfW(Sym) *symbols = (void *)(file + sections[i].sh_offset);
        const char *strings = file + sections[sections[i].sh_link].sh_offset;
        const ElfW(Half) *versions = NULL;
        for (size_t other = 0; other < header->e_shnum; other++)
            if (sections[other].sh_type == SHT_GNU_versym)
                versions = (void *)(file + sections[other].sh_offset);
        for (size_t nth = 0; nth < sections[i].sh_size / sizeof *symbols; nth++) {
            unsigned long offset = 1;
            const ElfW(Sym) *symbol = &symbols[nth];
            const char *name = strings + symbol->st_name;
            if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC)
                continue;
            checked++;
            char *found = fp_elf_function(elf, name), *own = (char *)elf->base + symbol->st_value;
            if (!versions || !(versions[nth] & 0x8000))
                cr_expect_eq(found, own, "%s in %s", name, path);
            else
                hidden += found != own;
            if (symbol->st_size)
                cr_expect(*fp_elf_symbol(elf, elf->base + symbol->st_value, &offset) && !offset,
                          "%s in %s", name, path);
        }
    }
    cr_expect_gt(checked, 0, "%s", path);
    return hidden;
}

Test(elf, every_exported_function_is_found_the_last_one_too, .timeout = 60)
{
    static const char *const NAMES[] = {"/libc.so.", "/libm.so.", "/libcriterion.so.", "/ld-linux"};
    size_t found = 0, hidden = 0;
    for (size_t i = 0; i < object_count; i++)
        for (size_t name = 0; name < sizeof NAMES / sizeof *NAMES; name++)
            if (strstr(objects[i].name, NAMES[name])) {
                hidden += check_functions_of(&objects[i].elf, objects[i].name);
                found++;
            }
    cr_expect_gt(found, 2);
    cr_expect_gt(hidden, 0, "libc keeps older versions");
}

Test(elf, a_hidden_version_is_passed_over_wherever_it_stands)
{
    enum { OLD = 64, NEW = 128, HIDDEN = 0x8000 };
    static const uint32_t HASH[] = {1, 1, 1, 0, 0, 0, 1, 0, 0, 1}; /* symbols 1 to 3 */
    static const char STRINGS[] = "\0f\0g";
    const struct {
        ElfW(Half) versions[4];
        uintptr_t found;
    } cases[] = {{{0, 2, 3, 1}, OLD},
                 {{0, 2 | HIDDEN, 3, 1}, NEW},
                 {{0, 2, 3 | HIDDEN, 1}, OLD},
                 {{0, 2 | HIDDEN, 3 | HIDDEN, 1}, 0},
                 {{HIDDEN, 2 | HIDDEN, 0x7fff, HIDDEN}, NEW}};
    ElfW(Sym) symbols[4] = {{.st_shndx = SHN_UNDEF}};
    for (unsigned i = 1; i < 4; i++)
        symbols[i] = (ElfW(Sym)){.st_name = i < 3 ? 1 : 3,
                                 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                 .st_shndx = 1,
                                 .st_value = 64 * i,
                                 .st_size = 64};
    struct fp_elf elf = {.base = 4096, .symbols = symbols, .strings = STRINGS, .gnu_hash = HASH};
    cr_expect_eq((uintptr_t)fp_elf_function(&elf, "f"), 4096 + OLD, "without versions");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uintptr_t want = cases[i].found ? 4096 + cases[i].found : 0;
        unsigned long offset;
        elf.versions = cases[i].versions;
        cr_expect_eq((uintptr_t)fp_elf_function(&elf, "f"), want, "case %zu", i);
        cr_expect_str_eq(fp_elf_symbol(&elf, 4096 + OLD + 7, &offset), "f", "it has its name");
        cr_expect_eq(offset, 7);
        cr_expect_eq(!fp_elf_function(&elf, "g"), cases[i].versions[3] == HIDDEN, "case %zu", i);
    }
}

static void expect_no_symbol(const void *address)
{
    unsigned long offset = 0;
    const struct fp_elf *elf = object_of(address);
    cr_expect_str_eq(fp_elf_symbol(elf, (uintptr_t)address, &offset), "");
    cr_expect_eq(offset, (uintptr_t)address - elf->base);
}

Test(elf, an_address_in_no_exported_function_has_its_offset_in_the_library)
{
    expect_no_symbol((void *)libc()->start);
    expect_no_symbol((char *)libc()->start + 17);
    expect_no_symbol(libc_address("environ"));
    expect_no_symbol((void *)own_function);
    expect_no_symbol((char *)own_function + own_function(0));
}

Test(elf, without_a_hash_table_nothing_is_known_of_its_functions)
{
    unsigned long offset;
    struct fp_elf elf = *libc();
    uintptr_t address = (uintptr_t)libc_address("atoi");
    elf.gnu_hash = NULL;
    cr_expect_null(fp_elf_function(&elf, "atoi"));
    cr_expect_str_eq(fp_elf_symbol(&elf, address, &offset), "");
    cr_expect_eq(offset, address - elf.base);
    /* One bucket, one word of the filter, and no symbol behind the first. */
    static const uint32_t EMPTY[] = {1, 1, 1, 0, 0, 0, 0};
    elf.gnu_hash = EMPTY;
    cr_expect_null(fp_elf_function(&elf, "atoi"));
}

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

Test(elf, the_slots_of_imported_functions_hold_their_addresses)
{
    expect_slots("getppid");
    cr_expect_eq(*find_slots(object_of(constant), "getppid").found[0], constant[0]);
    taken = (void *)getpgid;
    expect_slots("getpgid");
    cr_expect_gt(getpgrp(), 0, "a lazy slot is filled");
    expect_slots("getpgrp");
}

Test(elf, nothing_else_is_a_slot)
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

Test(elf, slots_are_told_by_their_kind_and_by_symbols_that_others_define)
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

Test(elf, a_slot_is_still_there_while_its_relocation_names_the_function)
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

Test(elf, what_it_calls_protected_is_read_only_and_nothing_else_is)
{
    struct pages pages = {.last = NULL};
    for (size_t i = 0; i < object_count; i++) {
        pages.elf = &objects[i].elf;
        fp_elf_each_slot(pages.elf, check_page, &pages);
    }
    cr_expect_gt(pages.protected, 0);
    cr_expect_not(fp_elf_is_protected(libc(), &object_count));
}

Test(elf, the_loader_protects_whole_pages_from_the_first_one_to_the_last_full_one)
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

Test(elf, without_a_dynamic_section_that_can_be_read_there_is_nothing)
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
