/* See epoll.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/epoll.h"

#include "common/files.h"
#include "common/large.h"
#include "policy/text.h"
#include "shim/base/child_section.h"
#include "shim/reset/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

FP_CHILD static const char *number_after(const char *at, const char *key, unsigned base,
                                         uint64_t *number)
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

/* The numbers of the parent's instances, and which have been replaced. Those for which there is no
   room are replaced out of order. */
enum { INSTANCES_MAX = 512 };
FP_LARGE static struct instance {
    int number;
    bool replaced;
} instances[INSTANCES_MAX];
static unsigned count;

static bool is_instance(int file, bool replaced)
{
    for (unsigned i = 0; i < count; i++)
        if (instances[i].number == file)
            return instances[i].replaced == replaced;
    return false;
}

/* 0: the same open file, -1: the kernel doesn't say, with the reason in errno. */
static long compare(int kind, int file, unsigned long other)
{
    pid_t self = getpid();
    return syscall(SYS_kcmp, self, self, kind, file, other);
}

/* What the instance watches under that number. */
static bool is_watched_file(int instance, int file)
{
    struct kcmp_epoll_slot slot = {.efd = (uint32_t)instance, .tfd = (uint32_t)file};
    long different;
    while ((different = compare(KCMP_EPOLL_TFD, file, (unsigned long)&slot)) > 0)
        slot.toff++;
    return different == 0 || errno != ENOENT;
}

/* The number may have been closed and given to another file, whose events nobody asked for. All
   eventfds, timers and epoll instances have one inode. Who watched a connection that was severed
   must hear of its end. */
FP_CHILD static bool is_still_that_file(int instance, const struct watch *watch)
{
    struct stat status, anonymous;
    /* The kernel's own numbering of devices: 20 bits of minor number. */
    if (fstat(watch->file, &status) != 0)
        return false;
    if (fp_sockets_is_severed(&status))
        return true;
    if (status.st_ino != watch->inode ||
        ((uint64_t)major(status.st_dev) << 20 | minor(status.st_dev)) != watch->device)
        return false;
    return fstat(instance, &anonymous) != 0 || status.st_ino != anonymous.st_ino ||
           is_instance(watch->file, true) || is_watched_file(instance, watch->file);
}

FP_LARGE static char buffer[4096];

typedef bool each_watch(const struct watch *watch, int instance, int copy);

/* Line by line: there may be thousands of watches. False where `visit` says so once. */
FP_CHILD static bool for_each_watch(int instance, int copy, each_watch *visit)
{
    char path[40];
    struct fp_text text = FP_TEXT(path);
    struct watch watch;
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
            goes_on = !read_watch(line, &watch) || visit(&watch, instance, copy);
            line = end + 1;
        }
        kept -= (size_t)(line - buffer);
        memmove(buffer, line, kept);
    }
    close(information);
    return goes_on;
}

FP_CHILD static bool is_ready(const struct watch *watch, int instance, int copy)
{
    (void)instance, (void)copy;
    return !is_instance(watch->file, false);
}

FP_CHILD static bool add_watch(const struct watch *watch, int instance, int copy)
{
    struct epoll_event event = watch->event;
    if (is_still_that_file(instance, watch))
        epoll_ctl(copy, EPOLL_CTL_ADD, watch->file, &event);
    return true;
}

static void put(int copy, int number)
{
    dup3(copy, number, fcntl(number, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0);
}

/* With every other number that it has, before the last of them goes. */
FP_CHILD static void replace(int instance)
{
    int copy = epoll_create1(EPOLL_CLOEXEC);
    if (copy < 0)
        return;
    if (for_each_watch(instance, copy, add_watch)) {
        for (unsigned i = 0; i < count; i++)
            if (!instances[i].replaced &&
                compare(KCMP_FILE, instance, (unsigned long)instances[i].number) == 0) {
                put(copy, instances[i].number);
                instances[i].replaced = true;
            }
        put(copy, instance);
    }
    close(copy);
}

/* Whether it waited for none of the others. */
static bool replace_if_ready(unsigned which)
{
    int instance = instances[which].number;
    if (instances[which].replaced || !for_each_watch(instance, -1, is_ready))
        return false;
    instances[which].replaced = true;
    replace(instance);
    return true;
}

/* One that watches others comes after them, since a watch is on the file that has the number when
   it is made. There are no rings: the kernel refuses them. */
static void replace_all(void)
{
    bool any = true;
    while (any) {
        any = false;
        for (unsigned i = 0; i < count; i++)
            any |= replace_if_ready(i);
    }
}

FP_CHILD static bool visit_file(const char *name, void *context)
{
    static const char EPOLL[] = "anon_inode:[eventpoll]";
    char link[sizeof EPOLL];
    int folder = *(int *)context, number = 0;
    if (readlinkat(folder, name, link, sizeof link) != sizeof EPOLL - 1 ||
        memcmp(link, EPOLL, sizeof EPOLL - 1) != 0)
        return true;
    for (; *name >= '0' && *name <= '9'; name++)
        number = number * 10 + (*name - '0');
    if (count < INSTANCES_MAX)
        instances[count++] = (struct instance){number, false};
    else
        replace(number);
    return true;
}

FP_CHILD void fp_epoll_unshare(void)
{
    int saved = errno;
    int folder = open(FILES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        count = 0;
        fp_folder_each(folder, visit_file, &folder);
        close(folder);
        replace_all();
    }
    errno = saved;
}
