/* See resolve.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/threads/resolve.h"

#include "common/built.h"
#include "common/files.h"
#include "common/package.h"
#include "policy/site.h"
#include "shim/base/config.h"
#include "shim/base/own_stack.h"
#include "shim/python/python.h"
#include "shim/threads/here.h"

#include <errno.h>
#include <string.h>

/* Relative paths are resolved, too; what is gone keeps the loader's name. */
static const char *real_path(const char *path)
{
    char buffer[1024];
    if (fp_file_real_path(path, buffer, sizeof buffer))
        return fp_arena_copy(buffer, strlen(buffer));
    return path;
}

const char *fp_program_path(void)
{
    static const char *_Atomic found;
    const char *path = atomic_load(&found);
    if (!path) {
        path = real_path("/proc/self/exe");
        atomic_store(&found, path);
    }
    return path;
}

/* A Python thread belongs to the package whose line started it, else to the one whose code made
   the thread, else to Python. */
static bool find_python_package(const struct fp_runtime_entry *entry, struct fp_package *package)
{
    char file[1024];
    struct fp_text text = FP_TEXT(file);
    const char *colon = strrchr(entry->started, ':');
    if (colon)
        fp_text_append(&text, entry->started, (size_t)(colon - entry->started));
    if ((colon && fp_package_find(file, package)) || fp_package_find(entry->file, package))
        return true;
    if (fp_code_of(entry->file) != FP_CODE_STANDARD)
        return false;
    text = (struct fp_text){.data = package->name, .size = sizeof package->name};
    fp_text_format(&text, "python");
    text = (struct fp_text){.data = package->version, .size = sizeof package->version};
    fp_text_format(&text, "%s", fp_python_version());
    return true;
}

extern char **environ;

static const struct fp_resolved nothing = {
    .facts = {.dso = "", .file = "", .thread = "", .package = "", .version = ""},
    .identity = {.asked = FP_ACTION_WARN}};

static void resolve_now(void *context)
{
    struct fp_runtime_entry *entry = context;
    struct fp_package package;
    int saved = errno;
    struct fp_resolved *resolved = fp_arena_take(sizeof *resolved);
    if (!resolved)
        return;
    const char *dso = *entry->dso ? real_path(entry->dso) : fp_program_path();
    if (!(*entry->file ? find_python_package(entry, &package) : fp_package_find(dso, &package)))
        package.name[0] = package.version[0] = '\0';
    if (!package.name[0] && atomic_load(&entry->name)) {
        struct fp_text name = FP_TEXT(package.name);
        fp_text_format(&name, "%s", atomic_load(&entry->name));
    }
    resolved->facts = (struct fp_facts){
        .dso = dso,
        .file = entry->file,
        .thread = "",
        .package = fp_arena_copy(package.name, strlen(package.name)),
        .version = fp_arena_copy(package.version, strlen(package.version)),
    };
    /* A program of Go's own forks by system calls: what else forks there is C code, to exec. */
    bool is_library = *entry->dso && !*entry->file;
    resolved->identity = fp_identify_built(&fp_config.policy, &resolved->facts,
                                           is_library ? fp_library_built_with(dso) : "");
    /* Of two threads that fork at once the later one's answer stays: they are the same. */
    atomic_store_explicit(&entry->resolved, resolved, memory_order_release);
    errno = saved;
}

const struct fp_resolved *fp_resolve(struct fp_runtime_entry *entry)
{
    struct fp_resolved *resolved = atomic_load_explicit(&entry->resolved, memory_order_acquire);
    if (resolved)
        return resolved;
    /* FP_ENTRY_OTHER has no library: its threads are those for which the registry had no room. */
    if (entry->dso)
        fp_on_own_stack(resolve_now, entry);
    resolved = atomic_load_explicit(&entry->resolved, memory_order_acquire);
    return resolved ? resolved : &nothing;
}

/* What a reader looks for is the program's own line. */
static const char *started(struct fp_runtime_entry *entry)
{
    const char *user = atomic_load(&entry->user), *line = atomic_load(&entry->started);
    return user && *user ? user : line ? line : "";
}

struct fp_runtime fp_resolve_runtime(struct fp_runtime_entry *entry, unsigned threads)
{
    const struct fp_resolved *resolved = fp_resolve(entry);
    const struct fp_site *here = fp_here();
    struct fp_runtime runtime = {.facts = resolved->facts,
                                 .identity = resolved->identity,
                                 .threads = threads,
                                 .handlers = atomic_load(&entry->handlers),
                                 .registered = atomic_load(&entry->registered),
                                 .started = started(entry),
                                 .names = ""};
    if (here)
        fp_identify_at(&runtime.identity, &fp_config.policy, &runtime.facts, here);
    return runtime;
}

struct fp_judgement fp_resolve_judgement(const struct fp_runtime *runtime)
{
    return fp_judge(runtime, FP_ORIGIN_PYTHON, (const char *const *)environ);
}
