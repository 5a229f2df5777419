/* See left_open.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/left_open.h"

#include "common/files.h"
#include "policy/text.h"
#include "shim/base/number.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static bool is_left(int file)
{
    char path[40], link[8];
    struct fp_text text = FP_TEXT(path);
    int flags = fcntl(file, F_GETFL);
    if (flags < 0 || (flags & FP_LEFT_OPEN_FLAGS) != FP_LEFT_OPEN_FLAGS)
        return false;
    fp_text_format(&text, "/proc/self/fd/%d", file);
    ssize_t length = readlink(path, link, sizeof link - 1);
    link[length > 0 ? length : 0] = '\0';
    return strncmp(link, "/proc/", 6) == 0;
}

static bool close_left(const char *name, void *folder)
{
    int file = fp_number_of(name);
    if (file >= 0 && file != *(const int *)folder && is_left(file))
        fp_file_close(file);
    return true;
}

/* Which may be left, too. */
static void close_all_left(void)
{
    int folder =
        fp_file_open(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | FP_LEFT_OPEN_FLAGS);
    if (folder < 0)
        return;
    fp_folder_each(folder, close_left, &folder);
    fp_file_close(folder);
}

/* Stacks grow downwards: no frame lives below one that was called later. A handler's stack of its
   own may lie anywhere. */
static bool is_gone(const char *left, const char *frame)
{
    stack_t handlers;
    return frame >= left && sigaltstack(NULL, &handlers) == 0 && !(handlers.ss_flags & SS_ONSTACK);
}

bool fp_left_open_begin(fp_left_frame *left, const char *frame)
{
    if (*left && !is_gone(*left, frame))
        return false;
    if (*left)
        close_all_left();
    *left = frame;
    return true;
}

void fp_left_open_end(fp_left_frame *left)
{
    *left = NULL;
}
