/*
 * fp_point_enter(point) keeps what the caller expects back from a function (rbx, rbp, r12 to r15,
 * the modes of the floating-point units) on the stack, and the stack pointer in the point: a thread
 * that is made there in a child returns as if the wait had.
 *
 * fp_point_clone(point, flags, parent_tid, child_tid, thread_pointer) makes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#if defined(__x86_64__)

    .section .text.fp_child, "ax", %progbits
    .globl fp_point_enter
    .hidden fp_point_enter
    .type fp_point_enter, @function
fp_point_enter:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    call *8(%rdi)
.Lreturn:
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    .cfi_remember_state
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    ret
    .cfi_restore_state
    .cfi_adjust_cfa_offset 8
.Lresume: /* on the stack as it was at the call above; r9 is the point */
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    movq %r9, %rdi
    call *16(%rdi)
    jmp .Lreturn
    .cfi_endproc
    .size fp_point_enter, . - fp_point_enter

    .globl fp_point_clone
    .hidden fp_point_clone
    .type fp_point_clone, @function
fp_point_clone:
    .cfi_startproc
    endbr64
    movq %rdi, %r9
    movq %rsi, %rdi
    movq (%r9), %rsi
    movq %rcx, %r10
    movl $56, %eax /* clone(flags, stack, parent_tid, child_tid, thread_pointer) */
    syscall
    testq %rax, %rax
    jz .Lresume
    ret
    .cfi_endproc
    .size fp_point_clone, . - fp_point_clone

#elif defined(__aarch64__) /* No thread is carried there: a wait is the wait alone. */

    .section .text.fp_child, "ax", %progbits
    .globl fp_point_enter
    .hidden fp_point_enter
    .type fp_point_enter, @function
fp_point_enter:
    .cfi_startproc
    hint #34 /* bti c */
    ldr x1, [x0, #8]
    br x1
    .cfi_endproc
    .size fp_point_enter, . - fp_point_enter

    .globl fp_point_clone
    .hidden fp_point_clone
    .type fp_point_clone, @function
fp_point_clone:
    .cfi_startproc
    hint #34
    mov x0, #-38 /* ENOSYS */
    ret
    .cfi_endproc
    .size fp_point_clone, . - fp_point_clone

#else
#error "forkpolicy knows x86-64 and aarch64"
#endif

    .section .note.GNU-stack, "", %progbits
