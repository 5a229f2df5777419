/*
 * The watch over a forked child that lost threads: in the parent it is made ready, without a change
 * to what the parent calls; in the child the waits of all libraries are led through it (waits.c,
 * futex.c, regions.c), and a wait that goes on too long is judged (hang.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_H
#define FP_SHIM_WATCH_H

#include "policy/hang_event.h"

/* What the forking thread leaves for its child. */
struct fp_fork_note {
    const struct fp_site *site;
    const char *call;
    enum fp_origin origin;
    pid_t parent;
    uint64_t milliseconds; /* CLOCK_MONOTONIC */
};

/* Once, in the constructor. */
void fp_watch_init(void);

/* Whether this libc's waits are known. */
bool fp_watch_is_possible(void);

/* In the parent, before the fork. `site` is copied. */
void fp_watch_prepare(const char *call, enum fp_origin origin, const struct fp_site *site);

/* Child room: notes what was lost, before the table is emptied. True where the child is now to be
   led through the watch (fp_got_patch). */
bool fp_watch_child(void);

/* Whether this process is a child under watch. */
bool fp_watch_is_on(void);

/* The fork that made this process. */
struct fp_fork_origin fp_watch_origin(void);

/* Whether every fork on the way to this process was made by Python itself, so that its GIL is one
   that a live thread can take. */
bool fp_watch_has_sound_gil(void);

/* CLOCK_MONOTONIC. */
uint64_t fp_microseconds(void);
uint64_t fp_milliseconds(void);

#endif
