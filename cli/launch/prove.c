/*
 * The proof that a preload takes. ld.so ignores what it cannot preload and goes on, and a static
 * or setuid program never asks it; so the program's own loader is asked first, in the mode in
 * which it lists what it would load and runs nothing. See launch.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/launch/launch.h"

#include "cli/base/say.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SCRIPTS_DEEP = 4, HEAD_SIZE = 4096 };

static int refuse(const char *program, const char *why)
{
    fp_cli_say("%s: %s", program, why);
    return FP_EXIT_NO_PRELOAD;
}

/* The loader that an ELF program names, copied into `loader`; an error text, or NULL. */
static const char *find_loader(const char *head, ssize_t length, char loader[PATH_MAX])
{
    const ElfW(Ehdr) *elf = (const void *)head;
    if (length < (ssize_t)sizeof *elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
        return "is neither an ELF program nor a script with #!";
    if (elf->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return "is a program for another word size: the shim cannot be loaded into it";
    for (size_t i = 0; i < elf->e_phnum; i++) {
        size_t at = elf->e_phoff + i * elf->e_phentsize;
        ElfW(Phdr) segment;
        if (at + sizeof segment > (size_t)length)
            break;
        memcpy(&segment, head + at, sizeof segment);
        if (segment.p_type != PT_INTERP)
            continue;
        if (segment.p_offset + segment.p_filesz > (size_t)length || segment.p_filesz > PATH_MAX ||
            !segment.p_filesz)
            return "names its loader where it cannot be read";
        memcpy(loader, head + segment.p_offset, segment.p_filesz);
        loader[segment.p_filesz - 1] = '\0';
        return NULL;
    }
    return "is linked statically: nothing can be preloaded into it";
}

/* Runs "LOADER --list PROGRAM" with the preload set; its output in `list`. */
static bool ask_loader(const char *loader, const char *program, char *list, size_t size)
{
    int ends[2];
    char *preload = fp_cli_preload(false);
    if (!preload || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        setenv("LD_PRELOAD", preload, 1);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(loader, loader, "--list", program, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(ends[0], list + length, size - 1 - length)) > 0)
        length += (size_t)got;
    list[length] = '\0';
    close(ends[0]);
    free(preload);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

static int prove_elf(const char *program, const char *head, ssize_t length)
{
    static char list[1 << 20];
    char loader[PATH_MAX];
    const char *library = fp_cli_library();
    const char *wrong = find_loader(head, length, loader);
    if (wrong)
        return refuse(program, wrong);
    if (!library)
        return FP_EXIT_NO_PRELOAD;
    if (strpbrk(library, " :"))
        return refuse(library,
                      "ld.so splits LD_PRELOAD at spaces and colons: move the library to a "
                      "path without");
    if (!ask_loader(loader, program, list, sizeof list))
        return refuse(program, "its loader could not be asked");
    /* "\tLIBRARY (0x7f...)". Others of LD_PRELOAD may be missing: the loader says so to the job. */
    char loaded[PATH_MAX + 8];
    snprintf(loaded, sizeof loaded, "\t%s (0x", library);
    if (strstr(list, loaded))
        return 0;
    /* The loader's own words say most. */
    fp_cli_say("%s: its loader %s would not preload %s:\n%s", program, loader, library, list);
    return FP_EXIT_NO_PRELOAD;
}

static bool drops_preloads(const char *program)
{
    struct stat status;
    if (stat(program, &status) == 0 && status.st_mode & (S_ISUID | S_ISGID))
        return true;
    return getxattr(program, "security.capability", NULL, 0) > 0;
}

/* A script is run by what its first line names, and env(1) there by what follows it. */
static int prove_script(char *line, int depth);

static int prove_file(const char *program, int depth)
{
    _Alignas(ElfW(Ehdr)) char head[HEAD_SIZE + 1];
    int file = open(program, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return refuse(program, "cannot be read, so that nothing can be said of its loader");
    ssize_t length = read(file, head, HEAD_SIZE);
    close(file);
    head[length > 0 ? length : 0] = '\0';
    if (length > 2 && head[0] == '#' && head[1] == '!') {
        if (depth == SCRIPTS_DEEP)
            return refuse(program, "is a script run by a script run by a script");
        head[strcspn(head, "\n")] = '\0';
        return prove_script(head + 2, depth);
    }
    if (drops_preloads(program))
        return refuse(program,
                      "is setuid, setgid or has capabilities: the loader drops LD_PRELOAD");
    return prove_elf(program, head, length);
}

static int prove_script(char *line, int depth)
{
    char *rest = line, *interpreter = strsep(&rest, " \t");
    while (interpreter && !*interpreter)
        interpreter = strsep(&rest, " \t");
    if (!interpreter)
        return refuse(line, "a script whose #! line names nothing");
    int status = prove_file(interpreter, depth + 1);
    const char *base = strrchr(interpreter, '/');
    if (status || strcmp(base ? base + 1 : interpreter, "env") != 0)
        return status;
    char *command;
    while ((command = strsep(&rest, " \t")) &&
           (!*command || *command == '-' || strchr(command, '=')))
        ;
    char *path;
    if (!command || fp_cli_find(command, &path) != 0)
        return status;
    status = prove_file(path, depth + 1);
    free(path);
    return status;
}

int fp_cli_prove(const char *program)
{
    return prove_file(program, 0);
}
