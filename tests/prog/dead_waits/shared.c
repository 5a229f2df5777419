/* Fine cases: the object is shared with the parent, whose threads end the wait.
 * SPDX-License-Identifier: Apache-2.0 */
#include "dead_waits.h"

#include <linux/futex.h>

static void share_mutex(void)
{
    hold_mutex(shared);
}

static void unshare_mutex(void)
{
    release_mutex(shared);
}

static void share_rwlock(void)
{
    hold_rwlock(shared);
}

static void unshare_rwlock(void)
{
    release_rwlock(shared);
}

static void wait_shared_mutex(void)
{
    use_mutex(shared);
}

static void wait_shared_rwlock(void)
{
    use_to_read(shared);
}

static void wait_shared_change(void)
{
    await_change(shared);
}

static void wait_shared_post(void)
{
    await_post(shared);
}

static void wait_shared_word(void)
{
    await_word(shared, FUTEX_WAIT);
}

static void meet_shared(void)
{
    meet(shared);
}

static void change_shared(pid_t unused)
{
    (void)unused;
    change(shared);
}

static void post_shared(pid_t unused)
{
    (void)unused;
    post(shared);
}

static void set_word_shared(pid_t unused)
{
    (void)unused;
    set_word(shared, FUTEX_WAKE);
}

static void join_meeting(pid_t unused)
{
    (void)unused;
    meet(shared);
}

const struct wait_case SHARED[] = {
    {"shared_mutex", .take = share_mutex, .give = unshare_mutex, .child = wait_shared_mutex},
    {"shared_rwlock", .take = share_rwlock, .give = unshare_rwlock, .child = wait_shared_rwlock},
    {.name = "shared_cond", .child = wait_shared_change, .then = change_shared},
    {.name = "shared_sem", .child = wait_shared_post, .then = post_shared},
    {.name = "shared_futex", .child = wait_shared_word, .then = set_word_shared},
    {.name = "shared_barrier", .child = meet_shared, .then = join_meeting, .once = 1},
    {.name = NULL},
};
