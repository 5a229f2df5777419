/* The life of a ring's slots, and waiting for one. See ring.h.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "loader/base/clock.h"
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/transport/ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t life(enum fl_slot_state state, pid_t process)
{
    return (uint64_t)state | (uint64_t)(uint32_t)process << 32;
}

static enum fl_slot_state state_of(uint64_t life)
{
    return (enum fl_slot_state)(life & 3);
}

static pid_t process_of(uint64_t life)
{
    return (pid_t)(life >> 32);
}

static void tell(_Atomic uint32_t *word)
{
    atomic_fetch_add(word, 1);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Until the word changes; not at all where it has changed since it was `seen`. */
static int sleep_at(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
    struct timespec left;
    uint64_t time = until ? fl_now() : 0;
    if (until && time >= until)
        return ETIMEDOUT;
    left = (struct timespec){.tv_sec = (time_t)((until - time) / 1000000000u),
                             .tv_nsec = (long)((until - time) % 1000000000u)};
    if (syscall(SYS_futex, word, FUTEX_WAIT, seen, until ? &left : NULL, NULL, 0) == 0 ||
        errno == EAGAIN)
        return 0;
    return errno;
}

/* A search, and the word that changes with its result. */
struct search {
    struct forkloader_ring *ring;
    size_t lane;
    enum fl_slot_state from, to;
    uint64_t sequence;
    _Atomic uint32_t *changes;
    _Atomic uint64_t *waits, *wait_ns;
    const char *missing;
};

static struct fl_ring_slot *find(const struct search *search)
{
    uint64_t ours = life(search->to, getpid());
    for (size_t i = 0; i < search->ring->head->slots; i++) {
        struct fl_ring_slot *slot = fl_ring_slot(search->ring, search->lane, i);
        uint64_t seen = atomic_load(&slot->life);
        if (state_of(seen) == search->from &&
            (search->from == FL_SLOT_FREE || atomic_load(&slot->sequence) == search->sequence) &&
            atomic_compare_exchange_strong(&slot->life, &seen, ours))
            return slot;
    }
    return NULL;
}

static int wait_for(const struct search *search, int milliseconds, struct fl_ring_slot **found,
                    struct forkloader_error *error)
{
    uint64_t begun = 0, until = 0;
    int code = 0;
    *found = NULL;
    for (;;) {
        uint32_t seen = atomic_load(search->changes);
        if (atomic_load(&search->ring->head->is_stopped))
            code = ECANCELED;
        else if ((*found = find(search)))
            code = 0; /* though the time was up, or a signal came */
        if (code != 0 || *found)
            break;
        if (!begun) {
            begun = fl_now();
            until = milliseconds < 0 ? 0 : begun + (uint64_t)milliseconds * 1000000u;
            atomic_fetch_add(search->waits, 1);
        }
        code = sleep_at(search->changes, seen, until);
    }
    if (begun)
        atomic_fetch_add(search->wait_ns, fl_now() - begun);
    if (code == 0)
        return 0;
    return fl_fail(error, code, "lane %zu: %s", search->lane,
                   code == ECANCELED   ? "the ring is stopped"
                   : code == ETIMEDOUT ? search->missing
                   : code == EINTR     ? "interrupted by a signal"
                                       : "the wait failed");
}

/* Sets the word that changes with the result; EINVAL: there is no such lane. */
static int look_in(struct search *search, struct forkloader_error *error)
{
    struct fl_ring_head *head = search->ring->head;
    if (search->lane >= head->lanes)
        return fl_fail(error, EINVAL, "lane %zu: the ring has %u", search->lane, head->lanes);
    struct fl_ring_lane *of = &head->lane[search->lane];
    bool reads = search->from == FL_SLOT_READY;
    search->changes = reads ? &of->ready : &of->freed;
    search->waits = reads ? &of->reader_waits : &of->writer_waits;
    search->wait_ns = reads ? &of->reader_wait_ns : &of->writer_wait_ns;
    search->missing = reads ? "no batch arrived" : "no slot became free";
    return 0;
}

int fl_ring_wait_free(struct forkloader_ring *ring, size_t lane, int milliseconds,
                      struct fl_ring_slot **slot, struct forkloader_error *error)
{
    struct search search = {
        .ring = ring, .lane = lane, .from = FL_SLOT_FREE, .to = FL_SLOT_FILLING};
    int code = look_in(&search, error);
    return code ? code : wait_for(&search, milliseconds, slot, error);
}

int fl_ring_wait_ready(struct forkloader_ring *ring, size_t lane, uint64_t sequence,
                       int milliseconds, struct fl_ring_slot **slot, struct forkloader_error *error)
{
    struct search search = {.ring = ring,
                            .lane = lane,
                            .from = FL_SLOT_READY,
                            .to = FL_SLOT_HELD,
                            .sequence = sequence};
    int code = look_in(&search, error);
    return code ? code : wait_for(&search, milliseconds, slot, error);
}

void fl_ring_ready(struct forkloader_ring *ring, size_t lane, struct fl_ring_slot *slot)
{
    atomic_store(&slot->life, life(FL_SLOT_READY, 0));
    tell(&ring->head->lane[lane].ready);
}

void fl_ring_give_back(struct forkloader_ring *ring, size_t lane, struct fl_ring_slot *slot)
{
    atomic_store(&slot->life, life(FL_SLOT_FREE, 0));
    tell(&ring->head->lane[lane].freed);
}

bool fl_ring_all_held(const struct forkloader_ring *ring, size_t lane)
{
    for (size_t i = 0; i < ring->head->slots; i++)
        if (state_of(atomic_load(&fl_ring_slot(ring, lane, i)->life)) != FL_SLOT_HELD)
            return false;
    return true;
}

FL_PUBLIC size_t forkloader_ring_reap(struct forkloader_ring *ring, int process)
{
    size_t reaped = 0;
    for (size_t lane = 0; lane < ring->head->lanes; lane++) {
        for (size_t i = 0; i < ring->head->slots; i++) {
            struct fl_ring_slot *slot = fl_ring_slot(ring, lane, i);
            uint64_t seen = atomic_load(&slot->life);
            if (process > 0 && process_of(seen) == process && state_of(seen) != FL_SLOT_FREE &&
                atomic_compare_exchange_strong(&slot->life, &seen, life(FL_SLOT_FREE, 0)))
                reaped++;
        }
        /* It may have ended between a change and its wake-up call. */
        tell(&ring->head->lane[lane].ready);
        tell(&ring->head->lane[lane].freed);
    }
    return reaped;
}

FL_PUBLIC void forkloader_ring_stop(struct forkloader_ring *ring)
{
    atomic_store(&ring->head->is_stopped, 1);
    for (size_t lane = 0; lane < ring->head->lanes; lane++) {
        tell(&ring->head->lane[lane].ready);
        tell(&ring->head->lane[lane].freed);
    }
}
