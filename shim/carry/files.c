/* See files.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/files.h"

#include "common/files.h"
#include "common/large.h"
#include "policy/text.h"
#include "shim/base/child_section.h"
#include "shim/base/number.h"
#include "shim/carry/pair.h"
#include "shim/carry/plan.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

FP_LARGE static struct fp_plan plan;

FP_CHILD const struct fp_plan *fp_plan(void)
{
    return &plan;
}

FP_CHILD unsigned fp_plan_other_end(const struct fp_plan *in, unsigned place)
{
    unsigned i = 0;
    while (i < in->files_count && (in->files[i].kind != FP_FILE_SOCKET || in->files[i].first != i ||
                                   in->files[i].inode != in->files[place].other))
        i++;
    return i;
}

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

/* False where it is a file of another kind. */
static bool read_kind(int folder, const char *name, struct fp_plan_file *file)
{
    static const char INSTANCE[] = "anon_inode:[eventpoll]", EVENT[] = "anon_inode:[eventfd]",
                      SOCKET[] = "socket:[";
    char link[40];
    ssize_t length = readlinkat(folder, name, link, sizeof link - 1);
    if (length < 0)
        return false;
    link[length] = '\0';
    bool is_socket = strncmp(link, SOCKET, sizeof SOCKET - 1) == 0;
    if (is_socket)
        fp_number_after(link, SOCKET, 10, &file->inode);
    file->kind = is_socket                  ? FP_FILE_SOCKET
                 : strcmp(link, EVENT) == 0 ? FP_FILE_EVENT
                                            : FP_FILE_EPOLL;
    return is_socket || file->kind == FP_FILE_EVENT || strcmp(link, INSTANCE) == 0;
}

/* The place of a number of the same open file; `none` where there is none. */
static enum fp_uncarried find_same(int number, enum fp_file_kind kind, unsigned none,
                                   unsigned *place)
{
    *place = none;
    for (unsigned i = 0; i < plan.files_count; i++) {
        const struct fp_plan_file *file = &plan.files[i];
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

static enum fp_uncarried add_file(const struct fp_plan_file *file)
{
    if (plan.files_count == FP_PLAN_FILES)
        return FP_UNCARRIED_ROOM;
    struct fp_plan_file *added = &plan.files[plan.files_count];
    *added = *file;
    return find_same(file->number, file->kind, plan.files_count++, &added->first);
}

/* Of kernels before 6.5 it is not known whether a read takes one or all. */
static bool read_event(int number, bool is_tried, struct fp_plan_file *file)
{
    char path[40], information[256];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/fdinfo/%d", number);
    return fp_file_read(path, information, sizeof information) > 0 &&
           fp_number_after(information, "eventfd-count:", 16, &file->count) &&
           (fp_number_after(information, "eventfd-semaphore:", 10, &file->is_semaphore) ||
            is_tried);
}

/* What a socketpair is for is known of tried libraries alone: tokio writes to one in its signal
   handlers. Another program's may be meant for the child. */
static bool read_watched(int number, bool is_tried, struct fp_plan_file *file)
{
    char path[40];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/fd/%d", number);
    *file = (struct fp_plan_file){.number = number};
    if (!read_kind(AT_FDCWD, path, file))
        return false;
    return file->kind == FP_FILE_EVENT ? read_event(number, is_tried, file)
                                       : file->kind == FP_FILE_SOCKET && is_tried &&
                                             fp_pair_other_end(file->inode, &file->other);
}

struct adding {
    unsigned instance;
    bool is_tried;
    enum fp_uncarried reason;
    int refused; /* the file that the reason speaks of */
};

static enum fp_uncarried add_watch(const struct fp_watch *watch, const struct adding *adding)
{
    struct fp_plan_file file;
    if (!fp_watches_file(plan.files[adding->instance].number, watch->file) ||
        !read_watched(watch->file, adding->is_tried, &file))
        return FP_UNCARRIED_FILES;
    if (plan.watches_count == FP_PLAN_WATCHES)
        return FP_UNCARRIED_ROOM;
    plan.watches[plan.watches_count].instance = adding->instance;
    plan.watches[plan.watches_count++].watch = *watch;
    return is_planned(watch->file) ? FP_UNCARRIED_NONE : add_file(&file);
}

static bool visit_watch(const struct fp_watch *watch, void *context)
{
    struct adding *adding = context;
    adding->reason = add_watch(watch, adding);
    adding->refused = adding->reason == FP_UNCARRIED_FILES ? watch->file : 0;
    return adding->reason == FP_UNCARRIED_NONE;
}

enum fp_uncarried fp_files_add(const struct fp_point *point, bool is_tried, int *file)
{
    const struct fp_plan_file instance = {.number = (int)point->arguments[0],
                                          .kind = FP_FILE_EPOLL};
    struct adding adding = {plan.files_count, is_tried, FP_UNCARRIED_NONE, 0};
    if (point->kind != FP_POINT_EPOLL || is_planned(instance.number))
        return FP_UNCARRIED_NONE;
    enum fp_uncarried reason = add_file(&instance);
    if (reason != FP_UNCARRIED_NONE || plan.files[adding.instance].first != adding.instance)
        return reason;
    bool is_told = fp_watches_each(instance.number, visit_watch, &adding);
    *file = adding.refused;
    return is_told || adding.reason != FP_UNCARRIED_NONE ? adding.reason : FP_UNCARRIED_KERNEL;
}

struct finding {
    int folder;
    unsigned foreign_count; /* epoll instances of somebody else */
    int foreign[FP_PLAN_FILES];
    enum fp_uncarried reason;
};

/* The other end of a socketpair that is planned. */
static bool is_other_end(struct fp_plan_file *file)
{
    for (unsigned i = 0; i < plan.files_count; i++)
        if (plan.files[i].kind == FP_FILE_SOCKET && plan.files[i].other == file->inode)
            return fp_pair_other_end(file->inode, &file->other) &&
                   file->other == plan.files[i].inode;
    return false;
}

static enum fp_uncarried look_at_number(struct fp_plan_file *file, struct finding *finding)
{
    enum { NONE = UINT_MAX };
    enum fp_uncarried reason = find_same(file->number, file->kind, NONE, &file->first);
    if (reason != FP_UNCARRIED_NONE)
        return reason;
    if (file->first != NONE || (file->kind == FP_FILE_SOCKET && is_other_end(file)))
        return add_file(file);
    if (file->kind != FP_FILE_EPOLL)
        return FP_UNCARRIED_NONE;
    if (finding->foreign_count == FP_PLAN_FILES)
        return FP_UNCARRIED_ROOM;
    finding->foreign[finding->foreign_count++] = file->number;
    return FP_UNCARRIED_NONE;
}

static bool visit_number(const char *name, void *context)
{
    struct finding *finding = context;
    struct fp_plan_file file = {.number = fp_number_of(name)};
    if (!is_planned(file.number) && read_kind(finding->folder, name, &file))
        finding->reason = look_at_number(&file, finding);
    return finding->reason == FP_UNCARRIED_NONE;
}

/* The first file that the child would share after all: one in somebody else's instance, where the
   parent's would stay, or one end of a pair whose other end another process has. -1: none. */
static int find_shared(const struct finding *finding)
{
    for (unsigned i = 0; i < plan.files_count; i++) {
        const struct fp_plan_file *file = &plan.files[i];
        if (file->kind == FP_FILE_SOCKET && file->first == i &&
            fp_plan_other_end(&plan, i) == plan.files_count)
            return file->number;
        for (unsigned j = 0; file->kind != FP_FILE_EPOLL && j < finding->foreign_count; j++)
            if (fp_watches_file(finding->foreign[j], file->number))
                return file->number;
    }
    return -1;
}

enum fp_uncarried fp_files_find_numbers(int *file)
{
    if (!plan.files_count)
        return FP_UNCARRIED_NONE;
    struct finding finding = {.folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (finding.folder < 0)
        return FP_UNCARRIED_KERNEL;
    fp_folder_each(finding.folder, visit_number, &finding);
    close(finding.folder);
    if (finding.reason != FP_UNCARRIED_NONE)
        return finding.reason;
    int shared = find_shared(&finding);
    *file = shared < 0 ? 0 : shared;
    return shared < 0 ? FP_UNCARRIED_NONE : FP_UNCARRIED_FILES;
}
