/*
 * Where the loaded libraries keep the addresses of the functions that the watch replaces: slots of
 * their global offset tables. They are searched in the parent, at the first fork that wants it and
 * whenever libraries have come or gone, and rewritten in the child alone: the parent's calls stay
 * as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_GOT_H
#define FP_SHIM_WATCH_GOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fp_watched {
#define FP_WATCHED(name, in_every, in_lost) FP_WATCHED_##name,
#include "shim/watch/watched.def"
#undef FP_WATCHED
    FP_WATCHED_LIBC, /* how many of them are libc's; those of regions follow */
    FP_WATCHED_BEFORE_REGIONS = FP_WATCHED_LIBC - 1,
#define FP_REGION(name, parameters, arguments, most) FP_WATCHED_##name,
#include "shim/watch/omp_regions.def"
#undef FP_REGION
    FP_WATCHED_COUNT
};

struct fp_slot {
    void **where;
    uint16_t object;   /* its place in the list of libraries */
    uint8_t watched;   /* enum fp_watched */
    bool is_protected; /* read-only since the library was relocated */
};

struct fp_got {
    uintptr_t page_size;
    size_t slot_count;
    struct fp_slot *slots;
};

extern struct fp_got fp_got;

/* Finds libc's own functions. False where the watch cannot work: not glibc. */
bool fp_got_init(void);

/* libc's function; NULL where this libc has none, and for the entries of OpenMP regions. */
void *fp_got_real(enum fp_watched watched);

/* Brings the list up to date; takes libc's lock on the list of libraries. False: another thread is
   at it and takes long. */
bool fp_got_scan(void);

/* The same, but false at once where another thread is at it. */
bool fp_got_try_scan(void);

/* What the library that holds `caller` has behind its slot for the entry of a region, or NULL. */
void *fp_got_behind(enum fp_watched watched, const void *caller);

/* Child room: whoever was searching is gone. */
void fp_got_child(void);

#endif
