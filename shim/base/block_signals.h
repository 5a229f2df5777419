/*
 * Signals are blocked while the shim works for a thread: a handler may look around, too, or leave
 * by siglongjmp. Needs _GNU_SOURCE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_BLOCK_SIGNALS_H
#define FP_SHIM_BASE_BLOCK_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* All but those that a thread's own code causes: blocked, they would end the process. Under
   inline_futex that is SIGSYS, also of a clock that the vDSO asks the kernel for. */
void fp_block_signals(sigset_t *before);

/* By number - 1. */
static inline uint64_t fp_signal_bits(const sigset_t *signals)
{
    uint64_t bits = 0;
    for (int number = 1; number <= 64; number++)
        bits |= (uint64_t)(sigismember(signals, number) == 1) << (number - 1);
    return bits;
}

#endif
