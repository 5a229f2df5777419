/*
 * The Python room: all that the shim knows of CPython is in python*.c. Without Python in the
 * process every function here says "no". What needs the GIL is done only where the calling thread
 * holds it already; a hang in a child takes it, where it must be free (fp_python_enter).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_PYTHON_PYTHON_H
#define FP_SHIM_PYTHON_PYTHON_H

#include "policy/signals.h"
#include "shim/libraries/address.h"

#include <stddef.h>

struct fp_python_frame;

enum { FP_LINE_SIZE = 512, FP_FUNCTION_SIZE = 64 };

/* The calling thread's Python stack as far as it matters. "" = there is no such line. */
struct fp_python_stack {
    char innermost[FP_LINE_SIZE]; /* "file:line"; threading.py is passed over */
    char library[FP_LINE_SIZE];   /* the first line in an installed package */
    char called[FP_LINE_SIZE];    /* the line that the user's line called, if it called any */
    char user[FP_LINE_SIZE];      /* the first line outside packages and the standard library */
    char function[FP_FUNCTION_SIZE];
    bool execs; /* the policy knows that this code forks to exec */
};

/* Asked before each fork that Python code makes: true, with ForkPolicyError set, where it is
   refused. `caller` is an address in Python. */
typedef bool fp_python_fork(const char *call, const void *caller);

/* In the constructor; Python may be there already, not initialised yet. */
void fp_python_init(void);

/* A function of Python's C API, for code that stands in for it; NULL where there is none. */
void *fp_python_function(const char *name);

/* In the constructor: what Python is to ask, once fp_python_hear was called. */
void fp_python_ask(fp_python_fork *is_refused);

/* In the constructor: has multiprocessing start its processes by this method (static), also where
   fork is asked for by name if `replaces_fork`. */
void fp_python_start_by(const char *method, bool replaces_fork);

/* When a thread is started, or a fork was not asked about: has Python ask before each fork from now
   on, at once where the calling thread holds the GIL, else before the main thread runs on. An audit
   hook makes CPython build an argument tuple for every event: only where it is needed. */
void fp_python_hear(void);

/* Whether Python runs in this process. */
bool fp_python_runs(void);

/* "3.11.7", or "" where there is no Python. Static. */
const char *fp_python_version(void);

/* Whether forks can be refused by an exception (audit hooks: Python 3.8 and later). */
bool fp_python_raises(void);

/* Whether this code is Python's own: its threads run Python code, its forks go on in Python. */
bool fp_python_owns(struct fp_owner owner);

/* Whether the calling thread runs Python code right now, with Python's lock held. */
bool fp_python_holds_gil(void);

/* Whether the calling thread holds the GIL, and no other thread has a Python state: none can be in
   code that is called from Python alone, nor come there before this one lets go of the GIL. */
bool fp_python_is_alone(void);

/*
 * Takes the GIL for the calling thread, if it has a Python state; fp_python_leave gives it back.
 * `is_free`: no live thread can be holding it for ever, and it was sound when this process was
 * forked.
 */
bool fp_python_enter(bool is_free, int *state);
void fp_python_leave(int state);

/* False, and all empty, where the calling thread does not hold the GIL. */
bool fp_python_stack(struct fp_python_stack *stack);

/* How many frames the calling thread has; 0 where it does not hold the GIL. */
size_t fp_python_depth(void);

/* Whether the semaphore is that of a lock (threading.Lock, RLock) which the calling thread's code
   can be seen to have: a local or global variable, or an attribute of one. `owner`: the thread that
   holds it, as threading.get_ident says, or 0: only an RLock knows it. Needs the GIL. */
bool fp_python_has_lock(const void *semaphore, unsigned long *owner);

/* Where the calling thread is in queue.Queue.join, of a queue with unfinished tasks: the semaphore
   of the queue's mutex, which is as old as the queue; else NULL. Needs the GIL. */
const void *fp_python_joined_queue(void);

/* The name that Python code gave to a thread (threading.Thread.name); false where it gave none. */
bool fp_python_thread_name(int tid, char *name, size_t size);

/* Another thread that runs Python code, and where it was. */
struct fp_python_thread {
    unsigned long ident; /* threading.get_ident; 0 = not known */
    int tid;             /* 0 = not known */
    char name[40];       /* "" where it has none */
    char line[256];      /* "file:line": the user's, else a library's, else the innermost */
    char function[FP_FUNCTION_SIZE];
};

/* The others of the calling thread's interpreter, the newest of them; how many: 0 where it does not
   hold the GIL, where there is none, and before Python 3.9. Runs no code of the program. */
enum { FP_PYTHON_OTHERS = 32 };
size_t fp_python_other_threads(struct fp_python_thread threads[FP_PYTHON_OTHERS]);

/* The calling thread's frames, innermost first, `most` of them at most; needs the GIL. */
size_t fp_python_frames(struct fp_python_frame *frames, size_t most);

/* Those of the threading.Thread that the calling thread joins, or 0; Python 3.9 and later. Needs
   the GIL, and that no other thread runs: one without the GIL may come or go. */
size_t fp_python_joined_frames(struct fp_python_frame *frames, size_t most);

/* What Python code has set for a signal; needs the GIL. */
enum fp_python_handler {
    FP_PYTHON_HANDLER_NONE,      /* nothing: C code of Python's own handles it */
    FP_PYTHON_HANDLER_INTERRUPT, /* default_int_handler, which raises KeyboardInterrupt */
    FP_PYTHON_HANDLER_OTHER,
};
enum fp_python_handler fp_python_handler(int number);

/* File and name of the Python function that handles a signal; needs the GIL. False where the handler
   is no function or method, or keeps another function that it may call. */
bool fp_python_handler_code(int number, char file[FP_LINE_SIZE], char function[FP_FUNCTION_SIZE]);

/* What the handler would do to a wait, as its code reads; needs the GIL. */
enum fp_effect fp_python_handler_effect(int number);

/* Learns, if the calling thread holds the GIL, what the next two answer. A program that embeds
   Python has handlers of its own in the same object. */
void fp_python_learn_handlers(void);

/* Whether this is the C function by which Python handles signals for Python code. */
bool fp_python_is_handler(const void *handler);

/* Whether a handler of Python's own that is not that function is faulthandler.register's: it writes
   stacks, and may call the handler that was there before. Not so where a program has Python linked
   in. */
bool fp_python_dumps(struct fp_owner owner);

/* Whether the faulthandler module is enabled: it handles the signals of faults. */
bool fp_python_has_faulthandler(void);

/* Sets ForkPolicyError with this message, for an audit hook to return -1. */
void fp_python_raise(const char *message);

/* Has the main thread raise it as soon as it runs Python code again: at the line that waits, if its
   wait ends with EINTR. Needs no GIL. False: one is under way already, or there is no room. */
bool fp_python_raise_soon(const char *message);

/* In the child: Python code has reset the runtime of that name; `error` is "" where it worked. */
typedef void fp_python_reset_done(const char *name, unsigned long microseconds, const char *error);

/* In an audit hook, before the fork: has the runtimes of these names (commas between) reset in the
   child by Python code (python/forkpolicy/resets), which then calls `done`. */
bool fp_python_prepare_resets(const char *names, fp_python_reset_done *done);

/* Where the calling thread runs a task of a multiprocessing.Pool, whose parent never notices that a
   worker has ended: sends the error as the task's result. NULL: only says whether it does. Needs
   the GIL. */
bool fp_python_hand_over(const char *message);

#endif
