/*
 * Atfork handlers: ours, which see the forks that no hook sees and reset the table in every
 * child, and the host's, of which is noted whose they are. A handler proves nothing about a
 * runtime (jemalloc's are in polars, which hangs), but it tells a reader where to look.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_ATFORK_H
#define FP_SHIM_ATFORK_H

void fp_atfork_init(void);

#endif
