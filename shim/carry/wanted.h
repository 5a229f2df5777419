/*
 * Which runtimes are to be carried: what the policy asks for, and what speaks against it for good.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_WANTED_H
#define FP_SHIM_CARRY_WANTED_H

#include "policy/carry.h"

/* Whether threads of it got wait points. */
bool fp_wanted(uint32_t runtime);

/* Whether the policy knows that this version was tried. */
bool fp_wanted_is_tried(uint32_t runtime);

/* Why it cannot be carried whatever its threads do, or NONE. */
enum fp_uncarried fp_wanted_hindrance(uint32_t runtime);

#endif
