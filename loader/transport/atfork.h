/*
 * What goes through a fork: the one runtime of this library, registered with the shim where one is
 * preloaded, else by pthread_atfork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_ATFORK_H
#define FL_ATFORK_H

/* Something with threads. `prepare` makes it quiet, and no other thread may then be within it until
   `parent`; in the child its threads are gone, and `child`, which must be async-signal-safe, makes
   it as if it had just been made. */
struct fl_atfork {
    void (*prepare)(struct fl_atfork *self);
    void (*parent)(struct fl_atfork *self);
    void (*child)(struct fl_atfork *self);
    void (*end)(struct fl_atfork *self); /* the process ends, or the library is unloaded */
    struct fl_atfork *next, *previous;
};

/* From now on, until it is removed. 0 or an error number. None of it from within the handlers. */
int fl_atfork_add(struct fl_atfork *handlers);
void fl_atfork_remove(struct fl_atfork *handlers);

#endif
