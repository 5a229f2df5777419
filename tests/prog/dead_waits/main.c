/*
 * Waits in a forked child whose parent has threads that the child lost. dead_waits CASE [LIMIT
 * [LOG]]
 *
 * Dead cases wait for what nobody can ever do: the parent ends the child after LIMIT seconds (5),
 * or half a second after the shim has written a hang to LOG, and prints "hung", or else "status N"
 * or "signal N". Fine cases look much like them, and the wait ends after a second and a half:
 * "fine". WAIT_beside_COMPANY is a fine case, too: a wait, and a thread of the child that ends it
 * when what it does itself is over. Without a case: lists them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dead_waits.h"

#include <sys/mman.h>
#include <sys/resource.h>

enum { AGAIN = 200, TOLD = 500 }; /* milliseconds */

static const struct wait_case *const CASES[] = {DEAD, SHARED, SIGNALS, LOCKS, ENDS, NULL};
static const struct wait_case BESIDE = {"beside", .child = wait_beside, .then = help_company};
static const struct wait_case *chosen;
static sem_t taken, told;
static double limit = 5;
static const char *log_path;

static void *lost_thread(void *unused)
{
    check(pthread_mutex_lock(&lost_mutex), "pthread_mutex_lock");
    check(pthread_rwlock_wrlock(&lost_rwlock), "pthread_rwlock_wrlock");
    if (chosen->take)
        chosen->take();
    sem_post(&taken);
    if (chosen->give) {
        wait_for(&told);
        chosen->give();
    }
    return sleep_for_ever(unused);
}

/* Whether the shim has told of a hang. */
static int is_told(void)
{
    char line[4096];
    int found = 0;
    FILE *records = fopen(log_path, "r");
    while (records && !found && fgets(line, sizeof line, records))
        found = strstr(line, "\"event\":\"hang\"") != NULL;
    if (records)
        fclose(records);
    return found;
}

static void watch(pid_t child)
{
    int status = 0;
    long waited = 0, next = LATER;
    pid_t ended;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && (double)waited < limit * 1000) {
        rest(10);
        waited += 10;
        if (log_path && is_told()) {
            limit = (double)(waited + TOLD) / 1000;
            log_path = NULL;
        }
        if (waited < next)
            continue;
        next = waited + AGAIN; /* a signal may come too early where the machine is busy */
        sem_post(&told);
        if (chosen->then)
            chosen->then(child);
        if (chosen->once)
            next = (long)(limit * 2000);
    }
    must(ended >= 0, "waitpid");
    if (ended == 0) {
        kill(child, SIGKILL);
        end_of(child);
        say("hung\n");
    } else if (!chosen->dead && status == 0) {
        say("fine\n");
    } else if (WIFSIGNALED(status)) {
        say("signal %d\n", WTERMSIG(status));
    } else {
        say("status %d\n", WEXITSTATUS(status));
    }
}

static void *fork_and_watch(void *unused)
{
    if (chosen->before)
        chosen->before();
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        chosen->child();
        _exit(0);
    }
    watch(child);
    return unused;
}

static void choose(const char *name)
{
    const char *beside = strstr(name, "_beside_");
    for (const struct wait_case *const *cases = CASES; *cases; cases++)
        for (const struct wait_case *each = *cases; each->name; each++)
            if (strcmp(each->name, name) == 0)
                chosen = each;
    for (const struct wait *wait = WAITS; beside && wait->name; wait++)
        if (strncmp(wait->name, name, (size_t)(beside - name)) == 0 && !wait->name[beside - name])
            chosen_wait = wait;
    for (const struct company *company = COMPANIES; beside && company->name; company++)
        if (strcmp(company->name, beside + strlen("_beside_")) == 0)
            chosen_company = company;
    if (chosen_wait && chosen_company)
        chosen = &BESIDE;
    must(chosen != NULL, name);
}

static void list_cases(void)
{
    for (const struct wait_case *const *cases = CASES; *cases; cases++)
        for (const struct wait_case *each = *cases; each->name; each++)
            say("%s %s\n", each->dead ? "dead" : "fine", each->name);
    for (const struct wait *wait = WAITS; wait->name; wait++)
        say("wait %s\n", wait->name);
    for (const struct company *company = COMPANIES; company->name; company++)
        say("company %s\n", company->name);
}

int main(int count, char **arguments)
{
    struct rlimit none = {0, 0};
    pthread_t thread;
    if (count < 2) {
        list_cases();
        return 0;
    }
    choose(arguments[1]);
    if (count > 2)
        limit = atof(arguments[2]);
    if (count > 3)
        log_path = arguments[3];
    setrlimit(RLIMIT_CORE, &none);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED && pipe(from_parent) == 0, "shared memory and a pipe");
    set_up(&own, 0);
    set_up(shared, 1);
    must(sem_init(&taken, 0, 0) == 0 && sem_init(&told, 0, 0) == 0, "sem_init");
    must(sem_init(&begun, 0, 0) == 0, "sem_init");
    block(SIGUSR2); /* for sigwait */
    start(lost_thread, NULL);
    wait_for(&taken);
    if (chosen->from_thread) {
        thread = start(fork_and_watch, NULL);
        check(pthread_join(thread, NULL), "pthread_join");
    } else {
        fork_and_watch(NULL);
    }
    return 0;
}
