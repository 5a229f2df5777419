/* See python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/python.h"

#include "policy/site.h"
#include "policy/text.h"
#include "shim/config.h"
#include "shim/fork.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/types.h>

static struct {
#define FP_PYTHON(type, name, parameters) type(*name) parameters;
#include "shim/python_api.def"
#undef FP_PYTHON
} python;

/* Weak: the loader finds it or not. A dlsym that finds nothing would make a heap in programs that
   need none. */
extern const char *Py_GetVersion(void) __attribute__((weak));

static bool found; /* the API is there */
static bool hooked;
static struct fp_owner owner;

enum { FILE_INPUT = 257 }; /* Py_file_input: the same number since Python 1.4 */

static void look_up(void)
{
#define FP_PYTHON(type, name, parameters) *(void **)&python.name = dlsym(RTLD_DEFAULT, #name);
#include "shim/python_api.def"
#undef FP_PYTHON
    if (!python._PyThreadState_UncheckedGet) /* 3.13 made it public and renamed it */
        python._PyThreadState_UncheckedGet = python.PyThreadState_GetUnchecked;
}

/* Everything that has been there since 3.6 must be: anything less is not a Python we know. */
static bool is_complete(void)
{
    return python.Py_IsInitialized && python.Py_DecRef && python.PyGILState_Check &&
           python.PyGILState_GetThisThreadState && python._PyThreadState_UncheckedGet &&
           python.PyEval_GetFrame && python.PyFrame_GetLineNumber &&
           python.PyObject_GetAttrString && python.PyUnicode_AsUTF8 && python.PyLong_AsLong &&
           python.PyImport_GetModuleDict && python.PyImport_AddModule && python.PyModule_GetDict &&
           python.PyDict_GetItemString && python.PyDict_Values && python.PyList_Size &&
           python.PyList_GetItem && python.PyRun_String && python.PyErr_Fetch &&
           python.PyErr_Restore && python.PyErr_Clear && python.PyErr_SetString;
}

static int audit(const char *event, void *arguments, void *data)
{
    (void)arguments;
    (void)data;
    /* Every event of the program passes here: look no further than needed. */
    if (event[0] != 'o' || event[1] != 's' || event[2] != '.' || event[3] != 'f')
        return 0;
    if (strcmp(event, "os.fork") != 0 && strcmp(event, "os.forkpty") != 0)
        return 0;
    return fp_fork_refused_in_python(event + 3, (const void *)Py_GetVersion) ? -1 : 0;
}

void fp_python_init(bool refuses)
{
    if (!Py_GetVersion)
        return;
    look_up();
    if (!is_complete())
        return;
    owner = fp_owner_of((const void *)Py_GetVersion);
    found = true;
    /* Audit hooks make CPython build an argument tuple for every event: only where it is needed. */
    if (refuses && python.PySys_AddAuditHook)
        hooked = python.PySys_AddAuditHook(audit, NULL) == 0;
}

bool fp_python_runs(void)
{
    return found && python.Py_IsInitialized();
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

bool fp_python_raises(void)
{
    return hooked;
}

bool fp_python_owns(struct fp_owner asked)
{
    return found && owner.base && asked.base == owner.base;
}

/*
 * PyGILState_Check alone says yes to everybody once there are sub-interpreters (3.6 to 3.11); the
 * thread's own state must also be the current one.
 */
static bool holds_gil(void)
{
    void *state = fp_python_runs() ? python.PyGILState_GetThisThreadState() : NULL;
    return state && python.PyGILState_Check() && python._PyThreadState_UncheckedGet() == state;
}

static void drop(void *object)
{
    if (object)
        python.Py_DecRef(object);
}

/* The string in an attribute, copied; "" when it is none. */
static void copy_attribute(void *object, const char *name, char *buffer, size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    void *value = object ? python.PyObject_GetAttrString(object, name) : NULL;
    const char *string = value ? python.PyUnicode_AsUTF8(value) : NULL;
    fp_text_reset(&text);
    if (string)
        fp_text_append(&text, string, strlen(string));
    drop(value);
    python.PyErr_Clear();
}

/* "file:line"; of a path that is too long the end is kept. */
static void set_line(char line[FP_LINE_SIZE], const char *file, int number)
{
    struct fp_text text = {.data = line, .size = FP_LINE_SIZE};
    size_t length = strlen(file), most = FP_LINE_SIZE - 32;
    fp_text_reset(&text);
    if (length > most)
        fp_text_format(&text, "...%s:%d", file + length - most, number);
    else
        fp_text_format(&text, "%s:%d", file, number);
}

struct frame {
    char file[FP_LINE_SIZE * 2];
    char function[FP_FUNCTION_SIZE];
    int line;
};

static void read_frame(void *object, struct frame *frame)
{
    /* 3.8 has neither PyFrame_GetCode nor PyFrame_GetBack, but the attributes are there. */
    void *code = python.PyFrame_GetCode ? python.PyFrame_GetCode(object)
                                        : python.PyObject_GetAttrString(object, "f_code");
    copy_attribute(code, "co_filename", frame->file, sizeof frame->file);
    copy_attribute(code, "co_name", frame->function, sizeof frame->function);
    frame->line = python.PyFrame_GetLineNumber(object);
    drop(code);
}

static void *frame_behind(void *object)
{
    if (python.PyFrame_GetBack)
        return python.PyFrame_GetBack(object);
    static void *none;
    if (!none)
        none = dlsym(RTLD_DEFAULT, "_Py_NoneStruct");
    void *back = python.PyObject_GetAttrString(object, "f_back");
    if (back != none)
        return back;
    drop(back);
    return NULL;
}

static bool is_threading(const char *file)
{
    return fp_code_of(file) == FP_CODE_STANDARD && strcmp(fp_basename(file), "threading.py") == 0;
}

/* Takes one frame into account, innermost first; false when no more are needed. */
static bool add_frame(struct fp_python_stack *stack, const struct frame *frame, unsigned depth)
{
    enum fp_code code = fp_code_of(frame->file);
    if (!frame->file[0])
        return true;
    if (depth < 3 && fp_policy_execs(&fp_config.policy, frame->file, frame->function))
        stack->execs = true;
    if (!stack->innermost[0] && !is_threading(frame->file))
        set_line(stack->innermost, frame->file, frame->line);
    if (code == FP_CODE_PACKAGE && !stack->library[0])
        set_line(stack->library, frame->file, frame->line);
    if (code != FP_CODE_USER) {
        set_line(stack->called, frame->file, frame->line);
        return true;
    }
    set_line(stack->user, frame->file, frame->line);
    memcpy(stack->function, frame->function, sizeof stack->function);
    return false;
}

bool fp_python_stack(struct fp_python_stack *stack)
{
    enum { DEEPEST = 200 };
    struct frame frame;
    void *type, *value, *trace;
    stack->innermost[0] = stack->library[0] = stack->user[0] = '\0';
    stack->called[0] = stack->function[0] = '\0';
    stack->execs = false;
    if (!holds_gil())
        return false;
    python.PyErr_Fetch(&type, &value, &trace);
    void *object = python.PyEval_GetFrame(); /* borrowed; the ones behind it are ours */
    for (unsigned depth = 0; object && depth < DEEPEST; depth++) {
        read_frame(object, &frame);
        bool more = add_frame(stack, &frame, depth);
        void *back = more ? frame_behind(object) : NULL;
        if (depth)
            drop(object);
        object = back;
    }
    drop(object);
    python.PyErr_Clear();
    python.PyErr_Restore(type, value, trace);
    return true;
}

static bool names_thread(void *thread, int tid, char *name, size_t size)
{
    void *native_id = python.PyObject_GetAttrString(thread, "_native_id"); /* 3.8 and later */
    long id = native_id ? python.PyLong_AsLong(native_id) : 0;
    drop(native_id);
    python.PyErr_Clear();
    if (id == tid)
        copy_attribute(thread, "_name", name, size);
    return id == tid && name[0];
}

bool fp_python_thread_name(int tid, char *name, size_t size)
{
    void *type, *value, *trace;
    bool named = false;
    if (!holds_gil())
        return false;
    void *threading = python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "threading");
    if (!threading)
        return false;
    python.PyErr_Fetch(&type, &value, &trace);
    void *active = python.PyObject_GetAttrString(threading, "_active");
    void *threads = active ? python.PyDict_Values(active) : NULL;
    for (ssize_t i = 0; threads && !named && i < python.PyList_Size(threads); i++)
        named = names_thread(python.PyList_GetItem(threads, i), tid, name, size);
    drop(threads);
    drop(active);
    python.PyErr_Clear();
    python.PyErr_Restore(type, value, trace);
    return named;
}

/* python/forkpolicy/error.py, in embed.S */
extern const char fp_error_source[] __attribute__((visibility("hidden")));

/* The package's class where it is imported, else one of our own in the module _forkpolicy. */
static void *error_class(void)
{
    static const char NAME[] = "ForkPolicyError";
    void *package = python.PyDict_GetItemString(python.PyImport_GetModuleDict(), "forkpolicy");
    void *module = package ? package : python.PyImport_AddModule("_forkpolicy");
    void *names = module ? python.PyModule_GetDict(module) : NULL;
    void *class = names ? python.PyDict_GetItemString(names, NAME) : NULL;
    if (class || !names || package)
        return class;
    drop(python.PyRun_String(fp_error_source, FILE_INPUT, names, names));
    return python.PyDict_GetItemString(names, NAME);
}

void fp_python_raise(const char *message)
{
    python.PyErr_Clear();
    void *class = error_class();
    void **runtime_error = dlsym(RTLD_DEFAULT, "PyExc_RuntimeError");
    python.PyErr_Clear();
    if (class || runtime_error)
        python.PyErr_SetString(class ? class : *runtime_error, message);
}
