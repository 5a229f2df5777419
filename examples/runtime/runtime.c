/*
 * A thread pool that goes through forks: it registers by forkpolicy.h, which takes pthread_atfork
 * where no shim is preloaded.
 *
 *     $ make build/examples/runtime
 *     $ build/examples/runtime
 *     before the fork: the pool says 333833500, by 4 threads
 *     in the child: the pool says 333833500, by 4 threads
 *     in the parent: the pool says 333833500, by 4 threads
 *     100 forks while another thread uses the pool: 100 children were right
 *     $ build/forkpolicy run --policy refuse -- build/examples/runtime
 *     before the fork: the pool says 333833500, by 4 threads
 *     in the child: the pool says 333833500, by 4 threads
 *     in the parent: the pool says 333833500, by 4 threads
 *     100 forks while another thread uses the pool: 100 children were right
 *
 * Nothing is refused, since the pool's threads are not lost: the child starts its own when it first
 * uses the pool.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <forkpolicy.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, FORKS = 100, COUNT = 1000, EXPECTED = 333833500 };

/* The pool: sums of squares, each in parts that its threads take from a list. */

struct part {
    struct part *next;
    uint64_t first, end, sum;
    bool is_done;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    struct part *first; /* that nobody has begun */
    int threads, running;
    bool is_forking; /* nothing is begun */
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static void *work(void *unused)
{
    pthread_mutex_lock(&pool.mutex);
    for (;;) {
        while (!pool.first || pool.is_forking)
            pthread_cond_wait(&pool.work, &pool.mutex);
        struct part *part = pool.first;
        pool.first = part->next;
        pool.running++;
        pthread_mutex_unlock(&pool.mutex);
        for (uint64_t i = part->first; i < part->end; i++)
            part->sum += i * i;
        pthread_mutex_lock(&pool.mutex);
        part->is_done = true;
        pool.running--;
        pthread_cond_broadcast(&pool.done);
    }
    return unused;
}

/* Of 0 to count; the threads are started by who first needs them, in the child as well. */
static uint64_t sum_of_squares(uint64_t count)
{
    struct part parts[THREADS] = {0};
    uint64_t sum = 0;
    pthread_mutex_lock(&pool.mutex);
    for (pthread_t thread; pool.threads < THREADS; pool.threads++)
        pthread_create(&thread, NULL, work, NULL);
    for (uint64_t i = 0; i < THREADS; i++) {
        parts[i].first = i * (count + 1) / THREADS;
        parts[i].end = (i + 1) * (count + 1) / THREADS;
        parts[i].next = pool.first;
        pool.first = &parts[i];
    }
    pthread_cond_broadcast(&pool.work);
    for (int i = 0; i < THREADS; i++) {
        while (!parts[i].is_done)
            pthread_cond_wait(&pool.done, &pool.mutex);
        sum += parts[i].sum;
    }
    pthread_mutex_unlock(&pool.mutex);
    return sum;
}

/* What makes it go through a fork: at the moment of the fork no part is half done, and the thread
   that forks has the mutex. */

static int be_quiet(void *state)
{
    (void)state;
    pthread_mutex_lock(&pool.mutex);
    while (pool.running) {
        pool.is_forking = true;
        pthread_cond_wait(&pool.done, &pool.mutex);
    }
    return 0;
}

static void go_on(void *state)
{
    (void)state;
    pool.is_forking = false;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.mutex);
}

/* Async-signal-safe: plain stores. Threads are gone, and so is who waits for the parts. */
static void start_anew(void *state)
{
    (void)state;
    pool.mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    pool.work = pool.done = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    pool.first = NULL;
    pool.threads = 0;
    pool.is_forking = false;
}

static const struct forkpolicy_runtime runtime = {.abi = FORKPOLICY_ABI,
                                                  .name = "squares",
                                                  .anchor = &runtime,
                                                  .prepare = be_quiet,
                                                  .parent = go_on,
                                                  .child = start_anew};

/* Its user */

static atomic_bool is_over;

static void *use(void *unused)
{
    while (!atomic_load(&is_over))
        (void)sum_of_squares(COUNT);
    return unused;
}

static bool say(const char *where)
{
    uint64_t sum = sum_of_squares(COUNT);
    printf("%s: the pool says %ju, by %d threads\n", where, (uintmax_t)sum, pool.threads);
    return sum == EXPECTED && fflush(stdout) == 0;
}

/* Was the child right? */
static bool fork_and_use(bool says)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(says ? !say("in the child") : sum_of_squares(COUNT) != EXPECTED);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    pthread_t user;
    int right = 0;
    if (forkpolicy_attach(&runtime) != 0)
        return 1;
    if (!say("before the fork") || !fork_and_use(true) || !say("in the parent"))
        return 1;
    pthread_create(&user, NULL, use, NULL);
    for (int i = 0; i < FORKS; i++)
        right += fork_and_use(false);
    atomic_store(&is_over, true);
    pthread_join(user, NULL);
    printf("%d forks while another thread uses the pool: %d children were right\n", FORKS, right);
    return right != FORKS;
}
