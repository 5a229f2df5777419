/*
 * A program with a runtime of its own: one worker thread that doubles numbers, registered by
 * forkpolicy.h (with pthread_atfork where there is no shim).
 *
 *     registers works [N]    uses it, forks N times (1), uses it in parent and child
 *     registers busy N       says N times that it is busy, then forks
 *     registers order        three runtimes: the order of their handlers
 *     registers fails        a fork that cannot come (RLIMIT_NPROC)
 *     registers bad          what cannot be registered
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include "forkpolicy.h"

#include <semaphore.h>
#include <sys/resource.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t asked, answered;
static int number, busy;
static int is_started;

static void *work(void *unused)
{
    for (;;) {
        sem_wait(&asked);
        number *= 2;
        sem_post(&answered);
    }
    return unused;
}

static int twice(int given)
{
    pthread_mutex_lock(&lock);
    if (!is_started) {
        pthread_t thread;
        sem_init(&asked, 0, 0);
        sem_init(&answered, 0, 0);
        pthread_create(&thread, NULL, work, NULL);
        is_started = 1;
    }
    number = given;
    sem_post(&asked);
    sem_wait(&answered);
    given = number;
    pthread_mutex_unlock(&lock);
    return given;
}

static int be_quiet(void *state)
{
    (void)state;
    if (busy > 0) {
        busy--;
        return EBUSY;
    }
    pthread_mutex_lock(&lock);
    return 0;
}

static void go_on(void *state)
{
    (void)state;
    pthread_mutex_unlock(&lock);
}

/* The worker is gone: the next call starts another. */
static void start_anew(void *state)
{
    (void)state;
    is_started = 0;
    pthread_mutex_unlock(&lock);
}

static const struct forkpolicy_runtime runtime = {.abi = FORKPOLICY_ABI,
                                                  .name = "doubler",
                                                  .anchor = &runtime,
                                                  .prepare = be_quiet,
                                                  .parent = go_on,
                                                  .child = start_anew};

static int fork_and_use(int given)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0)
        _exit(twice(given));
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

static int works(int forks)
{
    twice(1);
    for (int i = 0; i < forks; i++) {
        int of_child = fork_and_use(i % 100), of_parent = twice(i);
        if (of_child != i % 100 * 2 || of_parent != i * 2) {
            say("wrong at fork %d: %d %d\n", i, of_child, of_parent);
            return 1;
        }
    }
    say("%d forks\n", forks);
    return 0;
}

static int note_prepare(void *state)
{
    say("prepare %s\n", (const char *)state);
    return 0;
}

static void note_parent(void *state)
{
    say("parent %s\n", (const char *)state);
}

static void note_child(void *state)
{
    say("child %s\n", (const char *)state);
}

static int order(void)
{
    static struct forkpolicy_runtime three[3];
    static char names[3][2] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        three[i] = (struct forkpolicy_runtime){FORKPOLICY_ABI, names[i],     &three[i],  names[i],
                                               note_prepare,   note_parent, note_child, NULL};
        forkpolicy_register(&three[i]);
    }
    forkpolicy_unregister(&three[1]);
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, &status, 0);
    return 0;
}

static int fails(void)
{
    const struct rlimit none = {0, 0};
    twice(1);
    setrlimit(RLIMIT_NPROC, &none);
    if (setuid(65534) != 0 || fork() >= 0)
        return 1;
    say("%d\n", twice(21));
    return 0;
}

static int bad(void)
{
    struct forkpolicy_runtime wrong = runtime;
    say("twice %d\n", forkpolicy_register(&runtime) == EEXIST);
    wrong.abi = 99;
    say("abi %d\n", forkpolicy_register(&wrong) == EINVAL);
    wrong = runtime;
    wrong.name = "";
    say("name %d\n", forkpolicy_register(&wrong) == EINVAL);
    wrong = runtime;
    wrong.anchor = NULL;
    say("anchor %d\n", forkpolicy_register(&wrong) == EINVAL);
    say("null %d\n", forkpolicy_register(NULL) == EINVAL);
    say("unknown %d\n", forkpolicy_unregister(&wrong) == ENOENT);
    say("gone %d\n", forkpolicy_unregister(&runtime) == 0);
    return 0;
}

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "works";
    int amount = count > 2 ? atoi(arguments[2]) : 1;
    if (strcmp(mode, "order") == 0)
        return order();
    forkpolicy_attach(&runtime);
    if (strcmp(mode, "bad") == 0)
        return bad();
    if (strcmp(mode, "fails") == 0)
        return fails();
    if (strcmp(mode, "busy") == 0) {
        twice(1);
        busy = amount;
        say("child %d\n", fork_and_use(4));
        say("parent %d\n", twice(5));
        return 0;
    }
    return works(amount);
}
