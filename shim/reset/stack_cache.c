/* See stack_cache.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/stack_cache.h"

#include "shim/base/child_section.h"
#include "shim/libraries/address.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As glibc's list_t, and what follows it: the size of all the stacks on the list. */
struct free_stacks {
    struct free_stacks *next, *previous;
    size_t bytes;
};

enum { LIST_BYTES = offsetof(struct free_stacks, bytes) };

static struct free_stacks *free_stacks;

/* Where a list begins in `_rtld_global`, as debuggers are told: {bits, elements, offset}. */
static size_t offset_of(const char *name)
{
    const uint32_t *told = dlsym(RTLD_DEFAULT, name);
    return told && told[0] == 8 * LIST_BYTES && told[1] == 1 ? told[2] : 0;
}

static size_t size_of(const void *address)
{
    const ElfW(Sym) *symbol = fp_symbol_at(address);
    return symbol ? symbol->st_size : 0;
}

static bool is_list(const struct free_stacks *list)
{
    return list->next && list->previous && list->next->previous == list &&
           list->previous->next == list && (list->next == list) == (list->bytes == 0);
}

bool fp_stacks_init(void)
{
    char *global = dlsym(RTLD_DEFAULT, "_rtld_global");
    size_t used = offset_of("_thread_db_rtld_global__dl_stack_used");
    size_t user = offset_of("_thread_db_rtld_global__dl_stack_user");
    size_t wanted = user + LIST_BYTES;
    if (!global || !used || user != used + LIST_BYTES ||
        wanted + sizeof *free_stacks > size_of(global))
        return false;
    struct free_stacks *list = (void *)(global + wanted);
    if (is_list(list))
        free_stacks = list;
    return free_stacks;
}

FP_CHILD void fp_stacks_child(void)
{
    if (!free_stacks)
        return;
    free_stacks->next = free_stacks->previous = free_stacks;
    free_stacks->bytes = 0;
}
