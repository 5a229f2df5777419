/*
 * Both ends of a socketpair, as the kernel knows them (sock_diag(7)).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_PAIR_H
#define FP_SHIM_CARRY_PAIR_H

#include <stdbool.h>
#include <stdint.h>

/* The inode of the other end of a Unix stream socket: connected, without a name, and with nothing
   on the way from it or to it. False where it is no such socket, or where the kernel does not tell.
 */
bool fp_pair_other_end(uint64_t inode, uint64_t *other);

#endif
