/* See ring.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "loader/transport/ring.h"

#include "loader/base/error.h"
#include "loader/base/public.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char MAGIC[8] = "flring1";
static const uint64_t PAGE = 4096, PIECE = 4 << 20;

struct fl_ring_slot *fl_ring_slot(const struct forkloader_ring *ring, size_t lane, size_t slot)
{
    struct fl_ring_head *head = ring->head;
    return (struct fl_ring_slot *)((uint8_t *)head + head->first_slot) + lane * head->slots + slot;
}

uint8_t *fl_ring_data(const struct forkloader_ring *ring, const struct fl_ring_slot *slot)
{
    struct fl_ring_head *head = ring->head;
    uint64_t number = (uint64_t)(slot - fl_ring_slot(ring, 0, 0));
    return (uint8_t *)head + head->first_data + number * head->slot_bytes;
}

/* In pieces, each of which stays: a signal may undo a whole fallocate, and the next one come before
   the whole is done again. */
int fl_ring_back(struct forkloader_ring *ring, struct fl_ring_slot *slot, uint64_t bytes,
                 struct forkloader_error *error)
{
    if (bytes > ring->head->slot_bytes)
        return fl_fail(error, ENOSPC,
                       "a batch of %llu bytes: a slot of the ring has %llu (slot_bytes)",
                       (unsigned long long)bytes, (unsigned long long)ring->head->slot_bytes);
    uint64_t first = (uint64_t)(fl_ring_data(ring, slot) - (uint8_t *)ring->head);
    while (slot->backed < bytes) {
        uint64_t more = (bytes - slot->backed + PAGE - 1) & ~(PAGE - 1);
        more = more < PIECE ? more : PIECE;
        if (fallocate(ring->descriptor, 0, (off_t)(first + slot->backed), (off_t)more) == 0)
            slot->backed += more;
        else if (errno != EINTR)
            return fl_fail(error, ENOSPC, "no shared memory for a batch of %llu bytes: %s",
                           (unsigned long long)bytes, strerror(errno));
    }
    return 0;
}

static struct forkloader_ring *map(int descriptor, size_t size)
{
    struct forkloader_ring *ring = calloc(1, sizeof *ring);
    void *memory = MAP_FAILED;
    if (ring)
        memory =
            mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
    if (memory == MAP_FAILED) {
        free(ring);
        return NULL;
    }
    atomic_init(&ring->owners, 1);
    ring->descriptor = descriptor;
    ring->head = memory;
    return ring;
}

/* What is where; false: it is more than can be addressed. */
static bool lay_out(struct fl_ring_head *head)
{
    uint64_t slots = (uint64_t)head->lanes * head->slots, data;
    head->first_slot = sizeof *head + head->lanes * sizeof *head->lane;
    head->first_data =
        (head->first_slot + slots * sizeof(struct fl_ring_slot) + PAGE - 1) & ~(PAGE - 1);
    return !__builtin_mul_overflow(slots, head->slot_bytes, &data) &&
           !__builtin_add_overflow(data, head->first_data, &head->size) && head->size <= INT64_MAX;
}

static int make(struct forkloader_ring **ring, const struct fl_ring_head *plan)
{
    int descriptor = (int)syscall(SYS_memfd_create, "forkloader", MFD_CLOEXEC), code = 0;
    if (descriptor < 0)
        return errno;
    if (ftruncate(descriptor, (off_t)plan->size) != 0 ||
        fallocate(descriptor, 0, 0, (off_t)plan->first_data) != 0)
        code = errno;
    else if (!(*ring = map(descriptor, plan->size)))
        code = ENOMEM;
    else
        memcpy((*ring)->head, plan, sizeof *plan);
    if (code != 0)
        close(descriptor);
    return code;
}

FL_PUBLIC int forkloader_ring_new(struct forkloader_ring **ring, size_t lanes, size_t slots,
                                  uint64_t slot_bytes, struct forkloader_error *error)
{
    *ring = NULL;
    if (lanes < 1 || lanes > FORKLOADER_RING_LANES_MOST || slots < 1 ||
        slots > FORKLOADER_RING_SLOTS_MOST || slot_bytes < 1 || slot_bytes > INT64_MAX - PAGE)
        return fl_fail(error, EINVAL,
                       "a ring has 1 to %d lanes of 1 to %d slots of 1 to 2^63 bytes, not %zu of "
                       "%zu of %llu",
                       FORKLOADER_RING_LANES_MOST, FORKLOADER_RING_SLOTS_MOST, lanes, slots,
                       (unsigned long long)slot_bytes);
    struct fl_ring_head plan = {.lanes = (uint32_t)lanes,
                                .slots = (uint32_t)slots,
                                .slot_bytes = (slot_bytes + PAGE - 1) & ~(PAGE - 1)};
    memcpy(plan.magic, MAGIC, sizeof MAGIC);
    int code = lay_out(&plan) ? make(ring, &plan) : EOVERFLOW;
    if (code != 0)
        return fl_fail(error, code, "no ring of %zu lanes of %zu slots of %llu bytes: %s", lanes,
                       slots, (unsigned long long)slot_bytes, strerror(code));
    return 0;
}

FL_PUBLIC int forkloader_ring_open(struct forkloader_ring **ring, int descriptor,
                                   struct forkloader_error *error)
{
    struct fl_ring_head head;
    struct stat status;
    *ring = NULL;
    if (fstat(descriptor, &status) != 0 ||
        pread(descriptor, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        memcmp(head.magic, MAGIC, sizeof MAGIC) != 0 || (uint64_t)status.st_size != head.size)
        return fl_fail(error, EINVAL, "descriptor %d is not a ring of this version", descriptor);
    int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    *ring = own < 0 ? NULL : map(own, head.size);
    if (*ring)
        return 0;
    int code = errno;
    if (own >= 0)
        close(own);
    return fl_fail(error, code, "the ring cannot be mapped: %s", strerror(code));
}

void fl_ring_drop(struct forkloader_ring *ring)
{
    if (atomic_fetch_sub_explicit(&ring->owners, 1, memory_order_acq_rel) != 1)
        return;
    munmap(ring->head, ring->head->size);
    free(ring);
}

/* Views need the memory alone. */
FL_PUBLIC void forkloader_ring_free(struct forkloader_ring *ring)
{
    if (!ring)
        return;
    close(ring->descriptor);
    ring->descriptor = -1;
    fl_ring_drop(ring);
}

FL_PUBLIC int forkloader_ring_descriptor(const struct forkloader_ring *ring)
{
    return ring->descriptor;
}

FL_PUBLIC size_t forkloader_ring_lanes(const struct forkloader_ring *ring)
{
    return ring->head->lanes;
}

FL_PUBLIC int forkloader_ring_count(const struct forkloader_ring *ring, size_t lane,
                                    struct forkloader_ring_counts *counts)
{
    if (lane >= ring->head->lanes)
        return EINVAL;
    struct fl_ring_lane *from = &ring->head->lane[lane];
    uint32_t states[FL_SLOT_HELD + 1] = {0};
    for (size_t i = 0; i < ring->head->slots; i++)
        states[(uint32_t)atomic_load(&fl_ring_slot(ring, lane, i)->life) & 3]++;
    *counts = (struct forkloader_ring_counts){.batches = atomic_load(&from->batches),
                                              .bytes = atomic_load(&from->bytes),
                                              .copies = atomic_load(&from->copies),
                                              .reader_waits = atomic_load(&from->reader_waits),
                                              .reader_wait_ns = atomic_load(&from->reader_wait_ns),
                                              .writer_waits = atomic_load(&from->writer_waits),
                                              .writer_wait_ns = atomic_load(&from->writer_wait_ns),
                                              .free = states[FL_SLOT_FREE],
                                              .filling = states[FL_SLOT_FILLING],
                                              .ready = states[FL_SLOT_READY],
                                              .held = states[FL_SLOT_HELD]};
    return 0;
}
