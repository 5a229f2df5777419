/*
 * A program with Python in it that forks by C code and goes on in the child, as uwsgi does: runs a
 * file of Python code, then `use()` in a child. Its master holds Python's lock, or does not.
 * embeds FILE held|free
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void Py_Initialize(void);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);
int PyRun_SimpleStringFlags(const char *, void *);

static char *read_all(const char *path)
{
    static char text[16384];
    FILE *file = fopen(path, "r");
    if (!file || !fread(text, 1, sizeof text - 1, file))
        exit(2);
    fclose(file);
    return text;
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    int is_free = strcmp(arguments[2], "free") == 0;
    void *state = NULL;
    Py_Initialize();
    if (PyRun_SimpleStringFlags(read_all(arguments[1]), NULL) != 0)
        return 2;
    if (is_free)
        state = PyEval_SaveThread();
    pid_t child = fork();
    if (child == 0) {
        /* By its address: a program that is not position-independent has a stub for it. */
        void (*volatile restore)(void *) = PyEval_RestoreThread;
        if (is_free)
            restore(state);
        /* An error is printed, as a server does it. */
        _exit(PyRun_SimpleStringFlags("use()", NULL) != 0);
    }
    int status;
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}
