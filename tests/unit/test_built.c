/* Tests of common/built.c, on files made here. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/built.h"

/* A library with two notes, one behind the other, as linkers write them. */
struct library {
    ElfW(Ehdr) file;
    ElfW(Phdr) segments[2];
    ElfW(Nhdr) first;
    char first_name[4], first_text[8];
    ElfW(Nhdr) second;
    char second_name[4], second_text[4];
};

static struct library library;

static void make(void)
{
    memset(&library, 0, sizeof library);
    memcpy(library.file.e_ident, ELFMAG, SELFMAG);
    library.file.e_phoff = offsetof(struct library, segments);
    library.file.e_phnum = 2;
    library.segments[0].p_type = PT_LOAD;
    library.segments[1].p_type = PT_NOTE;
    library.segments[1].p_offset = offsetof(struct library, first);
    library.segments[1].p_filesz = sizeof library - offsetof(struct library, first);
    library.first = (ElfW(Nhdr)){.n_namesz = 4, .n_descsz = 5, .n_type = 3};
    memcpy(library.first_name, "GNU", 4);
    library.second = (ElfW(Nhdr)){.n_namesz = 4, .n_descsz = 4, .n_type = 4};
    memcpy(library.second_name, "Go\0", 4);
}

TestSuite(built, .init = make);

static const char *built_with(size_t size)
{
    char path[] = "/tmp/forkpolicy-built-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, &library, size) == (ssize_t)size);
    const char *found = fp_library_built_with(path);
    close(file);
    unlink(path);
    return found;
}

Test(built, a_note_of_go_anywhere_in_the_segment)
{
    cr_assert_str_eq(built_with(sizeof library), "Go");
}

Test(built, other_libraries_and_what_is_none)
{
    memcpy(library.second_name, "Gox", 4);
    cr_assert_str_empty(built_with(sizeof library));
    make();
    library.segments[1].p_type = PT_LOAD;
    cr_assert_str_empty(built_with(sizeof library));
    make();
    library.file.e_ident[0] = '#';
    cr_assert_str_empty(built_with(sizeof library));
    cr_assert_str_empty(fp_library_built_with("/nowhere"));
    cr_assert_str_empty(fp_library_built_with("/proc/self/exe"));
}

Test(built, what_is_cut_or_lies_is_not_believed)
{
    make();
    for (size_t size = 0; size < offsetof(struct library, second_text); size++)
        cr_assert_str_empty(built_with(size), "%zu bytes", size);
    library.first.n_descsz = UINT32_MAX;
    cr_assert_str_empty(built_with(sizeof library));
    make();
    library.segments[1].p_offset = UINT64_MAX - 8;
    cr_assert_str_empty(built_with(sizeof library));
    make();
    library.file.e_phoff = UINT64_MAX - 8;
    library.file.e_phnum = UINT16_MAX;
    cr_assert_str_empty(built_with(sizeof library));
}
