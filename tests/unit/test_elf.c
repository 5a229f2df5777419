/*
 * Tests of shim/elf.c, on this program and the libraries that it has loaded; the loader's own
 * functions know the answers. SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/elf.h"

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
    cr_expect_null(fp_elf_function(program, "atoi"), "that it calls it does not make it its own");
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

static const struct {
    const char *name;
    void *function;
} IMPORTED[] = {{"getppid", (void *)getppid}, {"atoi", (void *)atoi}};

struct search {
    const char *name;
    void **found[8];
    size_t count, others;
};

static void visit(void **where, const char *name, void *context)
{
    struct search *search = context;
    if (strcmp(name, search->name) != 0)
        search->others++;
    else if (search->count < sizeof search->found / sizeof *search->found)
        search->found[search->count++] = where;
}

static struct search find_slots(const struct fp_elf *elf, const char *name)
{
    struct search search = {.name = name};
    fp_elf_each_slot(elf, visit, &search);
    return search;
}

Test(elf, the_slots_of_an_imported_function_hold_its_address)
{
    const struct fp_elf *program = object_of((void *)own_function);
    cr_expect_eq(getppid(), getppid(), "a lazy slot is filled");
    for (size_t i = 0; i < sizeof IMPORTED / sizeof *IMPORTED; i++) {
        struct search search = find_slots(program, IMPORTED[i].name);
        cr_assert_gt(search.count, 0, "%s", IMPORTED[i].name);
        cr_expect_gt(search.others, 0);
        bool constant = false; /* the slot in IMPORTED itself is one of them */
        for (size_t nth = 0; nth < search.count; nth++) {
            cr_expect_eq(*search.found[nth], dlsym(RTLD_DEFAULT, IMPORTED[i].name));
            cr_expect_eq(object_of(search.found[nth]), program);
            constant |= search.found[nth] == (void **)&IMPORTED[i].function;
        }
        cr_expect(constant);
    }
}

Test(elf, neither_a_librarys_own_functions_nor_data_in_it_are_slots)
{
    cr_expect_eq(find_slots(object_of((void *)own_function), "no_such_function").count, 0);
    cr_expect_eq(find_slots(libc(), "atoi").count, 0, "libc imports nothing of its own");
    cr_expect_eq(find_slots(libc(), "").count, 0, "relative addresses have no symbol");
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

static void check_page(void **where, const char *name, void *context)
{
    struct pages *pages = context;
    const void *page = (void *)((uintptr_t)where & -(uintptr_t)sysconf(_SC_PAGESIZE));
    if (page == pages->last)
        return;
    pages->last = page;
    bool writable = is_writable(where);
    cr_expect_eq(fp_elf_is_protected(pages->elf, where), !writable, "%s at %p", name,
                 (void *)where);
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
