/* Python's signal handlers, see python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "policy/text.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"
#include "shim/python/python_effect.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

static void *imported(const char *module, const char *name)
{
    void *object =
        fp_python_api.PyDict_GetItemString(fp_python_api.PyImport_GetModuleDict(), module);
    return object ? fp_python_api.PyObject_GetAttrString(object, name) : NULL;
}

static void *handler_for(int number)
{
    void *ask = imported("_signal", "getsignal");
    void *handler = ask ? fp_python_api.PyObject_CallFunction(ask, "i", number) : NULL;
    fp_python_drop(ask);
    fp_python_api.PyErr_Clear();
    return handler;
}

/* SIG_DFL and SIG_IGN are the numbers 0 and 1: what is installed is C code of Python's own. */
static bool is_default(void *handler)
{
    long number = fp_python_api.PyLong_AsLong(handler);
    fp_python_api.PyErr_Clear();
    return number == 0 || number == 1;
}

enum fp_python_handler fp_python_handler(int number)
{
    void *type, *value, *trace;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *interrupt = imported("_signal", "default_int_handler"), *handler = handler_for(number);
    enum fp_python_handler answer = FP_PYTHON_HANDLER_OTHER;
    if (handler && handler == interrupt)
        answer = FP_PYTHON_HANDLER_INTERRUPT;
    else if (handler && (handler == fp_python_none() || is_default(handler)))
        answer = FP_PYTHON_HANDLER_NONE;
    fp_python_drop(handler);
    fp_python_drop(interrupt);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return answer;
}

/* Whether a function keeps another one, which it may call: the handler that was set before it. */
static bool keeps_a_function(void *function)
{
    void *cells = fp_python_api.PyObject_GetAttrString(function, "__closure__");
    bool keeps = false;
    for (ssize_t i = 0; cells && cells != fp_python_none() && !keeps; i++) {
        void *cell = fp_python_api.PyTuple_GetItem(cells, i); /* borrowed; NULL behind the last */
        if (!cell)
            break;
        void *kept = fp_python_api.PyObject_GetAttrString(cell, "cell_contents");
        keeps = kept && fp_python_api.PyCallable_Check(kept);
        fp_python_drop(kept);
        fp_python_api.PyErr_Clear();
    }
    fp_python_drop(cells);
    fp_python_api.PyErr_Clear();
    return keeps;
}

bool fp_python_handler_code(int number, char file[FP_LINE_SIZE], char function[FP_FUNCTION_SIZE])
{
    void *type, *value, *trace;
    if (!fp_python_api.PyTuple_GetItem || !fp_python_api.PyCallable_Check)
        return false;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *handler = handler_for(number);
    void *code = handler ? fp_python_api.PyObject_GetAttrString(handler, "__code__") : NULL;
    fp_python_copy_attribute(code, "co_filename", file, FP_LINE_SIZE);
    fp_python_copy_attribute(code, "co_name", function, FP_FUNCTION_SIZE);
    bool is_known = *file && !keeps_a_function(handler);
    fp_python_drop(code);
    fp_python_drop(handler);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return is_known;
}

enum fp_effect fp_python_handler_effect(int number)
{
    void *type, *value, *trace;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *handler = handler_for(number);
    enum fp_effect effect = handler ? fp_python_effect(handler) : FP_EFFECT_UNKNOWN;
    fp_python_drop(handler);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return effect;
}

/* Python has one C function that handles every signal for which Python code was set. It is static:
   its address is learnt from a signal that has such a handler. */
static const void *own_handler;
static bool has_faulthandler, may_dump;

static const void *installed(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0)
        return NULL;
    return *(void **)&action.sa_handler;
}

static bool is_set_by_python(int number)
{
    return fp_python_owns(fp_owner_of(installed(number))) &&
           fp_python_handler(number) != FP_PYTHON_HANDLER_NONE;
}

/* SIGINT first, which Python itself handles, unless it was ignored when Python started. */
static void learn_own_handler(void)
{
    if (is_set_by_python(SIGINT))
        own_handler = installed(SIGINT);
    for (int number = 1; number < 32 && !own_handler; number++)
        if (is_set_by_python(number))
            own_handler = installed(number);
}

static bool ask_faulthandler(void)
{
    void *type, *value, *trace;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *ask = imported("faulthandler", "is_enabled");
    may_dump = ask != NULL;
    void *answer = ask ? fp_python_api.PyObject_CallFunction(ask, NULL) : NULL;
    bool is_enabled = answer && fp_python_api.PyLong_AsLong(answer) == 1;
    fp_python_drop(answer);
    fp_python_drop(ask);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return is_enabled;
}

void fp_python_learn_handlers(void)
{
    if (!fp_python_holds_gil())
        return;
    if (!own_handler)
        learn_own_handler();
    has_faulthandler = ask_faulthandler();
}

bool fp_python_is_handler(const void *handler)
{
    return handler && handler == own_handler;
}

/* signal_handler, faulthandler_fatal_error and faulthandler_user: there is no fourth. */
bool fp_python_dumps(struct fp_owner asked)
{
    const char *name = fp_basename(asked.path);
    return may_dump && fp_python_owns(asked) &&
           (strncmp(name, "libpython", 9) == 0 || strncmp(name, "python", 6) == 0);
}

bool fp_python_has_faulthandler(void)
{
    return has_faulthandler;
}
