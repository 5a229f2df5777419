/*
 * The start method of multiprocessing, see python.h: set when its module `context` is imported,
 * before a program can have made anything of it. An audit hook hears of that; it is added by a
 * built-in module, when Python runs far enough for hooks and no module of the program's runs yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/emit.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <string.h>

/* python/forkpolicy/start, in embed.S */
extern const char fp_start_source[] __attribute__((visibility("hidden")));

/* struct _inittab: the built-in modules. */
struct built_in {
    const char *name;
    void *(*initialise)(void);
};
extern struct built_in *PyImport_Inittab __attribute__((weak));

static const char *start_method;
static bool replaces_fork;
static void *(*initialise_posix)(void);

/* tell(text): whole lines for stderr. */
static void *tell(void *self, void *arguments)
{
    (void)self;
    void *text = fp_python_api.PyTuple_GetItem(arguments, 0);
    const char *lines = text ? fp_python_api.PyUnicode_AsUTF8(text) : NULL;
    fp_python_api.PyErr_Clear();
    if (lines)
        fp_emit_text(fp_slice_of(lines));
    return fp_python_api.PyLong_FromLong(0);
}

static void set_start_method(const char *module)
{
    static struct fp_python_method method = {"tell", tell, FP_METH_VARARGS, NULL};
    void *type, *value, *trace;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *told = fp_python_api.PyCFunction_NewEx(&method, NULL, NULL);
    void *class = fp_python_error_class();
    void *set = fp_python_embedded("_forkpolicy_start", fp_start_source, "set_start_method");
    void *answer = told && class && set
                       ? fp_python_api.PyObject_CallFunction(set, "ssiOO", module, start_method,
                                                             (int)replaces_fork, class, told)
                       : NULL;
    fp_python_drop(answer);
    fp_python_drop(told);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
}

static void note_import(void *arguments)
{
    static const char *const CONTEXTS[] = {"multiprocessing.context", "multiprocess.context"};
    void *name = fp_python_api.PyTuple_GetItem(arguments, 0);
    const char *module = name ? fp_python_api.PyUnicode_AsUTF8(name) : NULL;
    for (size_t i = 0; module && i < sizeof CONTEXTS / sizeof *CONTEXTS; i++)
        if (strcmp(module, CONTEXTS[i]) == 0)
            set_start_method(module);
}

static void *hear_and_initialise(void)
{
    fp_python_hear_imports(note_import);
    return initialise_posix();
}

void fp_python_start_by(const char *method, bool replaces)
{
    if (!fp_python_api.PySys_AddAuditHook || !fp_python_api.PyCFunction_NewEx ||
        !fp_python_api.PyTuple_GetItem || !&PyImport_Inittab || fp_python_runs())
        return;
    for (struct built_in *module = PyImport_Inittab; module->name; module++) {
        if (strcmp(module->name, "posix") != 0)
            continue;
        initialise_posix = module->initialise;
        module->initialise = hear_and_initialise;
        start_method = method;
        replaces_fork = replaces;
    }
}
