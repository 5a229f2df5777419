/*
 * Forks a child beside a thread, has it end in the way that the first argument names, and waits for
 * it in the way of the second one. Prints how it ended. SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <sys/resource.h>

static void crash(int number)
{
    struct sigaction before;
    must(sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL, "no handler");
    raise(number);
}

static void end(const char *how)
{
    static const struct {
        const char *how;
        int number;
    } SIGNALS[] = {{"segv", SIGSEGV}, {"bus", SIGBUS},   {"fpe", SIGFPE},
                   {"ill", SIGILL},   {"term", SIGTERM}, {"kill", SIGKILL}};
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        if (strcmp(how, SIGNALS[i].how) == 0)
            crash(SIGNALS[i].number);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "exec") == 0)
        execl("/bin/sh", "sh", "-c", "kill -SEGV $$", NULL);
    while (strcmp(how, "aborted") == 0 || strcmp(how, "aborted then killed") == 0 ||
           strcmp(how, "aborted as a group") == 0)
        pause();
    _exit(strcmp(how, "exit") == 0 ? 5 : 6);
}

static void end_child(pid_t child, const char *how)
{
    if (strcmp(how, "aborted as a group") == 0)
        must(killpg(child, SIGABRT) == 0, "killpg");
    else if (strncmp(how, "aborted", 7) == 0)
        must(kill(child, SIGABRT) == 0, "kill");
    if (strcmp(how, "aborted then killed") == 0)
        must(kill(child, SIGKILL) == 0, "kill");
}

/* A handler that takes what has ended comes too late for whom the main thread waits. */
static void take_all(int number)
{
    int saved = errno;
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = saved;
}

static pid_t await(pid_t child, const char *how, int *status)
{
    struct rusage usage;
    siginfo_t info = {.si_pid = 0};
    pid_t ended = 0;
    if (strcmp(how, "wait") == 0)
        return wait(status);
    if (strcmp(how, "wait3") == 0)
        return wait3(status, 0, &usage);
    if (strcmp(how, "wait4") == 0)
        return wait4(child, status, 0, &usage);
    if (strcmp(how, "any") == 0)
        return waitpid(-1, status, WUNTRACED);
    if (strcmp(how, "group") == 0)
        return waitpid(-child, status, 0);
    if (strcmp(how, "again") == 0) {
        while ((ended = waitpid(child, status, WNOHANG)) == 0)
            rest(1);
        return ended;
    }
    if (strcmp(how, "waitid") == 0) {
        must(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0, "waitid");
        must(waitid(P_PID, (id_t)child, &info, WEXITED) == 0, "waitid");
        *status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
        return info.si_pid;
    }
    return waitpid(child, status, 0);
}

int main(int count, char **arguments)
{
    int status = 0;
    must(count == 3, "two arguments");
    if (strcmp(arguments[1], "segv alone") != 0)
        start_sleeper();
    if (strcmp(arguments[2], "beside a handler") == 0) {
        struct sigaction action = {.sa_handler = take_all, .sa_flags = SA_RESTART};
        must(sigaction(SIGCHLD, &action, NULL) == 0, "sigaction");
    }
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (strcmp(arguments[2], "beside a handler") == 0)
            rest(200); /* its parent waits by then */
        end(strcmp(arguments[1], "segv alone") == 0 ? "segv" : arguments[1]);
    }
    setpgid(child, child);
    end_child(child, arguments[1]);
    errno = ENOANO;
    must(await(child, arguments[2], &status) == child && errno == ENOANO, "the child");
    must(waitpid(child, &status, 0) == -1 && errno == ECHILD, "it is gone");
    say(WIFEXITED(status) ? "exit %d\n" : "signal %d\n",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}
