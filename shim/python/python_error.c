/* Python's exceptions and signal handlers, see python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/large.h"
#include "policy/text.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

/* python/forkpolicy/error.py, in embed.S */
extern const char fp_error_source[] __attribute__((visibility("hidden")));

void *fp_python_error_class(void)
{
    static const char NAME[] = "ForkPolicyError";
    void *package =
        fp_python_api.PyDict_GetItemString(fp_python_api.PyImport_GetModuleDict(), "forkpolicy");
    if (package)
        return fp_python_api.PyDict_GetItemString(fp_python_api.PyModule_GetDict(package), NAME);
    return fp_python_embedded("_forkpolicy", fp_error_source, NAME);
}

void fp_python_raise(const char *message)
{
    fp_python_api.PyErr_Clear();
    void *class = fp_python_error_class();
    void **runtime_error = dlsym(RTLD_DEFAULT, "PyExc_RuntimeError");
    fp_python_api.PyErr_Clear();
    if (class || runtime_error)
        fp_python_api.PyErr_SetString(class ? class : *runtime_error, message);
}

FP_LARGE static char pending_message[1024];
static atomic_flag pending = ATOMIC_FLAG_INIT;

static int raise_now(void *unused)
{
    (void)unused;
    fp_python_raise(pending_message);
    atomic_flag_clear(&pending);
    return -1;
}

bool fp_python_raise_soon(const char *message)
{
    struct fp_text text = FP_TEXT(pending_message);
    if (atomic_flag_test_and_set(&pending))
        return false;
    fp_text_reset(&text);
    fp_text_append(&text, message, strlen(message));
    if (fp_python_api.Py_AddPendingCall(raise_now, NULL) == 0)
        return true;
    atomic_flag_clear(&pending);
    return false;
}

/* python/forkpolicy/hand_over.py, in embed.S */
extern const char fp_hand_over_source[] __attribute__((visibility("hidden")));

bool fp_python_hand_over(const char *message)
{
    void *type, *value, *trace;
    bool done = false;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *class = fp_python_error_class();
    void *function = fp_python_embedded("_forkpolicy_pool", fp_hand_over_source, "hand_over");
    void *answer = class && function
                       ? fp_python_api.PyObject_CallFunction(function, "Oz", class, message)
                       : NULL;
    done = answer && fp_python_api.PyLong_AsLong(answer) == 1;
    fp_python_drop(answer);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return done;
}
