/*
 * CPython's C API as the shim found it; for python*.c alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_PYTHON_PYTHON_API_H
#define FP_SHIM_PYTHON_PYTHON_API_H

#include <stdbool.h>
#include <sys/types.h>

struct fp_python_api {
#define FP_PYTHON(type, name, parameters) type(*name) parameters;
#include "shim/python/python_api.def"
#undef FP_PYTHON
};

extern struct fp_python_api fp_python_api;

/* Borrowed. */
void *fp_python_none(void);

/* Needs the GIL: no finalizer of the program runs in between (Python 3.10 and later). The latter is
   given what the former has returned. */
bool fp_python_stop_gc(void);
void fp_python_start_gc(bool ran);

/* What `name` stands for in a module of ours, which is made by running `source` where it is not
   there yet. Borrowed; NULL where it cannot be made. */
void *fp_python_embedded(const char *module, const char *source, const char *name);

/* ForkPolicyError: the package's where it is imported, else one of our own. Borrowed; or NULL. */
void *fp_python_error_class(void);

/* PyMethodDef, part of the stable ABI, of a function of ours that takes a tuple of arguments. */
struct fp_python_method {
    const char *name;
    void *(*function)(void *self, void *arguments);
    int flags;
    const char *doc;
};
enum { FP_METH_VARARGS = 1 }; /* the same since Python 1.6 */

/* In the audit hook: a module is about to be imported; the arguments of the event. */
typedef void fp_python_import(void *arguments);

/* Adds the audit hook where Python initialises a built-in module: its allocators are settled. */
void fp_python_hear_imports(fp_python_import *importing);

/* The code object of a frame; a new reference. */
void *fp_python_code_of(void *frame);

/* The frame that called a frame; a new reference, or NULL. */
void *fp_python_frame_behind(void *frame);

/* The frame in which a thread is, by its state; a new reference. NULL where the thread runs no Python
   code, or is gone. Needs the GIL, and PyThreadState_GetFrame. */
void *fp_python_state_frame(void *state);

/* Whether another thread is gone and has left a state from which Python itself, asked for all frames,
   would read by a wild pointer. Needs the GIL. */
bool fp_python_any_gone(void);

/* What a frame calls `self`, where it runs this function of a standard module; a new reference. */
void *fp_python_self_in(void *frame, const char *module, const char *function);

/* As fp_python_stack, from this frame on: takes over the reference to it, which may be NULL. Needs
   the GIL. */
struct fp_python_stack;
void fp_python_stack_from(void *frame, struct fp_python_stack *stack);

/* Whether there is no GIL. */
bool fp_python_is_free_threaded(void);

/* The string in an attribute, copied; "" when it is none. Clears the error. */
void fp_python_copy_attribute(void *object, const char *name, char *buffer, size_t size);

/* Py_XDECREF. */
void fp_python_drop(void *object);

#endif
