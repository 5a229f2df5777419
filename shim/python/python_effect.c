/* See python_effect.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/python/python_effect.h"

#include "common/large.h"
#include "shim/python/python_api.h"
#include "shim/python/python_plain.h"

#include <string.h>
#include <sys/types.h>

enum { CODES_MAX = 24, OBJECTS_MAX = 12 };

/* A function that may be called, or code within it (lambda, comprehension). */
struct code {
    void *code, *globals, *function;
};

/* One handler: what it may call, found while it is read. Its objects are the instances among what
   its names stand for: any other name may be an attribute of any of them. All are borrowed: the
   handler keeps them. */
struct reading {
    void *objects[OBJECTS_MAX];
    struct code codes[CODES_MAX];
    size_t object_count, code_count;
};

static enum fp_effect worse(enum fp_effect one, enum fp_effect other)
{
    return one > other ? one : other;
}

static enum fp_effect effect_of_name(const char *name)
{
    static const struct {
        const char *name;
        enum fp_effect effect;
    } NAMES[] = {
#define FP_HANDLER_NAME(name, effect) {name, FP_EFFECT_##effect},
#include "shim/python/handler_names.def"
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(NAMES[i].name, name) == 0)
            return NAMES[i].effect;
    return FP_EFFECT_UNKNOWN;
}

static bool is_harmless_module(const char *name)
{
    static const char *const MODULES[] = {
#define FP_HANDLER_MODULE(name) name,
#include "shim/python/handler_names.def"
    };
    return IS_AMONG(name, MODULES);
}

static enum fp_effect add_function(struct reading *reading, void *function);

/* What a class has by a name. */
static enum fp_effect add_method_of_class(struct reading *reading, void *method)
{
    char type[FP_TYPE_SIZE];
    fp_python_name_type(method, type);
    if (strcmp(type, "builtins.function") == 0)
        return add_function(reading, method);
    return fp_python_is_scalar(method) ? FP_EFFECT_NONE : FP_EFFECT_UNKNOWN;
}

/* The methods that operators, statements and built-in functions call without a name. */
static enum fp_effect add_operators(struct reading *reading, void *object)
{
    static const char *const OPERATORS[] = {
#define FP_OPERATOR(name) name,
#include "shim/python/operators.def"
    };
    enum fp_effect effect = FP_EFFECT_NONE;
    void *type = fp_python_api.PyObject_Type(object);
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS && effect == FP_EFFECT_NONE; i++) {
        void *method = fp_python_defined(type, OPERATORS[i]);
        if (method)
            effect = add_method_of_class(reading, method);
        fp_python_drop(method);
    }
    fp_python_drop(type);
    return effect;
}

static enum fp_effect add_object(struct reading *reading, void *object)
{
    for (size_t i = 0; i < reading->object_count; i++)
        if (reading->objects[i] == object)
            return FP_EFFECT_NONE;
    if (reading->object_count == OBJECTS_MAX || !fp_python_is_plain_instance(object))
        return FP_EFFECT_UNKNOWN;
    reading->objects[reading->object_count++] = object;
    return add_operators(reading, object);
}

static enum fp_effect add_code(struct reading *reading, struct code code)
{
    for (size_t i = 0; i < reading->code_count; i++)
        if (reading->codes[i].code == code.code && reading->codes[i].function == code.function)
            return FP_EFFECT_NONE;
    if (!code.code || !code.globals || reading->code_count == CODES_MAX)
        return FP_EFFECT_UNKNOWN;
    reading->codes[reading->code_count++] = code;
    return FP_EFFECT_NONE;
}

/* It is read in its turn. */
static enum fp_effect add_function(struct reading *reading, void *function)
{
    void *code = fp_python_attribute(function, "__code__"),
         *globals = fp_python_attribute(function, "__globals__");
    enum fp_effect effect = add_code(reading, (struct code){code, globals, function});
    fp_python_drop(globals);
    fp_python_drop(code);
    return effect;
}

static enum fp_effect add_method(struct reading *reading, void *method)
{
    void *function = fp_python_attribute(method, "__func__"),
         *self = fp_python_attribute(method, "__self__");
    enum fp_effect effect = FP_EFFECT_UNKNOWN;
    if (function && self)
        effect = worse(add_object(reading, self), add_function(reading, function));
    fp_python_drop(function);
    fp_python_drop(self);
    return effect;
}

/* A function or class in C: by its name, if it is of a module whose names are known. */
static enum fp_effect weigh_built_in(void *value)
{
    char module[FP_TYPE_SIZE], name[FP_TYPE_SIZE];
    fp_python_copy_attribute(value, "__module__", module, sizeof module);
    fp_python_copy_attribute(value, "__name__", name, sizeof name);
    return is_harmless_module(module) ? effect_of_name(name) : FP_EFFECT_UNKNOWN;
}

/* What a name stands for. */
static enum fp_effect weigh_value(struct reading *reading, void *value)
{
    static const char *const BUILT_IN[] = {"builtins.builtin_function_or_method", "builtins.type"};
    static const char *const LOGGERS[] = {"logging.Logger", "logging.RootLogger"};
    char type[FP_TYPE_SIZE], name[FP_TYPE_SIZE];
    fp_python_name_type(value, type);
    if (fp_python_is_scalar(value) || IS_AMONG(type, LOGGERS) ||
        fp_python_is_plain_container(value, type))
        return FP_EFFECT_NONE;
    if (strcmp(type, "builtins.module") == 0) {
        fp_python_copy_attribute(value, "__name__", name, sizeof name);
        return is_harmless_module(name) ? FP_EFFECT_NONE : FP_EFFECT_UNKNOWN;
    }
    if (strcmp(type, "builtins.function") == 0)
        return add_function(reading, value);
    if (strcmp(type, "builtins.method") == 0)
        return add_method(reading, value);
    if (strcmp(type, "_sitebuiltins.Quitter") == 0)
        return FP_EFFECT_EXIT;
    if (IS_AMONG(type, BUILT_IN))
        return weigh_built_in(value);
    if (strcmp(type, "threading.Event") == 0)
        return fp_python_is_event_of_nobody(value) ? FP_EFFECT_NONE : FP_EFFECT_UNKNOWN;
    if (strncmp(type, "builtins.", 9) == 0 || strncmp(type, "_thread.", 8) == 0)
        return FP_EFFECT_UNKNOWN;
    return add_object(reading, value);
}

/* A name as an attribute of an object: its own, or its class's. */
static enum fp_effect weigh_attribute(struct reading *reading, void *object, const char *name,
                                      bool *found)
{
    enum fp_effect effect = FP_EFFECT_NONE;
    void *names = fp_python_attribute(object, "__dict__"),
         *type = fp_python_api.PyObject_Type(object);
    void *own = names ? fp_python_api.PyDict_GetItemString(names, name) : NULL; /* borrowed */
    void *of_class = fp_python_attribute(type, name);
    if (own)
        effect = weigh_value(reading, own);
    if (of_class)
        effect = worse(effect, add_method_of_class(reading, of_class));
    *found = *found || own || of_class;
    fp_python_drop(of_class);
    fp_python_drop(type);
    fp_python_drop(names);
    return effect;
}

static enum fp_effect weigh_name(struct reading *reading, void *globals, const char *name)
{
    enum fp_effect effect = FP_EFFECT_NONE;
    size_t objects = reading->object_count;
    void *value = fp_python_api.PyDict_GetItemString(globals, name); /* borrowed */
    bool found = value != NULL;
    if (value)
        effect = weigh_value(reading, value);
    for (size_t i = 0; i < objects && effect != FP_EFFECT_UNKNOWN; i++)
        effect = worse(effect, weigh_attribute(reading, reading->objects[i], name, &found));
    return found ? effect : effect_of_name(name);
}

static enum fp_effect weigh_names(struct reading *reading, const struct code *code)
{
    enum fp_effect effect = FP_EFFECT_NONE;
    void *names = fp_python_attribute(code->code, "co_names"), *item;
    for (ssize_t i = 0; effect != FP_EFFECT_UNKNOWN; i++) {
        item = names ? fp_python_api.PyTuple_GetItem(names, i) : NULL;
        const char *name = item ? fp_python_api.PyUnicode_AsUTF8(item) : NULL;
        fp_python_api.PyErr_Clear();
        if (!item)
            break;
        effect = worse(effect, name ? weigh_name(reading, code->globals, name) : FP_EFFECT_UNKNOWN);
    }
    fp_python_drop(names);
    return names ? effect : FP_EFFECT_UNKNOWN;
}

static enum fp_effect add_code_within(struct reading *reading, const struct code *code)
{
    enum fp_effect effect = FP_EFFECT_NONE;
    void *constants = fp_python_attribute(code->code, "co_consts"), *item;
    for (ssize_t i = 0; effect != FP_EFFECT_UNKNOWN; i++) {
        char type[FP_TYPE_SIZE];
        item = constants ? fp_python_api.PyTuple_GetItem(constants, i) : NULL;
        fp_python_api.PyErr_Clear();
        if (!item)
            break;
        fp_python_name_type(item, type);
        if (strcmp(type, "builtins.code") == 0)
            effect = add_code(reading, (struct code){item, code->globals, NULL});
    }
    fp_python_drop(constants);
    return constants ? effect : FP_EFFECT_UNKNOWN;
}

/* What a function keeps, and may call without a name: closure and default arguments. */
static enum fp_effect weigh_kept(struct reading *reading, void *function)
{
    enum fp_effect effect = FP_EFFECT_NONE;
    void *cells = fp_python_attribute(function, "__closure__"),
         *defaults = fp_python_attribute(function, "__defaults__");
    void *keywords = fp_python_attribute(function, "__kwdefaults__");
    for (ssize_t i = 0; cells && cells != fp_python_none() && effect != FP_EFFECT_UNKNOWN; i++) {
        void *cell = fp_python_api.PyTuple_GetItem(cells, i);
        fp_python_api.PyErr_Clear();
        if (!cell)
            break;
        void *kept = fp_python_attribute(cell, "cell_contents");
        effect = worse(effect, kept ? weigh_value(reading, kept) : FP_EFFECT_UNKNOWN);
        fp_python_drop(kept);
    }
    if ((defaults && defaults != fp_python_none() &&
         !fp_python_holds_scalars(defaults, fp_python_api.PyTuple_GetItem)) ||
        (keywords && keywords != fp_python_none() && !fp_python_has_plain_values(keywords)))
        effect = FP_EFFECT_UNKNOWN;
    fp_python_drop(keywords);
    fp_python_drop(defaults);
    fp_python_drop(cells);
    return effect;
}

static enum fp_effect weigh_code(struct reading *reading, const struct code *code)
{
    enum fp_effect effect = code->function ? weigh_kept(reading, code->function) : FP_EFFECT_NONE;
    if (effect != FP_EFFECT_UNKNOWN)
        effect = worse(effect, weigh_names(reading, code));
    return effect == FP_EFFECT_UNKNOWN ? effect : worse(effect, add_code_within(reading, code));
}

/* Again, where an object was met: it may have what an earlier name stands for. */
static enum fp_effect weigh_all(struct reading *reading)
{
    enum fp_effect effect;
    size_t objects;
    do {
        objects = reading->object_count;
        effect = FP_EFFECT_NONE;
        for (size_t i = 0; i < reading->code_count; i++)
            effect = worse(effect, weigh_code(reading, &reading->codes[i]));
    } while (reading->object_count > objects);
    return effect;
}

enum fp_effect fp_python_effect(void *callable)
{
    FP_LARGE static struct reading reading; /* one thread looks at a time */
    enum fp_effect effect = FP_EFFECT_UNKNOWN;
    char type[FP_TYPE_SIZE];
    if (!fp_python_api.PyTuple_GetItem || !fp_python_api.PyCallable_Check ||
        !fp_python_api.PyObject_Type || !fp_python_api.PyObject_IsTrue)
        return effect;
    reading = (struct reading){.object_count = 0};
    fp_python_name_type(callable, type);
    if (strcmp(type, "builtins.function") == 0)
        effect = add_function(&reading, callable);
    else if (strcmp(type, "builtins.method") == 0)
        effect = add_method(&reading, callable);
    return effect == FP_EFFECT_UNKNOWN ? effect : weigh_all(&reading);
}
