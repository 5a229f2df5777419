/*
 * A program with a runtime of its own: one worker thread that doubles numbers, registered by
 * forkpolicy.h (with pthread_atfork where there is no shim).
 *
 *     registers works [N]    uses it, forks N times (1), uses it in parent and child
 *     registers busy N       says N times that it is busy, then forks
 *     registers order        three runtimes: the order of their handlers
 *     registers fails        a fork that cannot come (RLIMIT_NPROC)
 *     registers bad          what cannot be registered
 *     registers leaves       unregisters while its handler runs in another thread
 *     registers leaves_by_itself    unregisters in its own handler
 *     registers signal       a signal handler forks while another fork waits for quiet threads
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include "forkpolicy.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/time.h>

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

/* Unregisters itself while its own handler runs, or from another thread. */
static atomic_int in_handler, handler_ended;

static void *leave(void *given)
{
    while (!in_handler)
        usleep(100);
    say("unregistered %d\n", forkpolicy_unregister(given));
    say("no handler runs %d\n", handler_ended);
    return NULL;
}

static int prepare_slowly(void *state)
{
    (void)state;
    in_handler = 1;
    usleep(200000);
    handler_ended = 1;
    return 0;
}

static int prepare_and_leave(void *given)
{
    say("unregistered %d\n", forkpolicy_unregister(given));
    return 0;
}

static int leaves(int by_itself)
{
    static struct forkpolicy_runtime one = {.abi = FORKPOLICY_ABI, .name = "one", .anchor = &one};
    pthread_t thread;
    one.state = &one;
    one.prepare = by_itself ? prepare_and_leave : prepare_slowly;
    one.parent = note_parent;
    forkpolicy_register(&one);
    if (!by_itself)
        pthread_create(&thread, NULL, leave, &one);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    if (!by_itself)
        pthread_join(thread, NULL);
    say("forked\n");
    return 0;
}

/* A signal handler forks while its thread is inside another fork, in the shim's work (quiesce_ms). */
static atomic_int is_held, stuck, forks_in_handler;

static int hold(void *state)
{
    (void)state;
    is_held++;
    return 0;
}

static void let_go(void *state)
{
    (void)state;
    is_held--;
}

static void fork_here(int number)
{
    (void)number;
    int saved = errno, status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(is_held);
    while (waitpid(child, &status, 0) < 0)
        ;
    stuck += status != 0;
    forks_in_handler++;
    errno = saved;
}

static void *spin(void *unused)
{
    for (volatile long i = 0;; i++)
        ;
    return unused;
}

static int in_signal_handler(void)
{
    static struct forkpolicy_runtime holder = {.abi = FORKPOLICY_ABI, .name = "holder",
                                               .prepare = hold, .parent = let_go, .child = let_go};
    static const struct itimerval soon = {.it_value = {0, 300000}};
    struct sigaction action = {.sa_handler = fork_here};
    sigset_t all, before;
    pthread_t thread;
    holder.anchor = (const void *)puts; /* libc's: the threads are the program's, and lost */
    forkpolicy_register(&holder);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_create(&thread, NULL, spin, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    pid_t child = fork();
    int status = -1;
    if (child == 0)
        _exit(is_held);
    waitpid(child, &status, 0);
    say("child %d, parent %d, %d forks in the handler, %d stuck\n", status, is_held,
        forks_in_handler, stuck);
    return 0;
}

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "works";
    int amount = count > 2 ? atoi(arguments[2]) : 1;
    if (strcmp(mode, "order") == 0)
        return order();
    if (strcmp(mode, "leaves") == 0)
        return leaves(0);
    if (strcmp(mode, "leaves_by_itself") == 0)
        return leaves(1);
    if (strcmp(mode, "signal") == 0)
        return in_signal_handler();
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
