/* See built.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/built.h"

#include "common/files.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { HEAD = 4096 }; /* linkers put notes behind the program headers, which come first */

struct head {
    char bytes[HEAD + 1];
    size_t length;
};

/* False where that part is not whole. */
static bool copy(const struct head *head, uint64_t offset, void *to, size_t size)
{
    if (offset > head->length || size > head->length - offset)
        return false;
    memcpy(to, head->bytes + offset, size);
    return true;
}

/* Sizes are rounded up to four bytes, what they count is not. */
static uint64_t padded(uint64_t size)
{
    return (size + 3) & ~(uint64_t)3;
}

static bool has_go_note(const struct head *head, const ElfW(Phdr) * segment)
{
    static const char GO[] = "Go\0"; /* its name is four bytes long */
    uint64_t at = segment->p_offset, end = at + segment->p_filesz;
    ElfW(Nhdr) note;
    char name[sizeof GO];
    while (at < end && copy(head, at, &note, sizeof note)) {
        if (note.n_namesz == sizeof name && copy(head, at + sizeof note, name, sizeof name) &&
            memcmp(name, GO, sizeof GO) == 0)
            return true;
        at += sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
    }
    return false;
}

const char *fp_library_built_with(const char *path)
{
    struct head head;
    ElfW(Ehdr) file;
    ElfW(Phdr) segment;
    ssize_t length = fp_file_read(path, head.bytes, sizeof head.bytes);
    head.length = length > 0 ? (size_t)length : 0;
    if (!copy(&head, 0, &file, sizeof file) || memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
        return "";
    for (unsigned i = 0; i < file.e_phnum; i++)
        if (copy(&head, file.e_phoff + i * sizeof segment, &segment, sizeof segment) &&
            segment.p_type == PT_NOTE && has_go_note(&head, &segment))
            return "Go";
    return "";
}
