/*
 * Nanoseconds for one of libc's waits, the best of 20 batches.
 * waits LIBRARY parent|child CASE [one|two]
 *
 * In the parent: with the library's thread alive, and when a child has been forked beside it. In
 * the child: without it. `one`: its two threads stay on one processor; `two`: each on its own, and
 * the median of the batches.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "child.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static int turn;       /* and the futex's word */
static int processors; /* 0: any */

static void use_mutex(long times)
{
    for (long i = 0; i < times; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static void use_rwlock(long times)
{
    for (long i = 0; i < times; i++) {
        pthread_rwlock_rdlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
    }
}

static void use_sem(long times)
{
    for (long i = 0; i < times; i++) {
        sem_post(&sem);
        sem_wait(&sem);
    }
}

static void signal_cond(long times)
{
    for (long i = 0; i < times; i++)
        pthread_cond_signal(&cond);
}

static void wake_futex(long times)
{
    for (long i = 0; i < times; i++)
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

struct player {
    void (*play)(int self, long times);
    long times;
};

static void play_by_cond(int self, long times)
{
    pthread_mutex_lock(&mutex);
    for (long i = 0; i < times; i++) {
        while (turn != self)
            pthread_cond_wait(&cond, &mutex);
        turn = !self;
        pthread_cond_signal(&cond);
    }
    pthread_mutex_unlock(&mutex);
}

static void play_by_futex(int self, long times)
{
    for (long i = 0; i < times; i++) {
        while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != self)
            syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !self, NULL, NULL, 0);
        __atomic_store_n(&turn, !self, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

/* The nth of those that the process may use; one again where there are not so many. */
static void stay_on_processor(int nth)
{
    static cpu_set_t allowed;
    cpu_set_t one;
    size_t number = 0;
    CPU_ZERO(&one);
    if (!CPU_COUNT(&allowed))
        must(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
    for (nth %= CPU_COUNT(&allowed); !CPU_ISSET(number, &allowed) || nth-- > 0;)
        number++;
    CPU_SET(number, &one);
    must(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

static void *play_second(void *argument)
{
    const struct player *player = argument;
    if (processors == 2)
        stay_on_processor(1);
    player->play(1, player->times);
    return NULL;
}

static void ping_pong(struct player player)
{
    pthread_t second;
    turn = 0;
    must(pthread_create(&second, NULL, play_second, &player) == 0, "pthread_create");
    player.play(0, player.times);
    pthread_join(second, NULL);
}

static void ping_pong_by_cond(long times)
{
    ping_pong((struct player){play_by_cond, times});
}

static void ping_pong_by_futex(long times)
{
    ping_pong((struct player){play_by_futex, times});
}

static const struct measured {
    const char *name;
    void (*run)(long times);
    long batch;
} CASES[] = {
    {"mutex", use_mutex, 500000},
    {"rwlock", use_rwlock, 200000},
    {"sem", use_sem, 200000},
    {"cond", signal_cond, 1000000},
    {"futex", wake_futex, 20000},
    {"cond_ping_pong", ping_pong_by_cond, 1000},
    {"futex_ping_pong", ping_pong_by_futex, 1000},
};

static const struct measured *find(const char *name)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (strcmp(CASES[i].name, name) == 0)
            return &CASES[i];
    must(0, name);
    return NULL;
}

/* Two processors are at times much quicker to wake each other up: the best would be luck. */
static double measure(const struct measured *measured)
{
    enum { BATCHES = 20 };
    double figures[BATCHES];
    for (int i = 0; i < BATCHES; i++) {
        double start = now();
        measured->run(measured->batch);
        figures[i] = (now() - start) / (double)measured->batch;
    }
    qsort(figures, BATCHES, sizeof *figures, compare);
    return figures[processors == 2 ? BATCHES / 2 : 0];
}

struct order {
    const struct measured *measured;
    int in_child;
    double result;
};

static void follow_in_child(void *context)
{
    struct order *order = context;
    must_be_watched((void *)pthread_mutex_lock);
    if (order->in_child)
        order->result = measure(order->measured);
}

int main(int count, char **arguments)
{
    must(count >= 4, "waits LIBRARY parent|child CASE [one|two]");
    struct order *order = share(sizeof *order);
    order->in_child = strcmp(arguments[2], "child") == 0;
    order->measured = find(arguments[3]);
    sem_init(&sem, 0, 0);
    start_foreign(arguments[1]);
    if (count > 4) {
        processors = strcmp(arguments[4], "two") == 0 ? 2 : 1;
        stay_on_processor(0);
    }
    must(run_in_child(follow_in_child, order) == 0, "the child");
    must(!is_led((void *)pthread_mutex_lock), "a parent that is left alone");
    if (!order->in_child)
        order->result = measure(order->measured);
    printf("%.3f\n", order->result);
}
