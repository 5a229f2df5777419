/*
 * Python objects that are plain data: whatever code does with them calls nobody. Needs the GIL; the
 * error is cleared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_PYTHON_PYTHON_PLAIN_H
#define FP_SHIM_PYTHON_PYTHON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { FP_TYPE_SIZE = 64 };

/* A new reference, or NULL. */
void *fp_python_attribute(void *object, const char *name);

/* "builtins.list", "threading.Event" */
void fp_python_name_type(void *object, char name[FP_TYPE_SIZE]);

bool fp_python_is_among(const char *name, const char *const *names, size_t count);
#define IS_AMONG(name, names) fp_python_is_among(name, names, sizeof(names) / sizeof *(names))

/* None, a number, a string, a signal. */
bool fp_python_is_scalar(void *value);

/* Whether all in a list or a tuple, which `item` reads, or in a dictionary are scalars. */
bool fp_python_holds_scalars(void *container, void *(*item)(void *, ssize_t));
bool fp_python_has_plain_values(void *dictionary);

/* A built-in container of this type that holds scalars; a set or deque must be empty. */
bool fp_python_is_plain_container(void *value, const char *type);

/* threading.Event: to set it wakes those who wait for it. */
bool fp_python_is_event_of_nobody(void *event);

/* What a class, or one that it inherits from, defines by this name, but for `object`; NULL:
   nothing. A new reference. */
void *fp_python_defined(void *type, const char *name);

/* Whether an instance has its attributes in a dictionary, and no operators that run code. */
bool fp_python_is_plain_instance(void *object);

#endif
