/* The code of what is linked with this begins at a page: libunwind before 1.7, by which `explain` looks
 * at the shim, finds no table for code that begins inside of one, where lld likes to put it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
    .section .text.page, "axR", %progbits
    .p2align 12
    nop
    .section .note.GNU-stack, "", %progbits
