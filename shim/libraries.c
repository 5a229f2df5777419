/*
 * Libraries that a watched child loads are led through the watch, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/got.h"
#include "shim/self.h"
#include "shim/watched.h"

#include <dlfcn.h>
#include <string.h>

/*
 * The loader searches a name without a slash, and "$ORIGIN", as the caller's own library says: for
 * them it must see the caller, and the library is found at the next such call or fork.
 */
void *fp_watched_dlopen(const char *path, int mode)
{
    void *(*real)(const char *, int);
    *(void **)&real = fp_got_real(FP_WATCHED_dlopen);
    if (!path || !strchr(path, '/') || strchr(path, '$') || fp_self.inside)
        return real(path, mode);
    void *library = real(path, mode);
    struct fp_work work = fp_work_begin();
    if (library)
        fp_got_renew();
    fp_work_end(work);
    return library;
}
