/* See watches.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/watches.h"

#include "common/large.h"
#include "policy/text.h"
#include "shim/base/child_section.h"
#include "shim/base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One line of /proc/self/fdinfo of an epoll instance:
   "tfd:        5 events:       19 data:                5  pos:0 ino:9f3 sdev:9" */
FP_CHILD static bool read_watch(const char *line, struct fp_watch *watch)
{
    uint64_t file, events, data;
    const char *at = fp_number_after(line, "tfd:", 10, &file);
    at = fp_number_after(at, "events:", 16, &events);
    at = fp_number_after(at, "data:", 16, &data);
    at = fp_number_after(at, "ino:", 16, &watch->inode);
    at = fp_number_after(at, "sdev:", 16, &watch->device);
    watch->file = (int)file;
    watch->event = (struct epoll_event){.events = (uint32_t)events, .data.u64 = data};
    return at;
}

/* 0: the same open file, -1: the kernel doesn't say, with the reason in errno. */
FP_CHILD static long compare(int kind, int file, unsigned long other)
{
    pid_t self = getpid();
    return syscall(SYS_kcmp, self, self, kind, file, other);
}

FP_CHILD int fp_watches_differ(int file, int other)
{
    long order = compare(KCMP_FILE, file, (unsigned long)other);
    return order < 0 ? -1 : order != 0;
}

FP_CHILD bool fp_watches_file(int instance, int file)
{
    struct kcmp_epoll_slot slot = {.efd = (uint32_t)instance, .tfd = (uint32_t)file};
    long different;
    while ((different = compare(KCMP_EPOLL_TFD, file, (unsigned long)&slot)) > 0)
        slot.toff++;
    return different == 0 || errno != ENOENT;
}

FP_LARGE static char buffer[4096];

/* Line by line: there may be thousands of watches. */
FP_CHILD bool fp_watches_each(int instance, bool (*visit)(const struct fp_watch *, void *),
                              void *context)
{
    char path[40];
    struct fp_text text = FP_TEXT(path);
    struct fp_watch watch;
    size_t kept = 0;
    ssize_t got;
    bool goes_on = true;
    fp_text_format(&text, "/proc/self/fdinfo/%d", instance);
    int information = open(path, O_RDONLY | O_CLOEXEC);
    if (information < 0)
        return false;
    while (goes_on && (got = read(information, buffer + kept, sizeof buffer - 1 - kept)) > 0) {
        char *line = buffer, *end;
        kept += (size_t)got;
        buffer[kept] = '\0';
        while (goes_on && (end = memchr(line, '\n', kept - (size_t)(line - buffer)))) {
            *end = '\0';
            goes_on = !read_watch(line, &watch) || visit(&watch, context);
            line = end + 1;
        }
        kept -= (size_t)(line - buffer);
        memmove(buffer, line, kept);
    }
    close(information);
    return goes_on;
}
