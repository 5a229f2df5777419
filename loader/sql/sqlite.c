/* See sqlite.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/sqlite.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The first caller publishes its table, without a lock that a fork could leave held. */
static _Atomic(const struct fl_sqlite *) published;

static const struct {
    const char *name;
    size_t offset;
} FUNCTIONS[] = {
#define X(name) {"sqlite3_" #name, offsetof(struct fl_sqlite, name)},
    FL_SQLITE(X)
#undef X
};

static const struct fl_sqlite *publish(struct fl_sqlite *made)
{
    const struct fl_sqlite *first = NULL;
    if (atomic_compare_exchange_strong(&published, &first, made))
        return made;
    free(made);
    return first;
}

const struct fl_sqlite *fl_sqlite_open(void)
{
    return atomic_load_explicit(&published, memory_order_acquire);
}

const struct fl_sqlite *fl_sqlite(struct forkloader_error *error)
{
    const struct fl_sqlite *found = fl_sqlite_open();
    struct fl_sqlite *made;
    void *library;
    if (found)
        return found;
    library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fl_fail(error, ENOSYS, "SQL needs SQLite: apt install libsqlite3-0 (%.300s)", dlerror());
        return NULL;
    }
    made = calloc(1, sizeof *made);
    if (!made) {
        fl_fail(error, ENOMEM, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
        void *function = dlsym(library, FUNCTIONS[i].name);
        if (!function) {
            fl_fail(error, ENOSYS, "SQL needs a newer SQLite: this one has no %s",
                    FUNCTIONS[i].name);
            free(made);
            return NULL;
        }
        memcpy((char *)made + FUNCTIONS[i].offset, &function, sizeof function);
    }
    return publish(made);
}
