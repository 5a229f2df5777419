/*
 * The watch over a forked child that lost threads: in the parent it is made ready, without a change
 * to what the parent calls; in the child the waits of all libraries are led through it (waits.c,
 * futex.c, omp_regions.c), and a wait that goes on too long is judged (shim/hang).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_WATCH_H
#define FP_SHIM_WATCH_WATCH_H

#include "policy/model.h"

/* Once, in the constructor. */
void fp_watch_init(void);

/* Whether this libc's waits are known. */
bool fp_watch_is_possible(void);

/* In the parent, before the fork. `site` is copied. */
void fp_watch_prepare(const char *call, enum fp_origin origin, const struct fp_site *site,
                      unsigned threads);

/* Child room: notes what was lost, before the table is emptied; `is_kept` says of a runtime that it
   works in the child. True where the child is now to be led through the watch (fp_patch_child). */
bool fp_watch_child(bool (*is_kept)(uint32_t runtime));

#endif
