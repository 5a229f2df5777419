/* See output.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/report/output.h"

#include "cli/base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A temporary beside the file, with the mode that a new file would have. */
static bool open_beside(struct fp_output *output)
{
    mode_t mask = umask(0);
    umask(mask);
    if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0)
        output->temporary = NULL;
    int file = output->temporary ? mkostemp(output->temporary, O_CLOEXEC) : -1;
    if (file >= 0 && fchmod(file, 0666 & ~mask) == 0)
        output->stream = fdopen(file, "w");
    return output->stream != NULL;
}

bool fp_output_open(struct fp_output *output, const char *path)
{
    struct stat status;
    *output = (struct fp_output){.stream = stdout};
    if (!path || strcmp(path, "-") == 0)
        return true;
    output->stream = NULL;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        output->stream = S_ISDIR(status.st_mode) ? NULL : fopen(path, "we");
        errno = S_ISDIR(status.st_mode) ? EISDIR : errno;
    } else {
        output->path = realpath(path, NULL); /* a link stays one */
        output->path = output->path ? output->path : strdup(path);
        if (output->path)
            open_beside(output);
    }
    if (!output->stream)
        fp_cli_say("%s: %s", path, strerror(errno));
    return output->stream != NULL;
}

bool fp_output_close(struct fp_output *output, bool good)
{
    good = !ferror(output->stream) && good;
    good = (output->stream == stdout ? fflush(stdout) : fclose(output->stream)) == 0 && good;
    if (good && output->path)
        good = rename(output->temporary, output->path) == 0;
    if (!good)
        fp_cli_say("%s: the report could not be written: %s",
                   output->path ? output->path : "stdout", strerror(errno));
    if (!good && output->temporary)
        (void)unlink(output->temporary);
    free(output->path);
    free(output->temporary);
    return good;
}
