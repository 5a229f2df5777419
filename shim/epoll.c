/* See epoll.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/epoll.h"

#include "common/files.h"
#include "common/large.h"
#include "policy/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char FILES[] = "/proc/self/fd";

/* One line of /proc/self/fdinfo of an epoll instance:
   "tfd:        5 events:       19 data:                5  pos:0 ino:9f3 sdev:9" */
struct watch {
    int file;
    struct epoll_event event;
    uint64_t inode, device;
};

static const char *number_after(const char *at, const char *key, unsigned base, uint64_t *number)
{
    *number = 0;
    at = at ? strstr(at, key) : NULL;
    if (!at)
        return NULL;
    for (at += strlen(key); *at == ' '; at++)
        ;
    for (;; at++) {
        unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                         : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
                                                    : base;
        if (digit >= base)
            return at;
        *number = *number * base + digit;
    }
}

static bool read_watch(const char *line, struct watch *watch)
{
    uint64_t file, events, data;
    const char *at = number_after(line, "tfd:", 10, &file);
    at = number_after(at, "events:", 16, &events);
    at = number_after(at, "data:", 16, &data);
    at = number_after(at, "ino:", 16, &watch->inode);
    at = number_after(at, "sdev:", 16, &watch->device);
    watch->file = (int)file;
    watch->event = (struct epoll_event){.events = (uint32_t)events, .data.u64 = data};
    return at;
}

/* The number may have been closed and given to another file, whose events nobody asked for. */
static bool is_still_that_file(const struct watch *watch)
{
    struct stat status;
    /* The kernel's own numbering of devices: 20 bits of minor number. */
    return fstat(watch->file, &status) == 0 && status.st_ino == watch->inode &&
           ((uint64_t)major(status.st_dev) << 20 | minor(status.st_dev)) == watch->device;
}

static void copy_line(const char *line, int copy)
{
    struct watch watch;
    if (read_watch(line, &watch) && is_still_that_file(&watch))
        epoll_ctl(copy, EPOLL_CTL_ADD, watch.file, &watch.event);
}

FP_LARGE static char buffer[4096];

/* Line by line: there may be thousands of watches. */
static void copy_watches(int information, int copy)
{
    size_t kept = 0;
    ssize_t got;
    while ((got = read(information, buffer + kept, sizeof buffer - 1 - kept)) > 0) {
        char *line = buffer, *end;
        kept += (size_t)got;
        buffer[kept] = '\0';
        while ((end = memchr(line, '\n', kept - (size_t)(line - buffer)))) {
            *end = '\0';
            copy_line(line, copy);
            line = end + 1;
        }
        kept -= (size_t)(line - buffer);
        memmove(buffer, line, kept);
    }
}

static void replace(int instance)
{
    char path[40];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/fdinfo/%d", instance);
    int information = open(path, O_RDONLY | O_CLOEXEC);
    int copy = information < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (copy >= 0) {
        int flags = fcntl(instance, F_GETFD);
        copy_watches(information, copy);
        dup3(copy, instance, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
        close(copy);
    }
    if (information >= 0)
        close(information);
}

static bool visit_file(const char *name, void *context)
{
    static const char EPOLL[] = "anon_inode:[eventpoll]";
    char link[sizeof EPOLL];
    int folder = *(int *)context, number = 0;
    if (readlinkat(folder, name, link, sizeof link) != sizeof EPOLL - 1 ||
        memcmp(link, EPOLL, sizeof EPOLL - 1) != 0)
        return true;
    for (; *name >= '0' && *name <= '9'; name++)
        number = number * 10 + (*name - '0');
    replace(number);
    return true;
}

void fp_epoll_unshare(void)
{
    int saved = errno;
    int folder = open(FILES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        fp_folder_each(folder, visit_file, &folder);
        close(folder);
    }
    errno = saved;
}
