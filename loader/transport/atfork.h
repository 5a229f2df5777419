/*
 * Handlers for forks: the one runtime of this library, registered with the shim where that is
 * preloaded, else by pthread_atfork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_ATFORK_H
#define FL_ATFORK_H

/* An object with threads. `prepare` stops their work, and no other thread may use the object until
   `parent`; in the child its threads are gone, and `child`, which must be async-signal-safe, resets
   it to the state of a new one. */
struct fl_atfork {
    void (*prepare)(struct fl_atfork *self);
    void (*parent)(struct fl_atfork *self);
    void (*child)(struct fl_atfork *self);
    void (*end)(struct fl_atfork *self); /* the process ends, or the library is unloaded */
    struct fl_atfork *next, *previous;
};

/* Handlers are called until they are removed; neither may be called from within one. 0 or an error
   number. */
int fl_atfork_add(struct fl_atfork *handlers);
void fl_atfork_remove(struct fl_atfork *handlers);

#endif
