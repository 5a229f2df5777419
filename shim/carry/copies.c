/* The child's part of files.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/child_section.h"
#include "shim/carry/files.h"
#include "shim/carry/plan.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

FP_CHILD static int make_event(const struct fp_plan_file *file)
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

FP_CHILD static int make_instance(const struct fp_plan *plan, unsigned place)
{
    int made = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; made >= 0 && i < plan->watches_count; i++) {
        struct epoll_event event = plan->watches[i].watch.event;
        if (plan->watches[i].instance == place &&
            epoll_ctl(made, EPOLL_CTL_ADD, plan->watches[i].watch.file, &event) != 0) {
            close(made);
            return -1;
        }
    }
    return made;
}

/* Under all its numbers. */
FP_CHILD static bool replace(const struct fp_plan *plan, unsigned place, int made)
{
    bool is_done = made >= 0;
    for (unsigned i = 0; i < plan->files_count && is_done; i++) {
        int number = plan->files[i].number;
        if (plan->files[i].first == place)
            is_done = dup3(made, number, fcntl(number, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0;
    }
    if (made >= 0)
        close(made);
    return is_done;
}

/* Both ends at once, for the one that comes first. */
FP_CHILD static bool replace_pair(const struct fp_plan *plan, unsigned place)
{
    const unsigned places[] = {place, fp_plan_other_end(plan, place)};
    int made[] = {-1, -1};
    bool is_done = true;
    if (places[1] < place)
        return true;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made) != 0)
        return false;
    for (int end = 0; end < 2; end++) {
        int flags = fcntl(plan->files[places[end]].number, F_GETFL) & O_NONBLOCK;
        is_done &= (!flags || fcntl(made[end], F_SETFL, O_RDWR | flags) == 0);
        is_done &= replace(plan, places[end], made[end]);
    }
    return is_done;
}

FP_CHILD static bool renew(const struct fp_plan *plan, unsigned place)
{
    switch (plan->files[place].kind) {
    case FP_FILE_EVENT:
        return replace(plan, place, make_event(&plan->files[place]));
    case FP_FILE_SOCKET:
        return replace_pair(plan, place);
    default:
        return replace(plan, place, make_instance(plan, place));
    }
}

/* The instances come last: they watch what has the number when they are made. */
FP_CHILD bool fp_files_unshare(void)
{
    const struct fp_plan *plan = fp_plan();
    for (int kind = FP_FILE_SOCKET; kind >= FP_FILE_EPOLL; kind--)
        for (unsigned i = 0; i < plan->files_count; i++) {
            const struct fp_plan_file *file = &plan->files[i];
            if (file->kind == (enum fp_file_kind)kind && file->first == i && !renew(plan, i))
                return false;
        }
    return true;
}
