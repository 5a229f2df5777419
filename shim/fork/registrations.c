/* See registrations.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/fork/registrations.h"

#include "common/large.h"
#include "forkpolicy.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"
#include "shim/libraries/address.h"
#include "shim/libraries/objects.h"
#include "shim/threads/runtimes.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

FP_LARGE static struct fp_registration registrations[FP_REGISTERED_MAX];
static _Atomic uint64_t newest;

static FP_THREAD struct fp_registration *calling; /* whose handler this thread is in */

FP_CHILD uint64_t fp_registrations_newest(void)
{
    return atomic_load_explicit(&newest, memory_order_relaxed);
}

FP_CHILD unsigned fp_registration_number(const struct fp_registration *registration)
{
    return (unsigned)(registration - registrations);
}

FP_CHILD struct fp_registration *fp_registration_after(uint64_t *order)
{
    struct fp_registration *found = NULL;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < FP_REGISTERED_MAX; i++) {
        uint64_t each = atomic_load(&registrations[i].order);
        if (each > *order && each < least) {
            least = each;
            found = &registrations[i];
        }
    }
    *order = least;
    return found;
}

FP_CHILD struct fp_registration *fp_registration_before(uint64_t *order)
{
    struct fp_registration *found = NULL;
    uint64_t most = 0;
    for (unsigned i = 0; i < FP_REGISTERED_MAX; i++) {
        uint64_t each = atomic_load(&registrations[i].order);
        if (each < *order && each > most) {
            most = each;
            found = &registrations[i];
        }
    }
    *order = most;
    return found;
}

/* Of this and of `withdraw` one sees what the other has written first. */
FP_CHILD fp_registered_runtime fp_registration_begin(struct fp_registration *registration,
                                                     uint64_t order)
{
    atomic_fetch_add(&registration->calls, 1);
    fp_registered_runtime runtime = atomic_load(&registration->runtime);
    if (runtime && atomic_load(&registration->order) == order) {
        calling = registration;
        return runtime;
    }
    atomic_fetch_sub(&registration->calls, 1);
    return NULL;
}

FP_CHILD void fp_registration_end(struct fp_registration *registration)
{
    calling = NULL;
    atomic_fetch_sub(&registration->calls, 1);
}

FP_CHILD void fp_registrations_child(void)
{
    for (unsigned i = 0; fp_registrations_newest() && i < FP_REGISTERED_MAX; i++) {
        unsigned own = calling == &registrations[i];
        if (atomic_load(&registrations[i].calls) != own)
            atomic_store(&registrations[i].calls, own);
    }
}

/* The library's hangs are told like any other's, unless another runtime of it stays. */
static void forget_entry(uint32_t entry)
{
    for (unsigned i = 0; i < FP_REGISTERED_MAX; i++)
        if (atomic_load(&registrations[i].runtime) && registrations[i].entry == entry)
            return;
    atomic_store(&fp_runtime_at(entry)->registered, false);
}

/* No handler begins any more, and none runs when this returns: but the one that calls it. */
static bool withdraw(struct fp_registration *registration, fp_registered_runtime runtime)
{
    unsigned own = calling == registration;
    if (!atomic_compare_exchange_strong(&registration->runtime, &runtime, NULL))
        return false;
    while (atomic_load(&registration->calls) > own)
        sched_yield();
    forget_entry(registration->entry);
    atomic_store(&registration->order, 0);
    return true;
}

/* Another library may be where it was. */
static bool is_closed(const struct fp_registration *registration)
{
    const char *path = fp_runtime_at(registration->entry)->dso;
    for (unsigned i = 0; i < FP_MARKS; i++)
        if (registration->marks[i] &&
            fp_owner_of(registration->marks[i]).base != registration->bases[i])
            return true;
    return path && strcmp(fp_owner_of(registration->marks[0]).path, path) != 0;
}

void fp_registrations_sweep(void)
{
    for (unsigned i = 0; i < FP_REGISTERED_MAX; i++) {
        fp_registered_runtime runtime = atomic_load(&registrations[i].runtime);
        if (runtime && is_closed(&registrations[i]))
            withdraw(&registrations[i], runtime);
    }
}

static struct fp_registration *find(fp_registered_runtime runtime)
{
    for (unsigned i = 0; i < FP_REGISTERED_MAX; i++)
        if (atomic_load(&registrations[i].runtime) == runtime)
            return &registrations[i];
    return NULL;
}

static struct fp_registration *take_place(void)
{
    uint64_t order = atomic_fetch_add(&newest, 1) + 1;
    for (unsigned i = 0; i < FP_REGISTERED_MAX; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&registrations[i].order, &none, order))
            return &registrations[i];
    }
    return NULL;
}

static void mark(struct fp_registration *registration, fp_registered_runtime runtime)
{
    const void *const marks[FP_MARKS] = {
        runtime->anchor,
        runtime,
        *(void *const *)&runtime->prepare,
        *(void *const *)&runtime->parent,
        *(void *const *)&runtime->child,
        *(void *const *)&runtime->failed,
    };
    for (unsigned i = 0; i < FP_MARKS; i++) {
        registration->marks[i] = marks[i];
        registration->bases[i] = marks[i] ? fp_owner_of(marks[i]).base : NULL;
    }
}

/* Copied once for a library that is closed and opened again and again. */
static const char *keep_name(struct fp_runtime_entry *entry, const char *name)
{
    const char *kept = atomic_load(&entry->name);
    if (!kept || strcmp(kept, name) != 0)
        kept = fp_arena_copy(name, strlen(name));
    atomic_store(&entry->name, kept);
    return kept;
}

int fp_registered_add(fp_registered_runtime runtime)
{
    unsigned long long changes = fp_objects_changes();
    fp_registrations_sweep();
    struct fp_registration *registration = find(runtime);
    if (registration && registration->changes == changes)
        return EEXIST;
    if (registration) /* it may have been closed and be back at its place */
        withdraw(registration, runtime);
    if (!(registration = take_place()))
        return ENOSPC;
    registration->entry = fp_runtime_intern(fp_owner_of(runtime->anchor).path, "", "");
    registration->changes = changes;
    struct fp_runtime_entry *entry = fp_runtime_at(registration->entry);
    registration->name = keep_name(entry, runtime->name);
    mark(registration, runtime);
    atomic_store(&entry->registered, true);
    atomic_store(&registration->runtime, runtime);
    return 0;
}

int fp_registered_remove(fp_registered_runtime runtime)
{
    struct fp_registration *registration = runtime ? find(runtime) : NULL;
    return registration && withdraw(registration, runtime) ? 0 : ENOENT;
}
