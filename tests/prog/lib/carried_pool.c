/* A pool for `carried_library`: threads that sleep in pthread_cond_wait. With STARTS=load they
 * start while the library is loaded. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, OWN = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static pthread_t threads[THREADS];
static long left, done, sum;
static int is_over;
static _Thread_local long own[OWN];

void pool_start(void);
long pool_sum(long most);
void pool_stop(void);
void pool_cancel(void);

static void must(int what)
{
    if (!what)
        abort();
}

static void unlock(void *mutex)
{
    pthread_mutex_unlock(mutex);
}

static void work(long piece)
{
    char *memory = malloc((size_t)(1000 + piece));
    memset(memory, 1, 1000);
    free(memory);
    pthread_mutex_lock(&lock);
    sum += piece;
    done++;
    pthread_cond_signal(&answered);
}

static void *serve(void *id)
{
    own[OWN - 1] = (long)id;
    pthread_mutex_lock(&lock);
    pthread_cleanup_push(unlock, &lock);
    for (;;) {
        while (!left && !is_over)
            pthread_cond_wait(&wanted, &lock);
        if (!left)
            break;
        long piece = left--;
        pthread_mutex_unlock(&lock);
        must(own[OWN - 1] == (long)id);
        work(piece);
    }
    pthread_cleanup_pop(1);
    return id;
}

void pool_start(void)
{
    is_over = 0;
    for (long i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, serve, (void *)i) == 0);
}

__attribute__((constructor)) static void load(void)
{
    const char *when = getenv("STARTS");
    if (when && strcmp(when, "load") == 0)
        pool_start();
}

/* Of the numbers from 1 to `most`, one piece of work each. */
long pool_sum(long most)
{
    pthread_mutex_lock(&lock);
    done = sum = 0;
    left = most;
    pthread_cond_broadcast(&wanted);
    while (done < most)
        pthread_cond_wait(&answered, &lock);
    long answer = sum;
    pthread_mutex_unlock(&lock);
    return answer;
}

void pool_stop(void)
{
    void *result;
    pthread_mutex_lock(&lock);
    is_over = 1;
    pthread_cond_broadcast(&wanted);
    pthread_mutex_unlock(&lock);
    for (long i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], &result) == 0 && result == (void *)i);
}

void pool_cancel(void)
{
    void *result;
    for (int i = 0; i < THREADS; i++)
        must(pthread_cancel(threads[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], &result) == 0 && result == PTHREAD_CANCELED);
}
