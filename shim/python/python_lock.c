/* Which lock a semaphore is, and what a queue has, see python.h. SPDX-License-Identifier:
 * Apache-2.0 */
#define _GNU_SOURCE
#include "policy/site.h"
#include "policy/text.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <string.h>
#include <sys/types.h>

/* CPython 3.8 to 3.13: both kinds of lock begin with a pointer to the semaphore
   (lockobject.lock_lock, rlockobject.rlock_lock). Elsewhere nothing is found. */
struct lock_object {
    void *head[2];
    const void *semaphore;
    unsigned long owner, count; /* of an RLock */
};

struct search {
    void *types[2]; /* _thread.LockType, _thread.RLock */
    const void *semaphore;
    unsigned long owner; /* found: of an RLock that is held */
};

static void *type_of_thread_module(const char *name)
{
    void *module =
        fp_python_api.PyDict_GetItemString(fp_python_api.PyImport_GetModuleDict(), "_thread");
    return module ? fp_python_api.PyObject_GetAttrString(module, name) : NULL;
}

static bool is_sought(struct search *search, void *object)
{
    void *type = fp_python_api.PyObject_Type(object);
    bool is_lock = type && (type == search->types[0] || type == search->types[1]);
    fp_python_drop(type);
    const struct lock_object *lock = object;
    if (!is_lock || lock->semaphore != search->semaphore)
        return false;
    search->owner = type == search->types[1] && lock->count ? lock->owner : 0;
    return true;
}

static bool is_dictionary(void *object)
{
    void *type = fp_python_api.PyObject_Type(object);
    void *wanted = fp_python_api.PyObject_Type(fp_python_api.PyImport_GetModuleDict());
    fp_python_drop(type);
    fp_python_drop(wanted);
    return type && type == wanted;
}

/* In the values of a mapping; `depth`: and in the attributes of each, so many times. */
static bool search_names(struct search *search, void *names, int depth)
{
    void *values = names ? fp_python_api.PyMapping_Values(names) : NULL;
    bool found = false;
    for (ssize_t i = 0; values && !found && i < fp_python_api.PyList_Size(values); i++) {
        void *value = fp_python_api.PyList_GetItem(values, i);
        found = is_sought(search, value);
        if (found || !depth)
            continue;
        void *attributes = fp_python_api.PyObject_GetAttrString(value, "__dict__");
        fp_python_api.PyErr_Clear();
        found =
            attributes && is_dictionary(attributes) && search_names(search, attributes, depth - 1);
        fp_python_drop(attributes);
    }
    fp_python_drop(values);
    fp_python_api.PyErr_Clear();
    return found;
}

static bool search_frame(struct search *search, void *frame)
{
    void *locals = fp_python_api.PyObject_GetAttrString(frame, "f_locals");
    void *globals = fp_python_api.PyObject_GetAttrString(frame, "f_globals");
    bool found = search_names(search, locals, 1) || search_names(search, globals, 0);
    fp_python_drop(locals);
    fp_python_drop(globals);
    fp_python_api.PyErr_Clear();
    return found;
}

bool fp_python_has_lock(const void *semaphore, unsigned long *owner)
{
    enum { FRAMES = 3 };
    void *type, *value, *trace;
    bool found = false;
    if (!fp_python_api.PyObject_Type || !fp_python_api.PyMapping_Values)
        return false;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    struct search search = {
        {type_of_thread_module("LockType"), type_of_thread_module("RLock")}, semaphore, 0};
    void *frame = fp_python_api.PyEval_GetFrame(); /* borrowed */
    fp_python_api.Py_IncRef(frame);
    for (int i = 0; frame && !found && i < FRAMES; i++) {
        found = search_frame(&search, frame);
        void *behind = fp_python_frame_behind(frame);
        fp_python_drop(frame);
        frame = behind;
    }
    fp_python_drop(frame);
    *owner = search.owner;
    fp_python_drop(search.types[0]);
    fp_python_drop(search.types[1]);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return found;
}

void *fp_python_self_in(void *frame, const char *module, const char *function)
{
    char file[FP_LINE_SIZE], name[FP_FUNCTION_SIZE];
    void *code = fp_python_code_of(frame);
    fp_python_copy_attribute(code, "co_filename", file, sizeof file);
    fp_python_copy_attribute(code, "co_name", name, sizeof name);
    fp_python_drop(code);
    if (strcmp(name, function) != 0 || strcmp(fp_basename(file), module) != 0 ||
        fp_code_of(file) != FP_CODE_STANDARD)
        return NULL;
    void *names = fp_python_api.PyObject_GetAttrString(frame, "f_locals");
    void *self = names ? fp_python_api.PyMapping_GetItemString(names, "self") : NULL;
    fp_python_drop(names);
    fp_python_api.PyErr_Clear();
    return self;
}

static const void *semaphore_of_unfinished(void *queue)
{
    const void *semaphore = NULL;
    void *count = fp_python_api.PyObject_GetAttrString(queue, "unfinished_tasks");
    void *mutex = fp_python_api.PyObject_GetAttrString(queue, "mutex");
    void *type = mutex ? fp_python_api.PyObject_Type(mutex) : NULL;
    void *wanted = type_of_thread_module("LockType");
    if (count && type && type == wanted && fp_python_api.PyLong_AsLong(count) > 0)
        semaphore = ((struct lock_object *)mutex)->semaphore;
    fp_python_drop(wanted);
    fp_python_drop(type);
    fp_python_drop(mutex);
    fp_python_drop(count);
    fp_python_api.PyErr_Clear();
    return semaphore;
}

/* The innermost frame is threading's Condition.wait. */
const void *fp_python_joined_queue(void)
{
    void *type, *value, *trace;
    if (!fp_python_api.PyObject_Type || !fp_python_api.PyMapping_GetItemString)
        return NULL;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *frame = fp_python_api.PyEval_GetFrame(); /* borrowed */
    void *behind = frame ? fp_python_frame_behind(frame) : NULL;
    void *queue = behind ? fp_python_self_in(behind, "queue.py", "join") : NULL;
    const void *semaphore = queue ? semaphore_of_unfinished(queue) : NULL;
    fp_python_drop(queue);
    fp_python_drop(behind);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return semaphore;
}
