/*
 * The memory that the processes of a ring share, and the life of its slots:
 *
 *     FREE -> FILLING (by the writer) -> READY -> HELD (by the reader) -> FREE
 *
 * State and process are one word, so that a dead process's slots, and no others, can be taken back.
 * There are no locks: a process may be killed between any two instructions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_RING_H
#define FL_RING_H

#include "forkloader.h"

#include <stdatomic.h>
#include <sys/types.h>

enum fl_slot_state { FL_SLOT_FREE, FL_SLOT_FILLING, FL_SLOT_READY, FL_SLOT_HELD };

struct fl_ring_slot {
    _Atomic uint64_t life;     /* the state, and above it the process */
    _Atomic uint64_t sequence; /* the batch's: readers look for it before the slot is theirs */
    struct forkloader_ring_batch batch;
    bool is_parcel;  /* else bytes */
    uint64_t bytes;  /* of what was put as bytes */
    uint64_t backed; /* there is memory for so many */
};

/* Waiters wait for a change of `ready` or `freed`, which count. */
struct fl_ring_lane {
    _Alignas(64) _Atomic uint32_t ready, freed;
    _Atomic uint64_t batches, bytes, copies;
    _Atomic uint64_t reader_waits, reader_wait_ns, writer_waits, writer_wait_ns;
};

struct fl_ring_head {
    char magic[8];
    uint32_t lanes, slots; /* slots of each lane */
    uint64_t slot_bytes, first_slot, first_data, size;
    _Atomic uint32_t is_stopped;
    struct fl_ring_lane lane[];
};

struct forkloader_ring {
    atomic_size_t owners; /* its user, and each batch that was got */
    int descriptor;
    struct fl_ring_head *head;
};

struct fl_ring_slot *fl_ring_slot(const struct forkloader_ring *ring, size_t lane, size_t slot);
uint8_t *fl_ring_data(const struct forkloader_ring *ring, const struct fl_ring_slot *slot);

/* Memory for the slot's first bytes. 0 or ENOSPC; without it the first write would be a SIGBUS. */
int fl_ring_back(struct forkloader_ring *ring, struct fl_ring_slot *slot, uint64_t bytes,
                 struct forkloader_error *error);

/* A slot of the lane for this process, in this state. */
int fl_ring_wait_free(struct forkloader_ring *ring, size_t lane, int milliseconds,
                      struct fl_ring_slot **slot, struct forkloader_error *error);
int fl_ring_wait_ready(struct forkloader_ring *ring, size_t lane, uint64_t sequence,
                       int milliseconds, struct fl_ring_slot **slot,
                       struct forkloader_error *error);

/* Passes a slot that this process filled to the reader; makes one that it had free. */
void fl_ring_ready(struct forkloader_ring *ring, size_t lane, struct fl_ring_slot *slot);
void fl_ring_give_back(struct forkloader_ring *ring, size_t lane, struct fl_ring_slot *slot);

/* Does the reader hold all slots of the lane? Then its writer could never continue. */
bool fl_ring_all_held(const struct forkloader_ring *ring, size_t lane);

void fl_ring_drop(struct forkloader_ring *ring);

#endif
