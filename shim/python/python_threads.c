/* Python's other threads, see python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/large.h"
#include "policy/site.h"
#include "policy/text.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
    struct fp_text text = {.data = to, .size = size};
    fp_text_reset(&text);
    fp_text_append(&text, from, strlen(from));
}

/* What a Thread keeps, borrowed: from its dictionary, since a property, or __getattribute__, would
   run the program's code. */
static void *kept(void *names, const char *name)
{
    void *value = names ? fp_python_api.PyDict_GetItemString(names, name) : NULL;
    fp_python_api.PyErr_Clear();
    return value;
}

static void *names_of(void *thread)
{
    void *(*dictionary)(void *, void *) = fp_python_api.PyObject_GenericGetDict;
    void *names = dictionary ? dictionary(thread, NULL) : NULL;
    fp_python_api.PyErr_Clear();
    return names;
}

static long number_of(void *names, const char *name)
{
    void *value = kept(names, name);
    long number = value ? fp_python_api.PyLong_AsLong(value) : 0;
    fp_python_api.PyErr_Clear();
    return number;
}

static void copy_name(void *names, char *to, size_t size)
{
    void *value = kept(names, "_name");
    const char *name = value ? fp_python_api.PyUnicode_AsUTF8(value) : NULL;
    fp_python_api.PyErr_Clear();
    copy(to, size, name ? name : "");
}

static bool names_thread(void *thread, int tid, char *name, size_t size)
{
    void *names = names_of(thread);
    bool is_it = number_of(names, "_native_id") == tid; /* 3.8 and later */
    if (is_it)
        copy_name(names, name, size);
    fp_python_drop(names);
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

/* Takes over the reference to the frame. */
static void describe(void *frame, struct fp_python_thread *told)
{
    FP_LARGE static struct fp_python_stack stack; /* whoever has the GIL */
    fp_python_api.Py_IncRef(frame);
    fp_python_stack_from(frame, &stack);
    const char *line = *stack.user ? stack.user : *stack.library ? stack.library : stack.innermost;
    *told = (struct fp_python_thread){.ident = 0};
    copy(told->line, sizeof told->line, line);
    copy(told->function, sizeof told->function, *stack.user ? stack.function : "");
    void *thread = thread_of(frame);
    void *names = thread ? names_of(thread) : NULL;
    copy_name(names, told->name, sizeof told->name);
    told->ident = (unsigned long)number_of(names, "_ident");
    told->tid = (int)number_of(names, "_native_id");
    fp_python_drop(names);
    fp_python_drop(thread);
}

/* New references to the frames in which the interpreter's other threads are. */
static size_t other_frames(void *frames[FP_PYTHON_OTHERS])
{
    size_t count = 0;
    void *own = fp_python_api.PyGILState_GetThisThreadState();
    void *state =
        fp_python_api.PyInterpreterState_ThreadHead(fp_python_api.PyInterpreterState_Get());
    for (; state && count < FP_PYTHON_OTHERS; state = fp_python_api.PyThreadState_Next(state)) {
        void *frame = state != own ? fp_python_state_frame(state) : NULL;
        if (frame)
            frames[count++] = frame;
    }
    return count;
}

/* No code of the program may run meanwhile, not even a finalizer: another thread would get the GIL,
   and states could go. */
size_t fp_python_other_threads(struct fp_python_thread threads[FP_PYTHON_OTHERS])
{
    void *type, *value, *trace, *frames[FP_PYTHON_OTHERS];
    if (!fp_python_holds_gil() || !fp_python_api.PyThreadState_GetFrame ||
        !fp_python_api.PyInterpreterState_Get || fp_python_is_free_threaded())
        return 0;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    bool collects = fp_python_stop_gc();
    size_t count = other_frames(frames);
    for (size_t i = 0; i < count; i++)
        describe(frames[i], &threads[i]);
    fp_python_start_gc(collects);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return count;
}
