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
#include "watch_stress.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { CHILDREN = 4, HOT = 3, MEMBERS = 20 };
enum { LONG = 20, PATIENCE = 120000 }; /* milliseconds */

static struct member members[MEMBERS];
static sem_t finished;
static int owner, remaining, next_cold;
static int64_t end_of_life;

/* Counted by whoever has the token; the parent adds them up. */
struct count {
    volatile long handoffs, long_waits;
};
static struct count *counts, *count;

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
