/*
 * prepares [forks=N] [by_thread] [nested] [small] [unused] [idle] [limit=N] LIBRARY...: uses each
 * library of the kind of lib/prepared.c, forks, and uses it in the child and in the parent again.
 *
 *   forks=N      N children, one after the other (1)
 *   by_thread    forks in a thread of its own
 *   nested       each child forks, too, when it has used them: "grandchild ANSWER..."
 *   small        forks by _Fork
 *   unused       the libraries are loaded only
 *   idle         one more thread, which only sleeps
 *   limit=N      a child has N seconds (60)
 *
 * For each child: "child ANSWER..." or nothing, "status N" (142: it hung), "parent ANSWER...", and
 * for each library "calls N by the forker" or "calls N by another".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>

enum { MOST = 8 };

static struct library {
    int (*use)(int given);
    int (*calls)(void);
    int (*called_by)(pid_t thread, pid_t process);
} libraries[MOST];
static unsigned limit = 60;
static int library_count, forks = 1, is_unused, is_nested;
static pid_t (*forker)(void) = fork;

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);
    must(found != NULL, name);
    return found;
}

static void load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    must(handle != NULL, path);
    must(library_count < MOST, "a place");
    struct library *library = &libraries[library_count++];
    *(void **)&library->use = function(handle, "prepared_use");
    *(void **)&library->calls = function(handle, "prepared_calls");
    *(void **)&library->called_by = function(handle, "prepared_called_by");
}

static void use_all(const char *who)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%s", who);
    for (int i = 0; i < library_count; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, " %d",
                           is_unused ? 0 : libraries[i].use(21));
    say("%s\n", line);
}

static void run_child(int forked)
{
    alarm(limit);
    use_all("child");
    for (int i = 0; i < library_count; i++)
        must(libraries[i].calls() <= forked, "no call in the child");
    if (!is_nested)
        return;
    pid_t child = forker();
    if (child == 0) {
        alarm(limit);
        use_all("grandchild");
        _exit(0);
    }
    must(end_of(child) == 0, "the child of the child");
    use_all("child");
}

static void *run(void *unused)
{
    for (int i = 0; i < forks; i++) {
        pid_t child = forker();
        if (child == 0) {
            run_child(i + 1);
            _exit(0);
        }
        say("status %d\n", end_of(child));
        for (int j = 0; j < library_count; j++)
            say("calls %d by %s\n", libraries[j].calls(),
                libraries[j].called_by((pid_t)syscall(SYS_gettid), getpid()) ? "the forker"
                                                                             : "another");
        use_all("parent");
    }
    return unused;
}

int main(int count, char **arguments)
{
    int by_thread = 0;
    for (int i = 1; i < count; i++) {
        if (strncmp(arguments[i], "forks=", 6) == 0)
            forks = atoi(arguments[i] + 6);
        else if (strncmp(arguments[i], "limit=", 6) == 0)
            limit = (unsigned)atoi(arguments[i] + 6);
        else if (strcmp(arguments[i], "by_thread") == 0)
            by_thread = 1;
        else if (strcmp(arguments[i], "nested") == 0)
            is_nested = 1;
        else if (strcmp(arguments[i], "small") == 0)
            forker = _Fork;
        else if (strcmp(arguments[i], "unused") == 0)
            is_unused = 1;
        else if (strcmp(arguments[i], "idle") == 0)
            start_sleeper();
        else
            load(arguments[i]);
    }
    if (!is_unused)
        use_all("before");
    if (by_thread) {
        pthread_t thread;
        must(pthread_create(&thread, NULL, run, NULL) == 0, "pthread_create");
        must(pthread_join(thread, NULL) == 0, "pthread_join");
    } else {
        run(NULL);
    }
    return 0;
}
