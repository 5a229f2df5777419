/*
 * What an epoll instance watches, as the kernel tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_WATCHES_H
#define FP_SHIM_RESET_WATCHES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct fp_watch {
    int file; /* the number that it had when the watch was made */
    struct epoll_event event;
    uint64_t inode, device; /* of the file that is watched */
};

/* One after the other, by one thread at a time. False where `visit` says so once, or where the
   kernel does not tell. Child room, too. */
bool fp_watches_each(int instance, bool (*visit)(const struct fp_watch *watch, void *context),
                     void *context);

/* Whether the file that has the number now is one that the instance watches under that number; so,
   too, where the kernel does not say. */
bool fp_watches_file(int instance, int file);

/* 0: the two numbers stand for one open file, 1: for two, -1: the kernel does not say. */
int fp_watches_differ(int file, int other);

#endif
