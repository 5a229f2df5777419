/*
 * Threads of the process that are not to be carried.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_OTHERS_H
#define FP_SHIM_CARRY_OTHERS_H

#include "shim/carry/party.h"

/* How often all threads but the calling one gave up or lost the processor; -1: unknown. */
long fp_others_switches(void);

/* With the gate closed: whether another thread could call a library of the party at any moment, or
   be inside; `thread` is one, or 0 where no hook saw it. */
enum fp_uncarried fp_others_look(struct fp_party *party, int *thread);

#endif
