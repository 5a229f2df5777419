/* See files.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/files.h"

#include "policy/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By system calls: open, read and close end a thread that is cancelled, also in the midst of a wait
   that does not. */
int fp_file_open(int folder, const char *path, int flags)
{
    return (int)syscall(SYS_openat, folder, path, flags | O_CLOEXEC);
}

void fp_file_close(int file)
{
    syscall(SYS_close, file);
}

size_t fp_read_all(int file, char *buffer, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = syscall(SYS_read, file, buffer + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    return length;
}

ssize_t fp_file_read(const char *path, char *buffer, size_t size)
{
    return fp_file_read_with(path, buffer, size, O_NONBLOCK);
}

ssize_t fp_file_read_with(const char *path, char *buffer, size_t size, int flags)
{
    int file = fp_file_open(AT_FDCWD, path, O_RDONLY | flags);
    if (file < 0)
        return -1;
    size_t length = fp_read_all(file, buffer, size - 1);
    fp_file_close(file);
    buffer[length] = '\0';
    return (ssize_t)length;
}

bool fp_file_real_path(const char *path, char *buffer, size_t size)
{
    int file = fp_file_open(AT_FDCWD, path, O_PATH);
    if (file < 0)
        return false;
    char link[40];
    struct fp_text name = FP_TEXT(link);
    fp_text_format(&name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, buffer, size - 1);
    fp_file_close(file);
    if (length <= 0)
        return false;
    buffer[length] = '\0';
    return buffer[0] == '/';
}

/* What getdents64 fills in; the kernel's layout (glibc has no public name before 2.30). */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

void fp_folder_each(int folder, bool (*visit)(const char *name, void *context), void *context)
{
    _Alignas(struct entry) char buffer[1024]; /* on the host's stack; an entry takes 280 at most */
    long got;
    while ((got = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
            if (!visit(entry->name, context))
                return;
            at += entry->length;
        }
    }
}

bool fp_file_contains(int folder, const char *path, const char *needle, size_t length)
{
    int file = fp_file_open(folder, path, O_RDONLY | O_NONBLOCK);
    if (file < 0)
        return false;
    struct stat status;
    bool found = false;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        /* Read, not mapped: a file that is cut while it is mapped would end the host (SIGBUS). */
        size_t size = (size_t)status.st_size;
        char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (text != MAP_FAILED) {
            size_t got = fp_read_all(file, text, size);
            found = memmem(text, got, needle, length) != NULL;
            munmap(text, size);
        }
    }
    fp_file_close(file);
    return found;
}
