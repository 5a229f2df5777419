/* The Python behind a script. See launch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/launch/launch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool fp_cli_is_script(const char *program)
{
    char head[2] = {0};
    FILE *file = fopen(program, "re");
    bool script = file && fread(head, 1, 2, file) == 2 && head[0] == '#' && head[1] == '!';
    if (file)
        (void)fclose(file);
    return script;
}

static bool is_python(const char *program)
{
    const char *slash = strrchr(program, '/');
    return strncmp(slash ? slash + 1 : program, "python", 6) == 0;
}

static void ask(const char *script, int output)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(output, STDOUT_FILENO);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execl(script, script, "-Sc", "import sys; sys.stdout.write(sys.executable)", (char *)NULL);
    _exit(1);
}

char *fp_cli_python_behind(const char *script)
{
    char path[PATH_MAX] = "";
    int ends[2], status = -1;
    size_t length = 0;
    ssize_t got;
    if (!is_python(script) || !fp_cli_is_script(script) || pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    pid_t child = fork();
    if (child == 0)
        ask(script, ends[1]);
    close(ends[1]);
    while ((got = read(ends[0], path + length, sizeof path - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    bool good = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    return good && path[0] == '/' && access(path, X_OK) == 0 ? strdup(path) : NULL;
}
