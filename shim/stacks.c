/* See stacks.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/stacks.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern __typeof(pthread_getattr_default_np) pthread_getattr_default_np __attribute__((weak));

/* glibc adds the guard and rounds up; what it looks for on its list is the sum. */
enum { MARGIN = 128 * 1024 };

static pthread_attr_t usual;
static bool is_on;
static _Atomic size_t largest; /* asked for by any thread so far */
static size_t lost;            /* the same at the last fork; 0: nothing was lost */

void fp_stacks_init(void)
{
    is_on = pthread_getattr_default_np && pthread_getattr_default_np(&usual) == 0;
}

static size_t size_of(const pthread_attr_t *attributes)
{
    size_t stack = 0, guard = 0;
    pthread_attr_getstacksize(attributes, &stack);
    pthread_attr_getguardsize(attributes, &guard);
    return stack + guard;
}

/* A stack of the caller's own making. */
static bool has_address(const pthread_attr_t *attributes)
{
    void *start;
    size_t size;
    return pthread_attr_getstack(attributes, &start, &size) == 0 && (uintptr_t)start + size != 0;
}

void fp_stacks_note(const pthread_attr_t *attributes)
{
    if (!is_on || (attributes && has_address(attributes)))
        return;
    size_t size = size_of(attributes ? attributes : &usual), before = atomic_load(&largest);
    while (size > before && !atomic_compare_exchange_weak(&largest, &before, size))
        ;
}

const pthread_attr_t *fp_stacks_choose(const pthread_attr_t *attributes, pthread_attr_t *larger)
{
    const pthread_attr_t *asked = attributes ? attributes : &usual;
    if (!lost || (attributes && has_address(attributes)) || size_of(asked) > lost + MARGIN)
        return attributes;
    *larger = *asked; /* shares what it points to, and is not destroyed */
    pthread_attr_setstacksize(larger, lost + 2 * (size_t)MARGIN);
    return larger;
}

void fp_stacks_child(void)
{
    if (is_on)
        lost = atomic_load(&largest);
}
