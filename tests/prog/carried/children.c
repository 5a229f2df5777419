/* The forks, and what the children try. SPDX-License-Identifier: Apache-2.0 */
#include "carried.h"

#include <fcntl.h>
#include <sched.h>

/* A child's own verdict; "" where it works. */
static const char *try_pool(int depth)
{
    const char *what = have_done(50, is("held"));
    if (what)
        return what;
    if (task_count() != count + 1)
        return "tasks";
    if (is("grown")) {
        start_thread(count++);
        wait_until_idle(0);
    }
    if (depth > 0) {
        pid_t child = fork();
        if (child == 0) {
            const char *why = try_pool(depth - 1);
            _exit(why ? 1 : 0);
        }
        int status;
        waitpid(child, &status, 0);
        if (status)
            return "grandchild";
        what = have_done(50, false);
    }
    return what ? what : end_pool();
}

static _Atomic int handling; /* a thread's number */

static void sleep_on(int signal)
{
    (void)signal;
    handling = (int)syscall(SYS_gettid);
    for (;;)
        pause();
}

static bool is_asleep(int thread)
{
    char path[64], stat[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    int file = open(path, O_RDONLY);
    must(read(file, stat, sizeof stat - 1) > 0, path);
    close(file);
    return strstr(stat, ") S ") != NULL;
}

static void have_handled(void)
{
    struct sigaction action = {.sa_handler = sleep_on};
    sigaction(SIGUSR1, &action, NULL);
    pthread_kill(threads[0], SIGUSR1);
    while (!handling || !is_asleep(handling))
        sched_yield();
}

static int works, fails;

static void note(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        works++;
    else
        fails++;
}

static void start_one_and_fork(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_for_ever, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static pid_t fork_child(int depth)
{
    if (is("held"))
        pthread_mutex_lock(&lock);
    if (is("handed")) {
        pthread_mutex_lock(&lock);
        done = 0;
        hand_over(3);
        pthread_mutex_unlock(&lock);
    }
    pid_t child = fork();
    if (child == 0) {
        signal(SIGUSR1, SIG_DFL); /* which could have ended a wait */
        if (is("lost"))
            start_one_and_fork();
        const char *why = is("handed") && done != 3 ? "done elsewhere" : try_pool(depth);
        if (why)
            say("bad %s\n", why);
        if (is("crashes"))
            abort();
        exit(why ? 1 : 0);
    }
    if (is("held"))
        pthread_mutex_unlock(&lock);
    return child;
}

void fork_here(void)
{
    int status;
    wait_until_idle(1);
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(&lock);
        hand_over(1);
        while (first != last)
            pthread_cond_wait(&answered, &lock);
        _exit(0);
    }
    waitpid(child, &status, 0);
    note(status);
}

void *fork_often(void *forks)
{
    for (long i = 0; i < (long)forks; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            _exit(try_pool(0) ? 1 : 0);
        }
        waitpid(child, &status, 0);
        pthread_mutex_lock(&lock);
        note(status);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static long resident(void)
{
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    (void)fclose(file);
    return pages;
}

static bool is_deep(void)
{
    return is("deep") || is("grown");
}

bool is_at_work(void)
{
    return is("runs") || is("task") || is("busy");
}

void fork_in_turn(int forks)
{
    long before = 0;
    int descriptor = 0;
    for (int i = 0; i < forks; i++) {
        int status;
        if (!is("handed") && !is("flat") && !is_deep()) /* these have the fork wait for rest */
            wait_until_idle(is_at_work());
        if (is("unwoken"))
            __atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
        if (is("stirred"))
            must(have_done(1, false) == NULL, "the parent's pool");
        if (is("handled") && i == 1)
            have_handled();
        pid_t child = fork_child(is_deep() ? 2 : 0);
        must(child > 0, "fork");
        if (is("killed"))
            kill(child, SIGKILL);
        waitpid(child, &status, 0);
        note(status);
        if (!is_at_work() && !is("shared") && !is("woken") && !is("handled"))
            must(have_done(20, false) == NULL, "the parent's pool");
        if (i == forks / 4) {
            before = resident();
            descriptor = dup(0);
            close(descriptor);
        }
    }
    if (is("flat")) {
        int now = dup(0);
        say("memory %s, descriptors %s\n", resident() - before > 64 ? "grew" : "flat",
            now == descriptor ? "flat" : "grew");
    }
}

void say_how_many(void)
{
    say("%d work, %d do not\n", works, fails);
}
