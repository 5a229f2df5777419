/* What the files of this program share, see main.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef CARRIED_H
#define CARRIED_H

#include "../host.h"

#include <semaphore.h>
#include <stdbool.h>

enum { MOST = 256, KEYS = 40 };

extern const char *name, *kind; /* the arguments CASE and KIND */
extern int count;               /* of the pool's threads */

extern pthread_mutex_t lock;
extern pthread_cond_t wanted, answered;
extern sem_t posted, release;
extern unsigned word; /* of kind futex: how often it was posted */
extern pthread_t threads[MOST];
extern pthread_key_t keys[KEYS];
extern int first, last, done; /* pieces of work: the next one, behind the last one, how many are done */
extern int blocks;            /* a piece of work takes until the end */

bool is(const char *asked); /* the case */

/* sleep.c: where the pool is idle; with the lock, and without work. */
void sleep_here(void);
void wake(int how_many);
bool sleeps_in(const char *what);

/* pool.c. What can go wrong is returned in a word or two; NULL: nothing did. */
void start_thread(long id);
void start_pool(void);
void hand_over(int pieces); /* with the lock */
const char *have_done(int pieces, bool is_locked);
const char *end_pool(void);
void wait_until_idle(int busy);

/* children.c */
void fork_here(void);
void *fork_often(void *forks);
void fork_in_turn(int forks);
bool is_at_work(void); /* a thread of the pool is */
void say_how_many(void);

#endif
