/* Python's frames and threads, see python.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/package.h"
#include "common/large.h"
#include "policy/hang_event.h"
#include "policy/named_code.h"
#include "policy/site.h"
#include "shim/base/config.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <string.h>
#include <sys/types.h>

void fp_python_copy_attribute(void *object, const char *name, char *buffer, size_t size)
{
    struct fp_text text = {.data = buffer, .size = size};
    void *value = object ? fp_python_api.PyObject_GetAttrString(object, name) : NULL;
    const char *string = value ? fp_python_api.PyUnicode_AsUTF8(value) : NULL;
    fp_text_reset(&text);
    if (string)
        fp_text_append(&text, string, strlen(string));
    fp_python_drop(value);
    fp_python_api.PyErr_Clear();
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

enum { FILE_SIZE = 960 }; /* all of a wait's look has 3 KiB of the stack */

struct frame {
    char file[FILE_SIZE];
    char function[FP_FUNCTION_SIZE];
    int line;
};

/* 3.8 has neither PyFrame_GetCode nor PyFrame_GetBack, but the attributes are there; that of the
   code runs the program's audit hooks. */
void *fp_python_code_of(void *frame)
{
    return fp_python_api.PyFrame_GetCode ? fp_python_api.PyFrame_GetCode(frame)
                                         : fp_python_api.PyObject_GetAttrString(frame, "f_code");
}

static void read_frame(void *object, struct frame *frame)
{
    void *code = fp_python_code_of(object);
    fp_python_copy_attribute(code, "co_filename", frame->file, sizeof frame->file);
    fp_python_copy_attribute(code, "co_name", frame->function, sizeof frame->function);
    frame->line = fp_python_api.PyFrame_GetLineNumber(object);
    fp_python_drop(code);
}

void *fp_python_frame_behind(void *object)
{
    if (fp_python_api.PyFrame_GetBack)
        return fp_python_api.PyFrame_GetBack(object);
    void *back = fp_python_api.PyObject_GetAttrString(object, "f_back");
    if (back != fp_python_none())
        return back;
    fp_python_drop(back);
    return NULL;
}

static bool is_threading(const char *file)
{
    return fp_code_of(file) == FP_CODE_STANDARD && strcmp(fp_basename(file), "threading.py") == 0;
}

/* The script of a package's command (bin/gunicorn): neither the user's code, nor worth a line. */
static bool is_command(const struct frame *frame)
{
    return strcmp(frame->function, "<module>") == 0 && fp_package_starts(frame->file);
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
    if (code == FP_CODE_USER && is_command(frame))
        return true;
    if (code != FP_CODE_USER) {
        set_line(stack->called, frame->file, frame->line);
        return true;
    }
    set_line(stack->user, frame->file, frame->line);
    memcpy(stack->function, frame->function, sizeof stack->function);
    return false;
}

void fp_python_stack_from(void *object, struct fp_python_stack *stack)
{
    enum { DEEPEST = 200 };
    struct frame frame;
    void *type, *value, *trace;
    stack->innermost[0] = stack->library[0] = stack->user[0] = '\0';
    stack->called[0] = stack->function[0] = '\0';
    stack->execs = false;
    if (!object)
        return;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    for (unsigned depth = 0; object && depth < DEEPEST; depth++) {
        read_frame(object, &frame);
        bool more = add_frame(stack, &frame, depth);
        void *back = more ? fp_python_frame_behind(object) : NULL;
        fp_python_drop(object);
        object = back;
    }
    fp_python_drop(object);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
}

bool fp_python_stack(struct fp_python_stack *stack)
{
    bool has_gil = fp_python_holds_gil();
    void *object = has_gil ? fp_python_api.PyEval_GetFrame() : NULL; /* borrowed */
    if (object)
        fp_python_api.Py_IncRef(object);
    fp_python_stack_from(object, stack);
    return has_gil;
}

size_t fp_python_depth(void)
{
    enum { DEEPEST = 2000 };
    size_t depth = 0;
    if (!fp_python_holds_gil())
        return 0;
    bool collects = fp_python_stop_gc();
    void *object = fp_python_api.PyEval_GetFrame(); /* borrowed; the ones behind it are ours */
    for (; object && depth < DEEPEST; depth++) {
        void *back = fp_python_frame_behind(object);
        if (depth)
            fp_python_drop(object);
        object = back;
    }
    if (depth)
        fp_python_drop(object);
    fp_python_start_gc(collects);
    return depth;
}

/* What matters of a long path is its end. */
static void copy_end(char *to, size_t size, const char *from)
{
    size_t length = strlen(from), kept = length < size ? length : size - 1;
    memcpy(to, from + length - kept, kept + 1);
}

/* Takes over the reference to `object`. */
static size_t copy_frames(void *object, struct fp_python_frame *frames, size_t most)
{
    FP_LARGE static struct frame frame; /* one thread looks at a time */
    size_t count = 0;
    for (; object && count < most; count++) {
        read_frame(object, &frame);
        copy_end(frames[count].file, sizeof frames[count].file, frame.file);
        copy_end(frames[count].function, sizeof frames[count].function, frame.function);
        frames[count].line = frame.line;
        void *behind = fp_python_frame_behind(object);
        fp_python_drop(object);
        object = behind;
    }
    fp_python_drop(object);
    return count;
}

size_t fp_python_frames(struct fp_python_frame *frames, size_t most)
{
    void *type, *value, *trace;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    bool collects = fp_python_stop_gc();
    void *object = fp_python_api.PyEval_GetFrame(); /* borrowed */
    if (object)
        fp_python_api.Py_IncRef(object);
    size_t count = copy_frames(object, frames, most);
    fp_python_start_gc(collects);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return count;
}

/* What a frame has under this name, or NULL; a new reference. */
static void *local(void *frame, const char *name)
{
    void *names = fp_python_api.PyObject_GetAttrString(frame, "f_locals");
    void *value = names ? fp_python_api.PyMapping_GetItemString(names, name) : NULL;
    fp_python_drop(names);
    fp_python_api.PyErr_Clear();
    return value;
}

/* The Thread whose end the calling thread waits for. */
static void *joined_thread(void)
{
    FP_LARGE static struct frame frame;
    void *object = fp_python_api.PyEval_GetFrame();
    if (!object)
        return NULL;
    read_frame(object, &frame);
    /* Until 3.12 the latter is what the former waits in. */
    bool joins =
        strcmp(frame.function, "join") == 0 || strcmp(frame.function, "_wait_for_tstate_lock") == 0;
    return joins && is_threading(frame.file) ? local(object, "self") : NULL;
}

/* Whether a thread is this Thread's: its outermost frame is a method of it, Thread._bootstrap. */
static bool belongs_to(void *state, const void *thread)
{
    void *frame = fp_python_state_frame(state), *behind;
    while (frame && (behind = fp_python_frame_behind(frame))) {
        fp_python_drop(frame);
        frame = behind;
    }
    void *self = frame ? local(frame, "self") : NULL;
    fp_python_drop(frame);
    fp_python_drop(self);
    return self == thread;
}

/* sys._current_frames would do, but runs the program's audit hooks. */
size_t fp_python_joined_frames(struct fp_python_frame *frames, size_t most)
{
    void *type, *value, *trace, *state = NULL;
    if (!fp_python_api.PyInterpreterState_Get || !fp_python_api.PyThreadState_GetFrame)
        return 0;
    fp_python_api.PyErr_Fetch(&type, &value, &trace);
    void *thread = joined_thread();
    if (thread)
        state = fp_python_api.PyInterpreterState_ThreadHead(fp_python_api.PyInterpreterState_Get());
    while (state && !belongs_to(state, thread))
        state = fp_python_api.PyThreadState_Next(state);
    size_t count = state ? copy_frames(fp_python_state_frame(state), frames, most) : 0;
    fp_python_drop(thread);
    fp_python_api.PyErr_Clear();
    fp_python_api.PyErr_Restore(type, value, trace);
    return count;
}
