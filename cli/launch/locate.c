/* Where things are: the shim, and commands. See launch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/launch/launch.h"

#include "cli/base/say.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Never the working directory and never LD_LIBRARY_PATH: what is preloaded must be our own
   (proxychains learnt it: CVE-2015-3887). */
static const char *const PLACES[] = {"", "../lib/forkpolicy/"};

const char *fp_cli_library(void)
{
    static char library[PATH_MAX];
    char self[PATH_MAX], candidate[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        fp_cli_say("cannot find out where this program is: is /proc mounted?");
        return NULL;
    }
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        snprintf(candidate, sizeof candidate, "%s/%slibforkpolicy.so", self, PLACES[i]);
        if (realpath(candidate, library))
            return library;
    }
    fp_cli_say("libforkpolicy.so is neither in %s nor in %s/../lib/forkpolicy", self, self);
    return NULL;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Tries each folder of PATH; NULL when the command is in none. */
static char *search_path(const char *command)
{
    const char *folders = getenv("PATH");
    for (const char *at = folders ? folders : "/usr/local/bin:/bin:/usr/bin"; at;) {
        const char *end = strchrnul(at, ':');
        char *path;
        if (asprintf(&path, "%.*s%s%s", (int)(end - at), at, end > at ? "/" : "", command) < 0)
            return NULL;
        if (is_program(path))
            return path;
        free(path);
        at = *end ? end + 1 : NULL;
    }
    return NULL;
}

int fp_cli_find(const char *command, char **path)
{
    *path = strchr(command, '/') ? strdup(command) : search_path(command);
    if (!*path) {
        fp_cli_say("%s: command not found", command);
        return FP_EXIT_NOT_FOUND;
    }
    if (is_program(*path))
        return 0;
    bool missing = access(*path, F_OK) != 0;
    struct stat status;
    bool folder = stat(*path, &status) == 0 && S_ISDIR(status.st_mode);
    fp_cli_say("%s: %s", command,
               missing  ? "no such file"
               : folder ? "is a directory"
                        : "cannot be run (not an executable file, or permission denied)");
    return missing ? FP_EXIT_NOT_FOUND : FP_EXIT_NOT_RUNNABLE;
}

void fp_cli_set_preload(const char *preload)
{
    const char *before = getenv("ASAN_OPTIONS");
    char *options;
    setenv("LD_PRELOAD", preload, 1);
    if (asprintf(&options, "%s%sverify_asan_link_order=0", before ? before : "",
                 before && *before ? ":" : "") < 0)
        return;
    setenv("ASAN_OPTIONS", options, 1);
    free(options);
}

char *fp_cli_preload(bool amplifies)
{
    const char *library = fp_cli_library(), *before = getenv("LD_PRELOAD");
    const char *slash = library ? strrchr(library, '/') : NULL;
    char *value = NULL, *amplifier = NULL;
    if (!library || (amplifies && asprintf(&amplifier, ":%.*slibforkamplify.so",
                                           (int)(slash - library + 1), library) < 0))
        return NULL;
    if (asprintf(&value, "%s%s%s%s", library, amplifier ? amplifier : "",
                 before && *before ? ":" : "", before ? before : "") < 0)
        value = NULL;
    free(amplifier);
    return value;
}
