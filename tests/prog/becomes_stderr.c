/*
 * What descriptor 2 becomes after the start, then a fork that is told of. The first argument says
 * how, the second is a file. SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <fcntl.h>
#include <string.h>

static int open_as_2(const char *path, int flags)
{
    close(2);
    return open(path, flags, 0600);
}

/* With no descriptor but 2 on it. */
static void pipe_as_2(void)
{
    int ends[2];
    int kept = dup(1);
    close(1);
    close(2);
    must(pipe(ends) == 0 && ends[0] == 1 && ends[1] == 2, "pipe");
    must(fcntl(1, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    (void)kept;
}

static void become(const char *how, const char *path)
{
    if (strcmp(how, "database") == 0)
        must(open_as_2(path, O_RDWR | O_CREAT | O_TRUNC) == 2 && write(2, "DATABASE\n", 9) == 9, how);
    if (strcmp(how, "twice") == 0) {
        must(open_as_2(path, O_RDWR | O_CREAT | O_TRUNC) == 2 && write(2, "DATABASE\n", 9) == 9, how);
        must(open(path, O_RDWR) > 2, how);
    }
    if (strcmp(how, "append") == 0)
        must(open_as_2(path, O_WRONLY | O_CREAT | O_APPEND) == 2, how);
    if (strcmp(how, "dup2") == 0)
        must(dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), 2) == 2, how);
    if (strcmp(how, "stdout") == 0)
        must(dup2(1, 2) == 2, how);
    if (strcmp(how, "back") == 0) {
        int kept = dup(2);
        must(open_as_2(path, O_RDWR | O_CREAT | O_TRUNC) == 2 && dup2(kept, 2) == 2, how);
        close(kept);
    }
    if (strcmp(how, "pipe") == 0)
        pipe_as_2();
}

int main(int count, char **arguments)
{
    must(count == 3, "how, and a file");
    become(arguments[1], arguments[2]);
    start_sleeper();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    must(end_of(child) == 0, "the child");
    char byte;
    if (strcmp(arguments[1], "pipe") == 0)
        _exit(read(1, &byte, 1) > 0);
    return 0;
}
