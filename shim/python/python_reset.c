/* Runs the resets that are written in Python, see python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <stddef.h>

static fp_python_reset_done *tell_done;

/* report(name, microseconds, error): a runtime was reset in this child, or could not be. */
static void *report(void *self, void *arguments)
{
    (void)self;
    void *name = fp_python_api.PyTuple_GetItem(arguments, 0);
    void *microseconds = fp_python_api.PyTuple_GetItem(arguments, 1);
    void *error = fp_python_api.PyTuple_GetItem(arguments, 2);
    const char *name_text = name ? fp_python_api.PyUnicode_AsUTF8(name) : NULL;
    const char *error_text =
        error && error != fp_python_none() ? fp_python_api.PyUnicode_AsUTF8(error) : NULL;
    long time = microseconds ? fp_python_api.PyLong_AsLong(microseconds) : 0;
    fp_python_api.PyErr_Clear();
    if (name_text)
        tell_done(name_text, time > 0 ? (unsigned long)time : 0, error_text ? error_text : "");
    return fp_python_api.PyLong_FromLong(0);
}

static struct fp_python_method report_method = {"report", report, FP_METH_VARARGS, NULL};

/* python/forkpolicy/resets, in embed.S */
extern const char fp_resets_source[] __attribute__((visibility("hidden")));

bool fp_python_prepare_resets(const char *names, fp_python_reset_done *done)
{
    static void *callback;
    void *type, *value, *trace;
    if (!fp_python_api.PyCFunction_NewEx || !fp_python_api.PyTuple_GetItem ||
        !fp_python_api.PyLong_FromLong || !fp_python_holds_gil() || fp_python_any_gone())
        return false;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    tell_done = done;
    if (!callback)
        callback = fp_python_api.PyCFunction_NewEx(&report_method, NULL, NULL);
    void *prepare =
        callback ? fp_python_embedded("_forkpolicy_resets", fp_resets_source, "prepare") : NULL;
    void *answer =
        prepare ? fp_python_api.PyObject_CallFunction(prepare, "sO", names, callback) : NULL;
    bool is_prepared = answer != NULL;
    fp_python_drop(answer);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return is_prepared;
}
