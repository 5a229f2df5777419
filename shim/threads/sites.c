/* See sites.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/threads/sites.h"

#include "common/large.h"
#include "shim/threads/runtimes.h"

#include <stdatomic.h>
#include <string.h>

enum { SITES_MAX = 256 }; /* with thousands the arena would be the limit */

FP_LARGE static const struct fp_site *_Atomic sites[SITES_MAX];

static const struct fp_site nowhere = {"", "", "", "", "", "", ""};

static bool is_same(const struct fp_site *one, const struct fp_site *other)
{
    return strcmp(one->user, other->user) == 0 && strcmp(one->library, other->library) == 0 &&
           strcmp(one->called, other->called) == 0 &&
           strcmp(one->innermost, other->innermost) == 0 &&
           strcmp(one->function, other->function) == 0 && strcmp(one->dso, other->dso) == 0 &&
           strcmp(one->allowed, other->allowed) == 0;
}

static const char *copy(const char *string)
{
    return fp_arena_copy(string, strlen(string));
}

static const struct fp_site *keep(const struct fp_site *site)
{
    struct fp_site *kept = fp_arena_take(sizeof *kept);
    if (!kept)
        return NULL;
    *kept = (struct fp_site){.user = copy(site->user),
                             .library = copy(site->library),
                             .called = copy(site->called),
                             .innermost = copy(site->innermost),
                             .function = copy(site->function),
                             .dso = copy(site->dso),
                             .allowed = copy(site->allowed)};
    return is_same(kept, site) ? kept : NULL; /* there was no room for a string */
}

const struct fp_site *fp_site_keep(const struct fp_site *site)
{
    const struct fp_site *kept = NULL;
    for (size_t i = 0; i < SITES_MAX; i++) {
        const struct fp_site *known = NULL;
        if (atomic_load(&sites[i]))
            known = atomic_load(&sites[i]);
        else if (!kept)
            kept = keep(site);
        /* Another thread may take the place first, with the same site or with another. */
        if (!known && !kept)
            return &nowhere;
        if (!known && atomic_compare_exchange_strong(&sites[i], &known, kept))
            return kept;
        if (is_same(known, site))
            return known;
    }
    return &nowhere;
}
