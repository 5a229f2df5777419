/*
 * Fork sites, kept: a forked child must be able to say where it was forked, long after the stack
 * that knew is gone. Each is stored once; they are never removed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_SITES_H
#define FP_SHIM_THREADS_SITES_H

#include "policy/model.h"

/* A copy that stays; one with empty strings where there is no room. */
const struct fp_site *fp_site_keep(const struct fp_site *site);

#endif
