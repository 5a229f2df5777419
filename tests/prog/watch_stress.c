/*
 * Threads of forked children that hand a token to each other as fast as they can, by every kind of
 * wait. watch_stress seconds=N | rounds=N; prints how often, and how many waits lasted long.
 *
 * Whoever has no token sleeps in a wait without end on private memory, so that whoever looks at a
 * wait (a watch does, when it lasts long) finds all others asleep, save for one that is never the
 * same. Nothing hangs: each wait ends, and each end is checked. A few threads pass most of the time
 * the token among them, and the others wait long; children come and go, and so do threads in them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <linux/futex.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { CHILDREN = 4, HOT = 3, MEMBERS = 20 };
enum { LONG = 20, PATIENCE = 30000 }; /* milliseconds */

enum kind {
    SEMAPHORE,
    CONDITION,
    COMMON_CONDITION, /* woken whenever any of its kind is meant */
    MUTEX,
    READ_LOCK,
    WRITE_LOCK,
    FUTEX,
    FUTEX_BITSET,
    FUTEX_ANY, /* without the private flag, on private memory */
    BARRIER,
    JOIN,
    KINDS
};

struct member {
    enum kind kind;
    int number, gone, turn;
    uint64_t random;
    int64_t due; /* for whoever waits long: when it is its turn */
    pthread_t thread, helper;
    sem_t sem, held, again; /* keepers wait for sem and again */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
};

static struct member members[MEMBERS];
static pthread_mutex_t common = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t common_changed = PTHREAD_COND_INITIALIZER;
static sem_t finished;
static int owner, remaining, next_cold;
static int64_t end_of_life;

/* Counted by whoever has the token; the parent adds them up. */
struct count {
    volatile long handoffs, long_waits;
};
static struct count *counts, *count;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static uint64_t draw(uint64_t *random, uint64_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (*random >> 16) % below;
}

static pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, routine, argument) == 0, "pthread_create");
    return thread;
}

static void wait_for(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        must(errno == EINTR, "sem_wait");
}

static void lock(pthread_mutex_t *mutex)
{
    must(pthread_mutex_lock(mutex) == 0, "pthread_mutex_lock");
}

static void unlock(pthread_mutex_t *mutex)
{
    must(pthread_mutex_unlock(mutex) == 0, "pthread_mutex_unlock");
}

/* A lock is kept by a thread of its own, the keeper, until it is told that it is the member's
   turn; the member tells it when to take the lock again. */

static void take_to_keep(struct member *member)
{
    if (member->kind == MUTEX)
        lock(&member->mutex);
    else if (member->kind == READ_LOCK)
        must(pthread_rwlock_wrlock(&member->rwlock) == 0, "pthread_rwlock_wrlock");
    else
        must(pthread_rwlock_rdlock(&member->rwlock) == 0, "pthread_rwlock_rdlock");
}

static void take(struct member *member)
{
    if (member->kind == MUTEX)
        lock(&member->mutex);
    else if (member->kind == READ_LOCK)
        must(pthread_rwlock_rdlock(&member->rwlock) == 0, "pthread_rwlock_rdlock");
    else
        must(pthread_rwlock_wrlock(&member->rwlock) == 0, "pthread_rwlock_wrlock");
}

static void give_up(struct member *member)
{
    if (member->kind == MUTEX)
        unlock(&member->mutex);
    else
        must(pthread_rwlock_unlock(&member->rwlock) == 0, "pthread_rwlock_unlock");
}

static int has_keeper(const struct member *member)
{
    return member->kind == MUTEX || member->kind == READ_LOCK || member->kind == WRITE_LOCK;
}

static void *keep(void *argument)
{
    struct member *member = argument;
    while (!__atomic_load_n(&member->gone, __ATOMIC_SEQ_CST)) {
        take_to_keep(member);
        sem_post(&member->held);
        wait_for(&member->sem);
        give_up(member);
        wait_for(&member->again);
    }
    return NULL;
}

static void *end_when_posted(void *sem)
{
    wait_for(sem);
    return NULL;
}

static void wait_on_condition(struct member *member, pthread_mutex_t *mutex, pthread_cond_t *cond)
{
    lock(mutex);
    while (!member->turn)
        must(pthread_cond_wait(cond, mutex) == 0, "pthread_cond_wait");
    member->turn = 0;
    unlock(mutex);
}

static void signal_condition(struct member *member, pthread_mutex_t *mutex, pthread_cond_t *cond,
                             int first, int (*wake)(pthread_cond_t *))
{
    lock(mutex);
    member->turn = 1;
    if (first)
        wake(cond);
    unlock(mutex);
    if (!first)
        wake(cond);
}

static void wait_on_word(struct member *member, int operation)
{
    while (!__atomic_exchange_n(&member->turn, 0, __ATOMIC_SEQ_CST))
        if (syscall(SYS_futex, &member->turn, operation, 0, NULL, NULL, ~0U) < 0)
            must(errno == EINTR || errno == EAGAIN, "futex");
}

static void wake_word(struct member *member, int operation)
{
    __atomic_store_n(&member->turn, 1, __ATOMIC_SEQ_CST);
    must(syscall(SYS_futex, &member->turn, operation, 1, NULL, NULL, ~0U) >= 0, "futex");
}

static void meet(struct member *member)
{
    int error = pthread_barrier_wait(&member->barrier);
    must(error == 0 || error == PTHREAD_BARRIER_SERIAL_THREAD, "pthread_barrier_wait");
}

static void wait_for_turn(struct member *member)
{
    switch (member->kind) {
    case CONDITION:
        wait_on_condition(member, &member->mutex, &member->changed);
        break;
    case COMMON_CONDITION:
        wait_on_condition(member, &common, &common_changed);
        break;
    case MUTEX:
    case READ_LOCK:
    case WRITE_LOCK:
        wait_for(&member->held);
        take(member);
        give_up(member);
        break;
    case FUTEX:
        wait_on_word(member, FUTEX_WAIT_PRIVATE);
        break;
    case FUTEX_BITSET:
        wait_on_word(member, FUTEX_WAIT_BITSET_PRIVATE);
        break;
    case FUTEX_ANY:
        wait_on_word(member, FUTEX_WAIT);
        break;
    case BARRIER:
        meet(member);
        break;
    case JOIN:
        must(pthread_join(start(end_when_posted, &member->sem), NULL) == 0, "pthread_join");
        break;
    default:
        wait_for(&member->sem);
    }
}

static void give_turn(struct member *member, int first)
{
    switch (member->kind) {
    case CONDITION:
        signal_condition(member, &member->mutex, &member->changed, first, pthread_cond_signal);
        break;
    case COMMON_CONDITION:
        signal_condition(member, &common, &common_changed, first, pthread_cond_broadcast);
        break;
    case FUTEX:
        wake_word(member, FUTEX_WAKE_PRIVATE);
        break;
    case FUTEX_BITSET:
        wake_word(member, FUTEX_WAKE_BITSET_PRIVATE);
        break;
    case FUTEX_ANY:
        wake_word(member, FUTEX_WAKE);
        break;
    case BARRIER:
        meet(member);
        break;
    default:
        sem_post(&member->sem);
    }
}

static void *give_and_end(void *member)
{
    give_turn(member, 1);
    return NULL;
}

/* A pause that another thread's look may fall into: asleep, or in a wait that only time ends. */
static void pause_for(struct member *member, int64_t nanoseconds)
{
    static sem_t never;
    static int no_word;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t no_change = PTHREAD_COND_INITIALIZER;
    struct timespec time = {0, nanoseconds};
    int64_t end = now() + nanoseconds;
    struct timespec until = {end / 1000000000, end % 1000000000};
    switch (draw(&member->random, 4)) {
    case 0:
        nanosleep(&time, NULL);
        break;
    case 1:
        must(sem_clockwait(&never, CLOCK_MONOTONIC, &until) < 0, "sem_clockwait");
        break;
    case 2:
        lock(&mutex);
        while (pthread_cond_clockwait(&no_change, &mutex, CLOCK_MONOTONIC, &until) == 0)
            ;
        unlock(&mutex);
        break;
    default:
        syscall(SYS_futex, &no_word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
    }
}

static struct member *whose_turn(struct member *self, int64_t time)
{
    struct member *cold = &members[HOT + next_cold++ % (MEMBERS - HOT)];
    if (cold != self && time >= cold->due)
        return cold;
    uint64_t hot = draw(&self->random, HOT - 1);
    return &members[self->number < HOT ? (self->number + 1 + (int)hot) % HOT : (int)hot];
}

static void pass_on(struct member *self, struct member *next)
{
    __atomic_store_n(&owner, next->number, __ATOMIC_SEQ_CST);
    switch (draw(&self->random, 32)) {
    case 0:
        pthread_detach(start(give_and_end, next));
        break;
    case 1:
        must(pthread_join(start(give_and_end, next), NULL) == 0, "pthread_join");
        break;
    default:
        give_turn(next, (int)draw(&self->random, 2));
    }
}

/* The rest pass the token on until nobody is left. */
static void leave(struct member *self)
{
    __atomic_store_n(&self->gone, 1, __ATOMIC_SEQ_CST);
    if (has_keeper(self)) {
        sem_post(&self->again);
        must(pthread_join(self->helper, NULL) == 0, "pthread_join");
    }
    if (--remaining == 0) {
        sem_post(&finished);
        return;
    }
    struct member *next = self;
    while (next->gone)
        next = &members[(next->number + 1) % MEMBERS];
    pass_on(self, next);
}

static void *take_part(void *argument)
{
    struct member *self = argument;
    for (;;) {
        int64_t before = now();
        wait_for_turn(self);
        int64_t after = now();
        must(__atomic_load_n(&owner, __ATOMIC_SEQ_CST) == self->number, "it is somebody's turn");
        count->handoffs++;
        count->long_waits += after - before >= LONG * 1000000LL && self->kind != COMMON_CONDITION;
        if (after >= end_of_life)
            break;
        if (has_keeper(self))
            sem_post(&self->again);
        int64_t longer = draw(&self->random, 16) ? 20 : 400;
        self->due = after + (LONG + (int64_t)draw(&self->random, (uint64_t)longer)) * 1000000;
        uint64_t chance = draw(&self->random, 4096);
        if (chance < 64)
            pause_for(self, 1000 + (int64_t)draw(&self->random, 100000));
        else if (chance == 64)
            pause_for(self, 10000000 + (int64_t)draw(&self->random, 30000000));
        pass_on(self, whose_turn(self, after));
    }
    leave(self);
    return NULL;
}

static int live(uint64_t random)
{
    end_of_life = now() + (200 + (int64_t)draw(&random, 800)) * 1000000;
    remaining = MEMBERS;
    must(sem_init(&finished, 0, 0) == 0, "sem_init");
    for (int i = 0; i < MEMBERS; i++) {
        struct member *member = &members[i];
        member->kind = (enum kind)draw(&random, KINDS);
        member->number = i;
        member->random = random + (uint64_t)i * 0x9e3779b97f4a7c15;
        sem_init(&member->sem, 0, 0);
        sem_init(&member->held, 0, 0);
        sem_init(&member->again, 0, 0);
        pthread_mutex_init(&member->mutex, NULL);
        pthread_cond_init(&member->changed, NULL);
        pthread_rwlock_init(&member->rwlock, NULL);
        pthread_barrier_init(&member->barrier, NULL, 2);
    }
    for (int i = 0; i < MEMBERS; i++) {
        if (has_keeper(&members[i]))
            members[i].helper = start(keep, &members[i]);
        members[i].thread = start(take_part, &members[i]);
    }
    give_turn(&members[0], 1);
    if (draw(&random, 2))
        wait_for(&finished);
    for (int i = 0; i < MEMBERS; i++)
        must(pthread_join(members[i].thread, NULL) == 0, "pthread_join");
    return 0;
}

static struct {
    pid_t pid;
    int64_t born;
    uint64_t random;
} children[CHILDREN];

static void stop(int number, const char *what, int status)
{
    for (int i = 0; i < CHILDREN; i++)
        if (children[i].pid)
            kill(children[i].pid, SIGKILL);
    say("child %#llx %s %d\n", (unsigned long long)children[number].random, what, status);
    _exit(1);
}

/* How many of the children live on. */
static int look_after(void)
{
    int alive = 0, status;
    for (int i = 0; i < CHILDREN; i++) {
        if (!children[i].pid)
            continue;
        pid_t ended = waitpid(children[i].pid, &status, WNOHANG);
        must(ended >= 0, "waitpid");
        if (ended && status) {
            children[i].pid = 0;
            stop(i, "ended with", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
        }
        if (ended)
            children[i].pid = 0;
        else if (now() - children[i].born > PATIENCE * 1000000LL)
            stop(i, "hangs, pid", (int)children[i].pid);
        else
            alive++;
    }
    return alive;
}

static void give_birth(int number, uint64_t *random)
{
    draw(random, 2);
    children[number].random = *random;
    children[number].born = now();
    children[number].pid = fork();
    must(children[number].pid >= 0, "fork");
    if (children[number].pid)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    count = &counts[number];
    _exit(live(*random));
}

int main(int argument_count, char **arguments)
{
    const char *argument = argument_count > 1 ? arguments[1] : "";
    int seconds = strncmp(argument, "seconds=", 8) == 0 ? atoi(argument + 8) : 0;
    long rounds = strncmp(argument, "rounds=", 7) == 0 ? atol(argument + 7) : 0;
    uint64_t random = (uint64_t)now() ^ (uint64_t)getpid() << 40;
    must(seconds > 0 || rounds > 0, "seconds=N or rounds=N");
    counts = mmap(NULL, CHILDREN * sizeof *counts, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(counts != MAP_FAILED, "mmap");
    start_sleeper(); /* which the children lose */
    int64_t end = now() + seconds * 1000000000LL;
    long born = 0;
    int going_on = 1, alive = 1;
    while (going_on || alive) {
        going_on = seconds ? now() < end : born < rounds;
        for (int i = 0; i < CHILDREN && going_on; i++) {
            if (children[i].pid || (rounds && born == rounds))
                continue;
            give_birth(i, &random);
            born++;
        }
        rest(10);
        alive = look_after();
    }
    struct count sum = {0, 0};
    for (int i = 0; i < CHILDREN; i++) {
        sum.handoffs += counts[i].handoffs;
        sum.long_waits += counts[i].long_waits;
    }
    say("%ld handoffs\n%ld long waits\n", sum.handoffs, sum.long_waits);
    return 0;
}
