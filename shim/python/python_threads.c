/* Python's other threads, see python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/large.h"
#include "policy/site.h"
#include "policy/text.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <string.h>

static long number_of(void *object, const char *name)
{
    void *value = fp_python_api.PyObject_GetAttrString(object, name);
    long number = value ? fp_python_api.PyLong_AsLong(value) : 0;
    fp_python_drop(value);
    fp_python_api.PyErr_Clear();
    return number;
}

static bool names_thread(void *thread, int tid, char *name, size_t size)
{
    bool is_it = number_of(thread, "_native_id") == tid; /* 3.8 and later */
    if (is_it)
        fp_python_copy_attribute(thread, "_name", name, size);
    return is_it && name[0];
}

bool fp_python_thread_name(int tid, char *name, size_t size)
{
    void *type, *value, *trace;
    bool named = false;
    if (!fp_python_holds_gil())
        return false;
    void *threading =
        fp_python_api.PyDict_GetItemString(fp_python_api.PyImport_GetModuleDict(), "threading");
    if (!threading)
        return false;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *active = fp_python_api.PyObject_GetAttrString(threading, "_active");
    void *threads = active ? fp_python_api.PyDict_Values(active) : NULL;
    for (ssize_t i = 0; threads && !named && i < fp_python_api.PyList_Size(threads); i++)
        named = names_thread(fp_python_api.PyList_GetItem(threads, i), tid, name, size);
    fp_python_drop(threads);
    fp_python_drop(active);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return named;
}

/* The threading.Thread whose frame this is, the outermost of its thread, Thread._bootstrap; a new
   reference. Takes over the one to the frame. */
static void *thread_of(void *frame)
{
    void *behind;
    while ((behind = fp_python_frame_behind(frame))) {
        fp_python_drop(frame);
        frame = behind;
    }
    void *thread = fp_python_self_in(frame, "threading.py", "_bootstrap");
    fp_python_drop(frame);
    return thread;
}

static void copy(char *to, size_t size, const char *from)
{
    struct fp_text text = {.data = to, .size = size};
    fp_text_reset(&text);
    fp_text_append(&text, from, strlen(from));
}

static bool describe(void *state, struct fp_python_thread *told)
{
    FP_LARGE static struct fp_python_stack stack; /* whoever has the GIL */
    void *frame = fp_python_api.PyThreadState_GetFrame(state);
    if (!frame)
        return false;
    fp_python_api.Py_IncRef(frame);
    fp_python_stack_from(frame, &stack);
    const char *line = *stack.user ? stack.user : *stack.library ? stack.library : stack.innermost;
    *told = (struct fp_python_thread){.ident = 0};
    copy(told->line, sizeof told->line, line);
    copy(told->function, sizeof told->function, *stack.user ? stack.function : "");
    void *thread = thread_of(frame);
    if (thread) {
        fp_python_copy_attribute(thread, "_name", told->name, sizeof told->name);
        told->ident = (unsigned long)number_of(thread, "_ident");
        told->tid = (int)number_of(thread, "_native_id");
    }
    fp_python_drop(thread);
    return true;
}

size_t fp_python_other_threads(struct fp_python_thread *threads, size_t most)
{
    void *type, *value, *trace;
    size_t count = 0;
    if (!fp_python_holds_gil() || !fp_python_api.PyThreadState_GetFrame ||
        !fp_python_api.PyInterpreterState_Get || fp_python_is_free_threaded())
        return 0;
    void *own = fp_python_api.PyGILState_GetThisThreadState();
    void *state =
        fp_python_api.PyInterpreterState_ThreadHead(fp_python_api.PyInterpreterState_Get());
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    for (; state && count < most; state = fp_python_api.PyThreadState_Next(state))
        count += state != own && describe(state, &threads[count]);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return count;
}
