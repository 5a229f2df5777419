/* See epoll.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/epoll.h"

#include "common/files.h"
#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/number.h"
#include "shim/reset/sockets.h"
#include "shim/reset/watches.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char FILES[] = "/proc/self/fd";

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

/* The number may have been closed and given to another file, whose events nobody asked for. All
   eventfds, timers and epoll instances have one inode. Who watched a connection that was severed
   must hear of its end. */
FP_CHILD static bool is_still_that_file(int instance, const struct fp_watch *watch)
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
           is_instance(watch->file, true) || fp_watches_file(instance, watch->file);
}

FP_CHILD static bool is_ready(const struct fp_watch *watch, void *unused)
{
    (void)unused;
    return !is_instance(watch->file, false);
}

/* An instance, and the new one that takes its place. */
struct replacement {
    int instance, copy;
};

FP_CHILD static bool add_watch(const struct fp_watch *watch, void *context)
{
    const struct replacement *replacement = context;
    struct epoll_event event = watch->event;
    if (is_still_that_file(replacement->instance, watch))
        epoll_ctl(replacement->copy, EPOLL_CTL_ADD, watch->file, &event);
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
    struct replacement replacement = {instance, copy};
    if (fp_watches_each(instance, add_watch, &replacement)) {
        for (unsigned i = 0; i < count; i++)
            if (!instances[i].replaced && fp_watches_differ(instance, instances[i].number) == 0) {
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
    if (instances[which].replaced || !fp_watches_each(instance, is_ready, NULL))
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
    int folder = *(int *)context, number = fp_number_of(name);
    if (readlinkat(folder, name, link, sizeof link) != sizeof EPOLL - 1 ||
        memcmp(link, EPOLL, sizeof EPOLL - 1) != 0)
        return true;
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
