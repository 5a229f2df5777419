/*
 * An OpenMP that is not GNU's, behind GNU's entry points, as LLVM's and Intel's are: a forked child
 * starts its threads anew. One region at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>

enum { THREADS = 4 };

typedef void region(void *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t begin, end;
static int is_started;
static region *current;
static void *current_data;
static __thread int level;

static void *work(void *unused)
{
    for (;;) {
        while (sem_wait(&begin))
            ;
        level = 1;
        current(current_data);
        level = 0;
        sem_post(&end);
    }
    return unused;
}

static void forget_threads(void)
{
    is_started = 0;
}

static void start_threads(void)
{
    static int is_registered;
    pthread_t thread;
    if (!is_registered)
        pthread_atfork(NULL, NULL, forget_threads);
    is_registered = is_started = 1;
    sem_init(&begin, 0, 0);
    sem_init(&end, 0, 0);
    for (int i = 1; i < THREADS; i++)
        pthread_create(&thread, NULL, work, NULL);
}

void GOMP_parallel(region *body, void *data, unsigned threads, unsigned flags)
{
    (void)threads;
    (void)flags;
    pthread_mutex_lock(&lock);
    if (!is_started)
        start_threads();
    current = body;
    current_data = data;
    for (int i = 1; i < THREADS; i++)
        sem_post(&begin);
    level = 1;
    body(data);
    level = 0;
    for (int i = 1; i < THREADS; i++)
        while (sem_wait(&end))
            ;
    pthread_mutex_unlock(&lock);
}

int omp_get_max_threads(void)
{
    return THREADS;
}

int omp_get_dynamic(void)
{
    return 0;
}

int omp_get_level(void)
{
    return level;
}

int omp_get_thread_limit(void)
{
    return 1 << 30;
}

/* How LLVM's own compiler enters it, and how it is told from GNU's. */
void __kmpc_fork_call(void *location, int count, void (*body)(int *, int *, ...), ...)
{
    int zero = 0;
    (void)location;
    (void)count;
    body(&zero, &zero);
}
