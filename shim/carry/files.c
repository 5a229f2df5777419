/* See files.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/files.h"

#include "common/files.h"
#include "common/large.h"
#include "policy/text.h"
#include "shim/base/child_section.h"
#include "shim/base/number.h"
#include "shim/reset/watches.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum kind { EPOLL, EVENT };

static const char *const LINKS[] = {
    [EPOLL] = "anon_inode:[eventpoll]",
    [EVENT] = "anon_inode:[eventfd]",
};

enum { FILES_MAX = 128, WATCHES_MAX = 128 };

/* One number of a file; several may stand for the same. */
struct file {
    int number;
    enum kind kind;
    unsigned first; /* the place of the first number of the same open file */
    uint64_t count; /* of an eventfd */
    uint64_t is_semaphore;
};

/* One fork at a time fills it, and its child finds it. */
FP_LARGE static struct plan {
    unsigned files_count, watches_count;
    struct file files[FILES_MAX];
    struct {
        unsigned instance; /* place of the epoll instance */
        struct fp_watch watch;
    } watches[WATCHES_MAX];
} plan;

void fp_files_begin(void)
{
    plan.files_count = plan.watches_count = 0;
}

static bool is_planned(int number)
{
    for (unsigned i = 0; i < plan.files_count; i++)
        if (plan.files[i].number == number)
            return true;
    return false;
}

static bool is_of_kind(int folder, const char *name, enum kind kind)
{
    char link[32];
    size_t length = strlen(LINKS[kind]);
    return readlinkat(folder, name, link, sizeof link) == (ssize_t)length &&
           memcmp(link, LINKS[kind], length) == 0;
}

/* The place of a number of the same open file; `none` where there is none. */
static enum fp_uncarried find_same(int number, enum kind kind, unsigned none, unsigned *place)
{
    *place = none;
    for (unsigned i = 0; i < plan.files_count; i++) {
        const struct file *file = &plan.files[i];
        if (file->kind != kind || file->first != i)
            continue;
        int differ = fp_watches_differ(number, file->number);
        if (differ < 0)
            return FP_UNCARRIED_KERNEL;
        if (!differ)
            *place = i;
    }
    return FP_UNCARRIED_NONE;
}

static enum fp_uncarried add_file(const struct file *file)
{
    if (plan.files_count == FILES_MAX)
        return FP_UNCARRIED_ROOM;
    struct file *added = &plan.files[plan.files_count];
    *added = *file;
    return find_same(file->number, file->kind, plan.files_count++, &added->first);
}

/* Of kernels before 6.5 it is not known whether a read takes one or all. */
static bool read_event(int number, bool is_tried, struct file *file)
{
    char path[40], name[12], information[256];
    struct fp_text text = FP_TEXT(path), number_text = FP_TEXT(name);
    fp_text_format(&text, "/proc/self/fdinfo/%d", number);
    fp_text_format(&number_text, "%d", number);
    int folder = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool is_event = folder >= 0 && is_of_kind(folder, name, EVENT);
    if (folder >= 0)
        close(folder);
    *file = (struct file){.number = number, .kind = EVENT};
    return is_event && fp_file_read(path, information, sizeof information) > 0 &&
           fp_number_after(information, "eventfd-count:", 16, &file->count) &&
           (fp_number_after(information, "eventfd-semaphore:", 10, &file->is_semaphore) ||
            is_tried);
}

struct adding {
    unsigned instance;
    bool is_tried;
    enum fp_uncarried reason;
};

static enum fp_uncarried add_watch(const struct fp_watch *watch, const struct adding *adding)
{
    struct file event;
    if (!fp_watches_file(plan.files[adding->instance].number, watch->file) ||
        !read_event(watch->file, adding->is_tried, &event))
        return FP_UNCARRIED_FILES;
    if (plan.watches_count == WATCHES_MAX)
        return FP_UNCARRIED_ROOM;
    plan.watches[plan.watches_count].instance = adding->instance;
    plan.watches[plan.watches_count++].watch = *watch;
    return is_planned(watch->file) ? FP_UNCARRIED_NONE : add_file(&event);
}

static bool visit_watch(const struct fp_watch *watch, void *context)
{
    struct adding *adding = context;
    adding->reason = add_watch(watch, adding);
    return adding->reason == FP_UNCARRIED_NONE;
}

enum fp_uncarried fp_files_add(const struct fp_point *point, bool is_tried)
{
    const struct file instance = {.number = (int)point->arguments[0], .kind = EPOLL};
    struct adding adding = {plan.files_count, is_tried, FP_UNCARRIED_NONE};
    if (point->kind != FP_POINT_EPOLL || is_planned(instance.number))
        return FP_UNCARRIED_NONE;
    enum fp_uncarried reason = add_file(&instance);
    if (reason != FP_UNCARRIED_NONE || plan.files[adding.instance].first != adding.instance)
        return reason;
    bool is_told = fp_watches_each(instance.number, visit_watch, &adding);
    return is_told || adding.reason != FP_UNCARRIED_NONE ? adding.reason : FP_UNCARRIED_KERNEL;
}

/* An eventfd in somebody else's instance: there the parent's would stay. */
static bool watches_any(int instance)
{
    for (unsigned i = 0; i < plan.files_count; i++)
        if (plan.files[i].kind == EVENT && fp_watches_file(instance, plan.files[i].number))
            return true;
    return false;
}

struct finding {
    int folder;
    enum fp_uncarried reason;
};

static enum fp_uncarried look_at_number(int number, enum kind kind)
{
    enum { NONE = UINT_MAX };
    struct file file = {.number = number, .kind = kind};
    enum fp_uncarried reason = find_same(number, kind, NONE, &file.first);
    if (reason != FP_UNCARRIED_NONE)
        return reason;
    if (file.first != NONE)
        return add_file(&file);
    return kind == EPOLL && watches_any(number) ? FP_UNCARRIED_FILES : FP_UNCARRIED_NONE;
}

static bool visit_number(const char *name, void *context)
{
    struct finding *finding = context;
    int number = 0;
    for (const char *at = name; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (*at - '0');
    if (is_planned(number))
        return true;
    for (enum kind kind = EPOLL; kind <= EVENT; kind++)
        if (is_of_kind(finding->folder, name, kind))
            finding->reason = look_at_number(number, kind);
    return finding->reason == FP_UNCARRIED_NONE;
}

enum fp_uncarried fp_files_find_numbers(void)
{
    if (!plan.files_count)
        return FP_UNCARRIED_NONE;
    struct finding finding = {open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              FP_UNCARRIED_NONE};
    if (finding.folder < 0)
        return FP_UNCARRIED_KERNEL;
    fp_folder_each(finding.folder, visit_number, &finding);
    close(finding.folder);
    return finding.reason;
}

FP_CHILD static int make_event(const struct file *file)
{
    int flags = EFD_CLOEXEC | (file->is_semaphore ? EFD_SEMAPHORE : 0) |
                (fcntl(file->number, F_GETFL) & O_NONBLOCK ? EFD_NONBLOCK : 0);
    int made = eventfd(0, flags);
    if (made >= 0 && file->count && write(made, &file->count, sizeof file->count) < 0) {
        close(made);
        return -1;
    }
    return made;
}

FP_CHILD static int make_instance(unsigned place)
{
    int made = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; made >= 0 && i < plan.watches_count; i++) {
        struct epoll_event event = plan.watches[i].watch.event;
        if (plan.watches[i].instance == place &&
            epoll_ctl(made, EPOLL_CTL_ADD, plan.watches[i].watch.file, &event) != 0) {
            close(made);
            return -1;
        }
    }
    return made;
}

/* Under all its numbers. */
FP_CHILD static bool replace(unsigned place, int made)
{
    bool is_done = made >= 0;
    for (unsigned i = 0; i < plan.files_count && is_done; i++) {
        int number = plan.files[i].number;
        if (plan.files[i].first == place)
            is_done = dup3(made, number, fcntl(number, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0;
    }
    if (made >= 0)
        close(made);
    return is_done;
}

/* The instances come last: they watch what has the number when they are made. */
FP_CHILD bool fp_files_unshare(void)
{
    for (int kind = EVENT; kind >= EPOLL; kind--)
        for (unsigned i = 0; i < plan.files_count; i++) {
            const struct file *file = &plan.files[i];
            if (file->kind != (enum kind)kind || file->first != i)
                continue;
            if (!replace(i, kind == EVENT ? make_event(file) : make_instance(i)))
                return false;
        }
    return true;
}
