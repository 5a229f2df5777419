/*
 * Tests of shim/libraries/elf.c: functions and their names; the loader's own know the answers.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/objects.h"

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
