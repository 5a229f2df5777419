/*
 * The Python code that the shim carries, each file as a string.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
    /* The Python source of ForkPolicyError, as a string. */
    .section .rodata
    .globl fp_error_source
    .hidden fp_error_source
fp_error_source:
    .incbin "python/forkpolicy/error.py"
    .byte 0

    /* The Python source that tells a pool's parent of a worker's end. */
    .globl fp_hand_over_source
    .hidden fp_hand_over_source
fp_hand_over_source:
    .incbin "python/forkpolicy/hand_over.py"
    .byte 0

    /* The resets that are written in Python (tools/embed_package.py). */
    .globl fp_resets_source
    .hidden fp_resets_source
fp_resets_source:
    .incbin "resets.py"
    .byte 0

    /* The package that gives multiprocessing its start method, in the same way. */
    .globl fp_start_source
    .hidden fp_start_source
fp_start_source:
    .incbin "start.py"
    .byte 0

    .section .note.GNU-stack, "", %progbits
