/*
 * Regions of GNU's libgomp, which waits by system calls of its own that nobody sees. But what it
 * will do is known: a thread that had a team in the parent waits, at the beginning of its next
 * region of more than one thread, for workers that it lost (gomp_team_start, GCC 4.9 to 15).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/clock.h"
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/libraries/elf.h"
#include "shim/libraries/objects.h"
#include "shim/libraries/openmp.h"
#include "shim/threads/origin.h"
#include "shim/threads/runtimes.h"
#include "shim/watch/got.h"
#include "shim/watch/selector.h"
#include "shim/watch/watched.h"

#include <dlfcn.h>
#include <errno.h>

/* What an omp_get_... function of that copy of libgomp says. */
static int ask(const struct fp_elf *libgomp, const char *name, int otherwise)
{
    int (*get)(void);
    *(void **)&get = fp_elf_function(libgomp, name);
    return get ? get() : otherwise;
}

static bool would_wait(const struct fp_object *object, unsigned threads, unsigned most)
{
    struct fp_elf libgomp;
    uint32_t entry = fp_runtime_find(object->name);
    if (entry == FP_ENTRY_NONE || !atomic_load(&fp_runtime_at(entry)->workers_lost) ||
        !fp_object_read(object, &libgomp) || !fp_openmp_is_gnu(&libgomp))
        return false;
    unsigned team = threads ? threads : (unsigned)ask(&libgomp, "omp_get_max_threads", 1);
    /* With these, the team may become smaller than asked for. */
    bool is_certain = !ask(&libgomp, "omp_get_dynamic", 1) && !ask(&libgomp, "omp_get_level", 1) &&
                      ask(&libgomp, "omp_get_thread_limit", 1) > 1;
    return is_certain && team > 1 && most > 1;
}

static void enter(const void *behind, const void *caller, unsigned threads, unsigned most)
{
    /* Another thread than the one that forked makes itself a new team. */
    if (!fp_origin_is_survivor() || fp_self.inside)
        return;
    int saved = errno;
    fp_dispatch_resume();
    const struct fp_object *object = fp_object_of(behind);
    struct fp_waiting waiting = {
        .wait = FP_WAIT_REGION, .object = behind, .caller = caller, .since = fp_milliseconds()};
    if (object && would_wait(object, threads, most))
        fp_hang_look(&waiting);
    errno = saved;
}

#define FP_REGION(name, parameters, arguments, most)                    \
    void fp_watched_##name parameters                                   \
    {                                                                   \
        const void *caller = __builtin_return_address(0);               \
        void *behind = fp_got_behind(FP_WATCHED_##name, caller);        \
        void(*real) parameters;                                         \
        *(void **)&real = behind ? behind : dlsym(RTLD_DEFAULT, #name); \
        enter(behind, caller, threads, most);                           \
        real arguments;                                                 \
    }
#include "shim/watch/omp_regions.def"
#undef FP_REGION
