/*
 * Where the loaded libraries keep the addresses of the functions that the watch replaces: slots of
 * their global offset tables. They are searched in the parent, at the first fork that wants it and
 * whenever libraries have come or gone, and rewritten in the child alone: the parent's calls stay
 * as they are.
 *
 * A table is made aside and put in place with the list of libraries that it belongs to, so that a
 * fork at any moment finds both whole. Libraries may have gone since: fp_got_may_write.
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
    FP_WATCHED_LIBC, /* how many of them are libc's */
    FP_WATCHED_BEFORE_GIL = FP_WATCHED_LIBC - 1,
#define FP_GIL_CALL(type, name, parameters) FP_WATCHED_##name,
#include "shim/watch/gil_calls.def"
#undef FP_GIL_CALL
    FP_WATCHED_SINGLE, /* how many are the same function for all libraries; of regions each differs */
    FP_WATCHED_BEFORE_REGIONS = FP_WATCHED_SINGLE - 1,
#define FP_REGION(name, parameters, arguments, most) FP_WATCHED_##name,
#include "shim/watch/omp_regions.def"
#undef FP_REGION
    FP_WATCHED_COUNT
};

struct fp_slot {
    void **where;
    void *found; /* what it held before ours: libc's function, or the way to the lazy resolver */
    const void *relocation;
    uint16_t object;   /* its place in the list of libraries */
    uint8_t watched;   /* enum fp_watched */
    bool is_protected; /* read-only since the library was relocated */
};

struct fp_slots {
    size_t count;
    const struct fp_slot *slots;
    bool is_certain; /* no library has gone since they were found */
};

/* Finds libc's own functions. False where the watch cannot work: not glibc. */
bool fp_got_init(void);

/* Whether it is one of gil_calls.def. */
static inline bool fp_got_takes_gil(enum fp_watched watched)
{
    return watched >= FP_WATCHED_LIBC && watched < FP_WATCHED_SINGLE;
}

/* libc's or Python's function; NULL where there is none, and for the entries of OpenMP regions. */
void *fp_got_real(enum fp_watched watched);

/* Brings the table up to date, where the loader's list can be had; otherwise the last one holds.
   False: there was none yet. */
bool fp_got_scan(void);

/* Brings it up to date and does the work, while no library can go; or neither, where another thread
   is at it. */
void fp_got_scan_and(void (*work)(void));

/* Child room: the table, and whether a slot of it is still there and holds what it held, so that
   ours may be put in its place. The page of `where` can be read. */
struct fp_slots fp_got_slots(void);
bool fp_got_may_write(const struct fp_slots *slots, const struct fp_slot *slot);

/* What the library that holds `caller` has behind its slot for the entry of a region, or NULL. */
void *fp_got_behind(enum fp_watched watched, const void *caller);

#endif
