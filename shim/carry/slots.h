/*
 * The slots of a library to be carried are pointed to wait points, before its first thread starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_SLOTS_H
#define FP_SHIM_CARRY_SLOTS_H

#include <stdbool.h>

/* `dso` as the loader spells it. False where no slot of it could be found and written. */
bool fp_slots_point(const char *dso);

#endif
