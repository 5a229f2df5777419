/*
 * The audit hook, by which Python asks before each fork, see python.h. CPython frees a hook by the
 * allocator that it has at its end, which is another one than before its start in development mode:
 * so the hook is added when Python runs, and not before there is a thread that a fork could lose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <stdatomic.h>
#include <string.h>

extern const char *Py_GetVersion(void) __attribute__((weak));

static fp_python_fork *ask;         /* before each fork that Python code makes */
static fp_python_import *importing; /* before each import */

enum { DEAF, WAITS, HEARS };
static _Atomic int hearing;

static int audit(const char *event, void *arguments, void *data)
{
    (void)data;
    /* Every event of the program passes here: look no further than needed. */
    if (event[0] == 'c' && strcmp(event, "cpython._PySys_ClearAuditHooks") == 0)
        atomic_store(&hearing, DEAF); /* a host may start Python anew */
    if (importing && event[0] == 'i' && strcmp(event, "import") == 0)
        importing(arguments);
    if (event[0] != 'o' || event[1] != 's' || event[2] != '.' || event[3] != 'f')
        return 0;
    if (!ask || (strcmp(event, "os.fork") != 0 && strcmp(event, "os.forkpty") != 0))
        return 0;
    return ask(event + 3, (const void *)Py_GetVersion) ? -1 : 0;
}

/* The program's own audit hooks hear of it, and may forbid it: then forks are refused by OSError.
 */
static int add(void *unused)
{
    void *type, *value, *trace;
    (void)unused;
    if (atomic_exchange(&hearing, HEARS) == HEARS)
        return 0;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    fp_python_api.PySys_AddAuditHook(audit, NULL);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return 0;
}

void fp_python_hear_imports(fp_python_import *function)
{
    importing = function;
    add(NULL);
}

void fp_python_ask(fp_python_fork *is_refused)
{
    if (fp_python_api.PySys_AddAuditHook)
        ask = is_refused;
}

bool fp_python_raises(void)
{
    return ask;
}

void fp_python_hear(void)
{
    int expected = DEAF;
    if (!ask || atomic_load_explicit(&hearing, memory_order_relaxed) == HEARS || !fp_python_runs())
        return;
    if (fp_python_holds_gil())
        add(NULL);
    else if (atomic_compare_exchange_strong(&hearing, &expected, WAITS) &&
             fp_python_api.Py_AddPendingCall(add, NULL) != 0)
        atomic_store(&hearing, DEAF); /* no room: the next thread asks again */
}
