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

/* What `name` stands for in a module of ours, which is made by running `source` where it is not
   there yet. Borrowed; NULL where it cannot be made. */
void *fp_python_embedded(const char *module, const char *source, const char *name);

/* The frame that called a frame; a new reference, or NULL. */
void *fp_python_frame_behind(void *frame);

/* The string in an attribute, copied; "" when it is none. Clears the error. */
void fp_python_copy_attribute(void *object, const char *name, char *buffer, size_t size);

/* Py_XDECREF. */
void fp_python_drop(void *object);

#endif
