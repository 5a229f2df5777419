/* See tail.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/tail.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_log(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

void fp_tail_begin(struct fp_tail *tail, const char *path)
{
    char buffer[4096];
    ssize_t got;
    *tail = (struct fp_tail){.path = path};
    int file = open_log(path);
    while (file >= 0 && (got = read(file, buffer, sizeof buffer)) > 0) {
        tail->at += got;
        for (ssize_t i = 0; i < got; i++)
            tail->line += buffer[i] == '\n';
    }
    if (file >= 0)
        close(file);
}

void fp_tail_read(struct fp_tail *tail, fp_log_visit *visit, void *context)
{
    static char buffer[FP_LOG_LINE_MAX + 1];
    int file = open_log(tail->path);
    ssize_t got;
    if (file < 0)
        return;
    while ((got = pread(file, buffer, FP_LOG_LINE_MAX, tail->at)) > 0) {
        const char *line = buffer, *end, *limit = buffer + got;
        while ((end = memchr(line, '\n', (size_t)(limit - line)))) {
            fp_log_read_line(tail->path, ++tail->line, line, (size_t)(end - line), visit, context,
                             &tail->count);
            line = end + 1;
        }
        /* No line of the shim's is that long: without a newline it is somebody else's. */
        tail->at += line > buffer ? line - buffer : got == FP_LOG_LINE_MAX ? got : 0;
        if (line == buffer && got < FP_LOG_LINE_MAX)
            break;
    }
    close(file);
}
