/*
 * The two hooks that cannot be C functions: each calls one that returns the real function, and
 * jumps there with registers and stack as they came. vfork returns twice through one frame; the
 * starter of std::thread is noted by its return address, which a frame of ours would hide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define CXX_START_THREAD                                                                           \
    _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE

#if defined(__x86_64__)

    .text
    .globl vfork
    .type vfork, @function
vfork:
    .cfi_startproc
    endbr64
    subq $8, %rsp /* the stack is 16-byte aligned at calls */
    .cfi_adjust_cfa_offset 8
    call fp_vfork_real
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size vfork, . - vfork

    .globl CXX_START_THREAD
    .type CXX_START_THREAD, @function
CXX_START_THREAD:
    .cfi_startproc
    endbr64
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    movq 24(%rsp), %rdi
    call fp_cxx_start_thread
    popq %rdx
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size CXX_START_THREAD, . - CXX_START_THREAD

#elif defined(__aarch64__)

    .text
    .globl vfork
    .type vfork, %function
vfork:
    .cfi_startproc
    hint #34 /* bti c */
    stp x29, x30, [sp, #-16]!
    .cfi_adjust_cfa_offset 16
    .cfi_offset 30, -8
    bl fp_vfork_real
    mov x16, x0
    ldp x29, x30, [sp], #16
    .cfi_adjust_cfa_offset -16
    .cfi_restore 30
    br x16
    .cfi_endproc
    .size vfork, . - vfork

    .globl CXX_START_THREAD
    .type CXX_START_THREAD, %function
CXX_START_THREAD:
    .cfi_startproc
    hint #34
    stp x0, x1, [sp, #-32]!
    .cfi_adjust_cfa_offset 32
    stp x2, x30, [sp, #16]
    .cfi_offset 30, -8
    mov x0, x30
    bl fp_cxx_start_thread
    mov x16, x0
    ldp x2, x30, [sp, #16]
    ldp x0, x1, [sp], #32
    .cfi_adjust_cfa_offset -32
    .cfi_restore 30
    br x16
    .cfi_endproc
    .size CXX_START_THREAD, . - CXX_START_THREAD

#else
#error "forkpolicy knows x86-64 and aarch64"
#endif

    .section .note.GNU-stack, "", %progbits
