/*
 * What the shim keeps per thread. Initial-exec TLS: reading it never allocates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_SELF_H
#define FP_SHIM_SELF_H

struct fp_thread_slot;

struct fp_self {
    int inside;                  /* > 0: the shim is at work on this thread; hooks pass through */
    int forking;                 /* > 0: a fork that a hook has seen is under way */
    struct fp_thread_slot *slot; /* NULL: the main thread, or one that no hook saw starting */
    unsigned long life;          /* the one that this thread leads in that slot */
    const void *cxx_caller; /* who called std::thread's starter last; taken by the next create */
};

extern _Thread_local struct fp_self fp_self __attribute__((tls_model("initial-exec")));

#endif
