/*
 * The places of runtimes that registered by forkpolicy.h, in order of registration. What their
 * structs say of them is copied, because a library can be closed without a word. Without locks: a
 * fork happens between any two instructions of other threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_REGISTRATIONS_H
#define FP_SHIM_FORK_REGISTRATIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { FP_REGISTERED_MAX = 64, FP_MARKS = 6 };

struct forkpolicy_runtime;
typedef const struct forkpolicy_runtime *fp_registered_runtime;

struct fp_registration {
    _Atomic uint64_t order; /* 0: the place is free */
    _Atomic(fp_registered_runtime) runtime;
    _Atomic unsigned calls; /* of its handlers, under way now */
    const char *name;
    const void *marks[FP_MARKS], *bases[FP_MARKS]; /* addresses of its own, and of what libraries */
    unsigned long long changes;                    /* of the loader's list, when it registered */
    uint32_t entry;                                /* in the registry of runtimes */
};

/* 0, EEXIST, ENOSPC, ENOENT: as forkpolicy_register and forkpolicy_unregister. */
int fp_registered_add(fp_registered_runtime runtime);
int fp_registered_remove(fp_registered_runtime runtime);

/* Child room. The order of the last registration; 0: there never was one. */
uint64_t fp_registrations_newest(void);

/* Child room: the next registration after, or before, one of that order, which is then its own. */
struct fp_registration *fp_registration_after(uint64_t *order);
struct fp_registration *fp_registration_before(uint64_t *order);

/* Child room: a number below FP_REGISTERED_MAX, its own while it is registered. */
unsigned fp_registration_number(const struct fp_registration *registration);

/* Child room: between the two its handlers may be called. NULL, and nothing to end, where it has
   unregistered. */
fp_registered_runtime fp_registration_begin(struct fp_registration *registration, uint64_t order);
void fp_registration_end(struct fp_registration *registration);

/* Forgets whoever has closed its library without unregistering. */
void fp_registrations_sweep(void);

/* Child room: the calls of lost threads are over. */
void fp_registrations_child(void);

#endif
