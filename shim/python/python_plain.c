/* See python_plain.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/python/python_plain.h"

#include "policy/text.h"
#include "shim/python/python_api.h"

#include <string.h>

enum { ITEMS_MAX = 32 };

void *fp_python_attribute(void *object, const char *name)
{
    void *value = object ? fp_python_api.PyObject_GetAttrString(object, name) : NULL;
    fp_python_api.PyErr_Clear();
    return value;
}

static bool has_attribute(void *object, const char *name)
{
    void *value = fp_python_attribute(object, name);
    fp_python_drop(value);
    return value != NULL;
}

/* "builtins.list", "threading.Event" */
void fp_python_name_type(void *object, char name[FP_TYPE_SIZE])
{
    void *type = fp_python_api.PyObject_Type(object);
    char module[FP_TYPE_SIZE], own[FP_TYPE_SIZE];
    struct fp_text text = {.data = name, .size = FP_TYPE_SIZE};
    fp_python_copy_attribute(type, "__module__", module, sizeof module);
    fp_python_copy_attribute(type, "__name__", own, sizeof own);
    fp_python_drop(type);
    fp_text_reset(&text);
    fp_text_format(&text, "%s.%s", module, own);
}

bool fp_python_is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

bool fp_python_is_scalar(void *value)
{
    static const char *const SCALARS[] = {"builtins.NoneType", "builtins.bool",  "builtins.int",
                                          "builtins.float",    "builtins.str",   "builtins.bytes",
                                          "signal.Signals",    "signal.Handlers"};
    char type[FP_TYPE_SIZE];
    fp_python_name_type(value, type);
    return IS_AMONG(type, SCALARS);
}

/* A list or a tuple; what it holds may be called without a name. */
bool fp_python_holds_scalars(void *container, void *(*item)(void *, ssize_t))
{
    for (ssize_t i = 0; i < ITEMS_MAX; i++) {
        void *value = item(container, i); /* borrowed; NULL behind the last */
        fp_python_api.PyErr_Clear();
        if (!value)
            return true;
        if (!fp_python_is_scalar(value))
            return false;
    }
    return false;
}

static bool is_empty(void *container)
{
    bool empty = fp_python_api.PyObject_IsTrue(container) == 0;
    fp_python_api.PyErr_Clear();
    return empty;
}

bool fp_python_has_plain_values(void *dictionary)
{
    void *values = fp_python_api.PyDict_Values(dictionary);
    bool plain = values && fp_python_holds_scalars(values, fp_python_api.PyList_GetItem);
    fp_python_drop(values);
    return plain;
}

bool fp_python_is_plain_container(void *value, const char *type)
{
    static const char *const EMPTY[] = {"builtins.set", "collections.deque"};
    if (strcmp(type, "builtins.list") == 0)
        return fp_python_holds_scalars(value, fp_python_api.PyList_GetItem);
    if (strcmp(type, "builtins.tuple") == 0)
        return fp_python_holds_scalars(value, fp_python_api.PyTuple_GetItem);
    if (strcmp(type, "builtins.dict") == 0)
        return fp_python_has_plain_values(value);
    return IS_AMONG(type, EMPTY) && is_empty(value);
}

/* threading.Event: to set it wakes those who wait for it. */
bool fp_python_is_event_of_nobody(void *event)
{
    void *condition = fp_python_attribute(event, "_cond");
    void *waiters = fp_python_attribute(condition, "_waiters");
    bool nobody = waiters && is_empty(waiters);
    fp_python_drop(waiters);
    fp_python_drop(condition);
    return nobody;
}

static bool is_object(void *class)
{
    char module[FP_TYPE_SIZE], name[FP_TYPE_SIZE];
    fp_python_copy_attribute(class, "__module__", module, sizeof module);
    fp_python_copy_attribute(class, "__name__", name, sizeof name);
    return strcmp(module, "builtins") == 0 && strcmp(name, "object") == 0;
}

void *fp_python_defined(void *type, const char *name)
{
    void *found = NULL;
    if (!has_attribute(type, name)) /* most are not there */
        return NULL;
    void *order = fp_python_attribute(type, "__mro__");
    for (ssize_t i = 0; order && !found; i++) {
        void *class = fp_python_api.PyTuple_GetItem(order, i); /* borrowed */
        if (!class || is_object(class))
            break;
        void *names = fp_python_attribute(class, "__dict__");
        found = names ? fp_python_api.PyMapping_GetItemString(names, name) : NULL;
        fp_python_api.PyErr_Clear();
        fp_python_drop(names);
    }
    fp_python_api.PyErr_Clear();
    fp_python_drop(order);
    return found;
}

/* Whether an instance has its attributes in a dictionary, and no operators that run code. */
bool fp_python_is_plain_instance(void *object)
{
    static const char *const OPERATORS[] = {"__getattr__", "__setitem__", "__delitem__",
                                            "__enter__", "__iadd__"};
    static const char *const SLOTS[] = {"__setattr__", "__getattribute__", "__delattr__"};
    void *type = fp_python_api.PyObject_Type(object);
    bool plain = !fp_python_api.PyCallable_Check(object) && has_attribute(object, "__dict__");
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        plain = plain && !has_attribute(type, OPERATORS[i]);
    for (size_t i = 0; plain && i < sizeof SLOTS / sizeof *SLOTS; i++) {
        void *slot = fp_python_attribute(type, SLOTS[i]);
        char kind[FP_TYPE_SIZE] = "";
        if (slot)
            fp_python_name_type(slot, kind);
        plain = strcmp(kind, "builtins.wrapper_descriptor") == 0; /* object's own */
        fp_python_drop(slot);
    }
    fp_python_drop(type);
    return plain;
}
