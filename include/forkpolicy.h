/*
 * forkpolicy: what a library can ask of the shim that may be preloaded into its process.
 *
 * The functions are weak: a library that includes this header needs no linking and runs as well
 * where nothing is preloaded; a function's address is then NULL. forkpolicy_attach works in both
 * cases, and is what a library that keeps threads should call, once:
 *
 *     static const struct forkpolicy_runtime runtime = {
 *         .abi = FORKPOLICY_ABI, .name = "mylib", .anchor = &runtime,
 *         .prepare = be_quiet, .parent = go_on, .child = start_anew};
 *     forkpolicy_attach(&runtime);
 *
 * Thread safety: every function here may be called from any thread, but not from a handler.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORKPOLICY_H
#define FORKPOLICY_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FORKPOLICY_ABI 1

/*
 * A runtime that can go through a fork. `prepare` handlers run in the reverse order of registration
 * in the thread that forks, the others in the order of registration. Any of them may be NULL.
 */
struct forkpolicy_runtime {
    unsigned abi;       /* FORKPOLICY_ABI */
    const char *name;   /* what a FORKPOLICY entry calls it; 1 to 64 bytes */
    const void *anchor; /* any address inside the library: its threads are this runtime's */
    void *state;        /* handed to every handler */

    /* In the parent, before the fork. 0: quiet, the fork may come. EBUSY: not now; it is asked
       again for as long as the option quiesce_ms says, then the fork is refused or goes on without
       it, as the policy says. */
    int (*prepare)(void *state);
    void (*parent)(void *state); /* in the parent, after the fork */
    void (*child)(void *state);  /* in the child, before its code goes on; async-signal-safe */
    void (*failed)(void *state); /* in the parent, where no fork came; NULL: parent is called */
};

/* The version of the preloaded shim, "MAJOR.MINOR.PATCH". Static; never NULL. */
__attribute__((weak)) const char *forkpolicy_version(void);

/* Registers a runtime; the struct must live until it is unregistered, or its library is closed. 0,
   EINVAL (abi, name, anchor), EEXIST, or ENOSPC (64 are registered). A struct that is registered
   already may be registered anew where a library was opened or closed since. */
__attribute__((weak)) int forkpolicy_register(const struct forkpolicy_runtime *runtime);

/* 0, or ENOENT. None of its handlers runs when this returns, or will: it waits for those that run
   in other threads. */
__attribute__((weak)) int forkpolicy_unregister(const struct forkpolicy_runtime *runtime);

/*
 * Forks by the calling thread are allowed to lose what `what` names, as if a policy file had a line
 * "allow WHAT because REASON": nothing is said, the child is not watched for it, and the fork is
 * not refused, whatever the policy says. Until forkpolicy_disallow, or the end of the thread; also
 * in a forked child that comes back from the fork in between. The struct must live as long.
 */
struct forkpolicy_allowance {
    unsigned abi;                       /* FORKPOLICY_ABI */
    const char *what;                   /* [PATTERN][@PLACE]; "*": every runtime */
    const char *reason;                 /* for the records; may be NULL */
    struct forkpolicy_allowance *outer; /* the shim's own */
};

/* Async-signal-safe. 0, EINVAL (abi, or a bad pattern), EEXIST (this struct is in use), or ENOSPC
   (what one thread allows at a time is a kilobyte of text). */
__attribute__((weak)) int forkpolicy_allow(struct forkpolicy_allowance *allowance);

/* 0, or ENOENT: the calling thread has not allowed it. In any order. */
__attribute__((weak)) int forkpolicy_disallow(struct forkpolicy_allowance *allowance);

/* What stands in for the shim where it is not there: one runtime for each file that includes this.
 */
static const struct forkpolicy_runtime *forkpolicy_attached;
static __thread int forkpolicy_is_prepared;

static inline void forkpolicy_do_prepare(void)
{
    const struct forkpolicy_runtime *runtime = forkpolicy_attached;
    forkpolicy_is_prepared =
        runtime && (!runtime->prepare || runtime->prepare(runtime->state) == 0);
}

static inline void forkpolicy_do_parent(void)
{
    const struct forkpolicy_runtime *runtime = forkpolicy_attached;
    if (runtime && forkpolicy_is_prepared && runtime->parent)
        runtime->parent(runtime->state);
}

static inline void forkpolicy_do_child(void)
{
    const struct forkpolicy_runtime *runtime = forkpolicy_attached;
    if (runtime && forkpolicy_is_prepared && runtime->child)
        runtime->child(runtime->state);
}

/* Registers with the shim, or, where there is none, with pthread_atfork. 0 or an error number. */
static inline int forkpolicy_attach(const struct forkpolicy_runtime *runtime)
{
    if (forkpolicy_register)
        return forkpolicy_register(runtime);
    forkpolicy_attached = runtime;
    return pthread_atfork(forkpolicy_do_prepare, forkpolicy_do_parent, forkpolicy_do_child);
}

#ifdef __cplusplus
}
#endif

#endif
