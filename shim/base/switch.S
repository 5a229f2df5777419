/*
 * fp_switch_stack(work, argument, top): calls work(argument) on the stack that ends at `top`. The
 * frame pointer keeps the way back, for this code and for whoever unwinds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#if defined(__x86_64__)

    .section .text.fp_child, "ax", %progbits
    .globl fp_switch_stack
    .hidden fp_switch_stack
    .type fp_switch_stack, @function
fp_switch_stack:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register rbp
    movq %rdx, %rsp
    movq %rdi, %rax
    movq %rsi, %rdi
    call *%rax
    leave
    .cfi_def_cfa rsp, 8
    ret
    .cfi_endproc
    .size fp_switch_stack, . - fp_switch_stack

#elif defined(__aarch64__)

    .section .text.fp_child, "ax", %progbits
    .globl fp_switch_stack
    .hidden fp_switch_stack
    .type fp_switch_stack, %function
fp_switch_stack:
    .cfi_startproc
    hint #34 /* bti c */
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    .cfi_offset 29, -16
    .cfi_offset 30, -8
    mov x29, sp
    .cfi_def_cfa_register 29
    mov sp, x2
    mov x8, x0
    mov x0, x1
    blr x8
    mov sp, x29
    .cfi_def_cfa_register 31
    ldp x29, x30, [sp], #16
    .cfi_def_cfa_offset 0
    .cfi_restore 29
    .cfi_restore 30
    ret
    .cfi_endproc
    .size fp_switch_stack, . - fp_switch_stack

#else
#error "forkpolicy knows x86-64 and aarch64"
#endif

    .section .note.GNU-stack, "", %progbits
