/* Waits in a forked child: what the cases share. SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DEAD_WAITS_H
#define TESTS_DEAD_WAITS_H

#include "../host.h"

#include <semaphore.h>

enum { LATER = 1500, SHORT = 130 }; /* milliseconds */

/* What is waited for. All of it is zero or set up before the fork; `shared` is shared with it. */
struct objects {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    sem_t sem, other;
    int word, happened;
};

extern struct objects own, *shared;
extern sem_t begun;
extern int from_parent[2];
extern pthread_t joined; /* the child's other thread */

void check(int error, const char *what);
pthread_t start(void *(*routine)(void *), void *argument);
void wait_for(sem_t *sem);
struct timespec from_now(clockid_t clock, long milliseconds);
void set_up(struct objects *objects, int is_shared);

/* waits.c */
void hold_mutex(struct objects *of);
void release_mutex(struct objects *of);
void use_mutex(struct objects *of);
void hold_rwlock(struct objects *of);
void release_rwlock(struct objects *of);
void use_to_read(struct objects *of);
void use_to_write(struct objects *of);
void await_change(struct objects *of);
void change(struct objects *of);
void await_post(struct objects *of);
void post(struct objects *of);
void meet(struct objects *of);
void await_word(struct objects *of, int operation);
void set_word(struct objects *of, int operation);
void join(struct objects *of);

struct wait {
    const char *name;
    void (*hold)(struct objects *), (*wait)(struct objects *), (*end)(struct objects *);
};
extern const struct wait WAITS[], *chosen_wait;

/* company.c; a lost thread holds these locks for ever. */
extern pthread_mutex_t lost_mutex;
extern pthread_rwlock_t lost_rwlock;

struct company {
    const char *name;
    void (*stay)(void);
};
extern const struct company COMPANIES[], *chosen_company;

void in_timed_sem(void);
void in_timed_cond(void);
void in_timed_mutex(void);
void in_timed_rwlock(void);
void in_timed_join(void);
void in_timed_futex(void);
void in_timed_bitset(void);
void *rest_and_post(void *sem);
void wait_beside(void);
void help_company(pid_t child);

/* What cases of one file use of another's. */
void take_mutex(void);
void *wait_in_thread(void *sem);
void block(int number);
void init_mutex(int type, int robust, int protocol);
void cancel_often(void);

/* take: by the thread that will be lost, before the fork; give: by the same, after a while.
   before: by the thread that forks. then: by the parent, after a while and again and again.
   once: that is not to happen again. */
struct wait_case {
    const char *name;
    int dead;
    void (*take)(void), (*give)(void), (*before)(void), (*child)(void), (*then)(pid_t child);
    int from_thread; /* not the main thread forks */
    int once;
};
extern const struct wait_case DEAD[], SHARED[], SIGNALS[], LOCKS[], ENDS[];

#endif
