/* See python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/python/python.h"

#include "policy/site.h"
#include "policy/text.h"
#include "shim/python/python_api.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/types.h>

struct fp_python_api fp_python_api;

/* Weak: the loader finds it or not. A dlsym that finds nothing would make a heap in programs that
   need none. */
extern const char *Py_GetVersion(void) __attribute__((weak));

static bool found; /* the API is there */
static struct fp_owner owner;

static void look_up(void)
{
#define FP_PYTHON(type, name, parameters) \
    *(void **)&fp_python_api.name = dlsym(RTLD_DEFAULT, #name);
#include "shim/python/python_api.def"
#undef FP_PYTHON
    if (!fp_python_api._PyThreadState_UncheckedGet) /* 3.13 made it public and renamed it */
        fp_python_api._PyThreadState_UncheckedGet = fp_python_api.PyThreadState_GetUnchecked;
}

/* Everything that has been there since 3.6 must be: anything less is not a Python we know. */
static bool is_complete(void)
{
    return fp_python_api.Py_IsInitialized && fp_python_api.Py_IncRef && fp_python_api.Py_DecRef &&
           fp_python_api.PyGILState_Check && fp_python_api.PyGILState_GetThisThreadState &&
           fp_python_api._PyThreadState_UncheckedGet && fp_python_api.PyEval_GetFrame &&
           fp_python_api.PyFrame_GetLineNumber && fp_python_api.PyObject_GetAttrString &&
           fp_python_api.PyUnicode_AsUTF8 && fp_python_api.PyLong_AsLong &&
           fp_python_api.PyImport_GetModuleDict && fp_python_api.PyImport_AddModule &&
           fp_python_api.PyModule_GetDict && fp_python_api.PyDict_GetItemString &&
           fp_python_api.PyDict_Values && fp_python_api.PyList_Size &&
           fp_python_api.PyList_GetItem && fp_python_api.PyRun_String &&
           fp_python_api.PyErr_Fetch && fp_python_api.PyErr_Restore && fp_python_api.PyErr_Clear &&
           fp_python_api.PyErr_SetString && fp_python_api.PyGILState_Ensure &&
           fp_python_api.PyGILState_Release && fp_python_api.Py_AddPendingCall &&
           fp_python_api.PyObject_CallFunction;
}

void fp_python_init(void)
{
    if (!Py_GetVersion)
        return;
    look_up();
    if (!is_complete())
        return;
    owner = fp_owner_of((const void *)Py_GetVersion);
    found = true;
}

/* A program that takes a function's address without being position-independent has a stub of its
   own by that name, which jumps through the slot that the watch turns. */
void *fp_python_function(const char *name)
{
    void *function = found ? dlsym(RTLD_DEFAULT, name) : NULL;
    const ElfW(Sym) *symbol = fp_symbol_at(function);
    bool is_stub = symbol && symbol->st_shndx == SHN_UNDEF;
    return is_stub ? dlsym(RTLD_NEXT, name) : function;
}

bool fp_python_runs(void)
{
    return found && fp_python_api.Py_IsInitialized();
}

const char *fp_python_version(void)
{
    static char version[32];
    if (found && !version[0]) {
        const char *full = Py_GetVersion(); /* "3.11.7 (main, ...) [GCC ...]" */
        struct fp_text text = FP_TEXT(version);
        fp_text_append(&text, full, strcspn(full, " "));
    }
    return version;
}

bool fp_python_owns(struct fp_owner asked)
{
    return found && owner.base && asked.base == owner.base;
}

/*
 * PyGILState_Check alone says yes to everybody once there are sub-interpreters (3.6 to 3.11); the
 * thread's own state must also be the current one.
 */
bool fp_python_holds_gil(void)
{
    void *state = fp_python_runs() ? fp_python_api.PyGILState_GetThisThreadState() : NULL;
    return state && fp_python_api.PyGILState_Check() &&
           fp_python_api._PyThreadState_UncheckedGet() == state;
}

bool fp_python_is_free_threaded(void)
{
    return strstr(Py_GetVersion(), "free-threading");
}

/* A thread that comes to be one of Python's puts itself at the head, and takes the GIL next. */
bool fp_python_is_alone(void)
{
    if (!fp_python_holds_gil() || !fp_python_api.PyInterpreterState_Get ||
        fp_python_is_free_threaded())
        return false;
    void *interpreter = fp_python_api.PyInterpreterState_Head();
    void *state = fp_python_api.PyInterpreterState_ThreadHead(interpreter);
    return interpreter == fp_python_api.PyInterpreterState_Get() &&
           !fp_python_api.PyInterpreterState_Next(interpreter) &&
           !fp_python_api.PyThreadState_Next(state);
}

/*
 * Taking it is safe only where it is sure to be free, or to be let go: a thread that waits for ever
 * may hold it.
 */
bool fp_python_enter(bool is_free, int *state)
{
    *state = -1;
    if (fp_python_holds_gil())
        return true;
    if (!is_free || !fp_python_runs() || !fp_python_api.PyGILState_GetThisThreadState())
        return false;
    *state = fp_python_api.PyGILState_Ensure();
    return true;
}

void fp_python_leave(int state)
{
    if (state != -1)
        fp_python_api.PyGILState_Release(state);
}

void fp_python_drop(void *object)
{
    if (object)
        fp_python_api.Py_DecRef(object);
}

bool fp_python_stop_gc(void)
{
    return fp_python_api.PyGC_Disable && fp_python_api.PyGC_Disable();
}

void fp_python_start_gc(bool ran)
{
    if (ran)
        fp_python_api.PyGC_Enable();
}

void *fp_python_none(void)
{
    static void *none;
    if (!none)
        none = dlsym(RTLD_DEFAULT, "_Py_NoneStruct");
    return none;
}

void *fp_python_embedded(const char *module, const char *source, const char *name)
{
    enum { FILE_INPUT = 257 }; /* Py_file_input: the same number since Python 1.4 */
    void *made = fp_python_api.PyImport_AddModule(module);
    void *names = made ? fp_python_api.PyModule_GetDict(made) : NULL;
    void *known = names ? fp_python_api.PyDict_GetItemString(names, name) : NULL;
    if (known || !names)
        return known;
    /* Python 3.7 does not add them by itself. */
    void *builtins =
        fp_python_api.PyDict_GetItemString(fp_python_api.PyImport_GetModuleDict(), "builtins");
    if (builtins)
        fp_python_api.PyDict_SetItemString(names, "__builtins__", builtins);
    fp_python_drop(fp_python_api.PyRun_String(source, FILE_INPUT, names, names));
    return fp_python_api.PyDict_GetItemString(names, name);
}
