/* The parent's part, see carry.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/carry.h"

#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/carry/files.h"
#include "shim/carry/libc.h"
#include "shim/carry/others.h"
#include "shim/carry/party.h"
#include "shim/carry/patience.h"
#include "shim/carry/rest.h"
#include "shim/carry/wanted.h"
#include "shim/threads/runtimes.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Memory for the snapshots; kept from fork to fork. */
static char *memory;
static size_t memory_bytes;

static void gather(struct fp_party *party)
{
    party->count = 0;
    for (uint32_t i = 0; i < fp_runtimes_count() && party->count < FP_PARTY_MAX; i++) {
        struct fp_runtime_entry *entry = fp_runtime_at(i);
        if (!fp_wanted(i) || !atomic_load(&entry->live))
            continue;
        struct fp_member *member = &party->members[party->count++];
        *member = (struct fp_member){.runtime = i,
                                     .is_tried = fp_wanted_is_tried(i),
                                     .outcome.threads = atomic_load(&entry->live)};
        member->outcome.reason = fp_wanted_hindrance(i);
        if (member->outcome.reason == FP_UNCARRIED_NONE && fp_self.slot &&
            fp_self.slot->runtime == i)
            member->outcome.reason = FP_UNCARRIED_INSIDE;
    }
}

static bool look_at_thread(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct fp_party *party = context;
    struct fp_member *member = fp_party_member(party, slot->runtime);
    if (!member || member->outcome.reason != FP_UNCARRIED_NONE)
        return true;
    member->outcome.reason =
        fp_life_state(life) == FP_THREAD_STARTING
            ? FP_UNCARRIED_STARTING
            : fp_rest_look(fp_point_of(slot), fp_life_tid(life), member->is_tried,
                           party->is_unmoved);
    member->outcome.thread = member->outcome.reason ? fp_life_tid(life) : 0;
    member->outcome.threads++;
    return true;
}

static bool look_again(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct fp_member *member = fp_party_member(context, slot->runtime);
    if (!member || member->outcome.reason != FP_UNCARRIED_NONE ||
        fp_rest_goes_on(fp_point_of(slot), fp_life_tid(life)))
        return true;
    member->outcome.reason = FP_UNCARRIED_PENDING;
    member->outcome.thread = fp_life_tid(life);
    return true;
}

static void look_for_others(struct fp_party *party)
{
    int thread;
    fp_party_hinder(party, fp_others_look(party, &thread));
    for (size_t i = 0; i < party->count; i++)
        party->members[i].outcome.thread = thread;
}

/* With the gate closed. */
static bool is_at_rest(struct fp_party *party)
{
    for (size_t i = 0; i < party->count; i++) {
        party->members[i].outcome.reason = FP_UNCARRIED_NONE;
        party->members[i].outcome.threads = 0;
    }
    long before = fp_others_switches();
    fp_party_compare(party, before);
    fp_table_each(look_at_thread, party);
    /* One of those that were looked at first may have been woken by the last ones, before these
       slept: if any thread has fallen asleep meanwhile. */
    bool is_still = before > 0 && fp_others_switches() == before;
    if (!fp_party_is_hindered(party) && !is_still)
        fp_table_each(look_again, party);
    if (!fp_party_is_hindered(party))
        look_for_others(party);
    fp_party_note(party, is_still ? before : 0);
    return !fp_party_is_hindered(party);
}

static bool is_timed(const struct fp_party *party)
{
    for (size_t i = 0; i < party->count; i++)
        if (party->members[i].outcome.reason == FP_UNCARRIED_TIMED)
            return true;
    return false;
}

/* Returns with the gate closed where they rest. */
static bool wait_for_rest(struct fp_party *party)
{
    const struct timespec pause = {.tv_nsec = 50000};
    struct fp_patience patience = fp_patience_begin();
    for (;;) {
        fp_gate_close();
        if (is_at_rest(party)) {
            fp_patience_paid();
            fp_gate_hurry(false);
            return true;
        }
        bool is_over = fp_patience_is_over(&patience, party);
        fp_gate_hurry(!is_over && is_timed(party));
        fp_gate_open();
        if (is_over)
            return false;
        nanosleep(&pause, NULL);
    }
}

static bool add_bytes(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct fp_party *party = context;
    (void)life;
    if (fp_party_member(party, slot->runtime))
        party->bytes += fp_libc_bytes(fp_point_of(slot));
    return true;
}

static bool save_thread(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct fp_party *party = context;
    struct fp_member *member = fp_party_member(party, slot->runtime);
    struct fp_point *point = fp_point_of(slot);
    if (!member)
        return true;
    point->snapshot.memory = memory + party->bytes;
    party->bytes += fp_libc_bytes(point);
    fp_libc_save(point);
    member->outcome.reason = fp_rest_note(point, fp_life_tid(life));
    if (member->outcome.reason == FP_UNCARRIED_NONE)
        member->outcome.reason = fp_files_add(point, member->is_tried, &member->outcome.descriptor);
    member->outcome.thread = member->outcome.reason ? fp_life_tid(life) : 0;
    return member->outcome.reason == FP_UNCARRIED_NONE;
}

static bool find_memory(size_t bytes)
{
    if (bytes <= memory_bytes)
        return true;
    if (memory)
        munmap(memory, memory_bytes);
    memory_bytes = 0;
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        memory = NULL;
    memory_bytes = memory ? bytes : 0;
    return memory != NULL;
}

static void find_numbers(struct fp_party *party)
{
    int file = 0;
    fp_party_hinder(party, fp_files_find_numbers(&file));
    for (size_t i = 0; i < party->count; i++)
        party->members[i].outcome.descriptor = file;
}

static void take_snapshot(struct fp_party *party)
{
    party->bytes = 0;
    fp_table_each(add_bytes, party);
    if (!find_memory(party->bytes)) {
        fp_party_hinder(party, FP_UNCARRIED_ROOM);
        return;
    }
    party->bytes = 0;
    fp_files_begin();
    fp_table_each(save_thread, party);
    if (!fp_party_is_hindered(party))
        find_numbers(party);
}

/* Nothing is carried: where one runtime is not, its threads may use the others. */
static void give_up(struct fp_party *party)
{
    fp_party_hinder(party, FP_UNCARRIED_OTHERS);
    fp_party_tell(party);
}

static void prepare(struct fp_party *party)
{
    uint64_t begun = fp_microseconds();
    if (!party->count)
        return;
    if (fp_party_is_hindered(party) || !wait_for_rest(party)) {
        give_up(party);
        return;
    }
    take_snapshot(party);
    party->microseconds = fp_microseconds() - begun;
    if (fp_party_is_hindered(party)) {
        fp_gate_open();
        give_up(party);
        return;
    }
    party->is_closed = true;
}

void fp_carry_prepare(void)
{
    if (!fp_config.carries || fp_party_mine)
        return;
    if (!fp_party_take()) {
        struct fp_party refused;
        gather(&refused);
        fp_party_hinder(&refused, FP_UNCARRIED_BUSY);
        refused.microseconds = 0;
        fp_party_tell(&refused);
        return;
    }
    struct fp_party *party = fp_party();
    gather(party);
    prepare(party);
    if (!party->is_closed)
        fp_party_give();
}

struct roll {
    struct fp_party *party;
    unsigned here;
};

static bool note_woken(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct roll *roll = context;
    struct fp_member *member = fp_party_member(roll->party, slot->runtime);
    roll->here += member != NULL;
    if (member && !fp_rest_is_unchanged(fp_point_of(slot))) {
        member->outcome.reason = FP_UNCARRIED_WOKEN;
        member->outcome.thread = fp_life_tid(life);
    }
    return true;
}

/* Some may have ended, too. */
static void look_for_woken(struct fp_party *party)
{
    struct roll roll = {party, 0};
    unsigned threads = 0;
    fp_table_each(note_woken, &roll);
    for (size_t i = 0; i < party->count; i++)
        threads += party->members[i].outcome.threads;
    if (roll.here != threads)
        fp_party_hinder(party, FP_UNCARRIED_WOKEN);
    party->is_ready = !fp_party_is_hindered(party);
    if (!party->is_ready)
        fp_party_hinder(party, FP_UNCARRIED_OTHERS);
}

static void open_gate(struct fp_party *party)
{
    fp_gate_open();
    party->is_closed = false;
}

void fp_carry_hold(void)
{
    struct fp_party *party = fp_party();
    if (!fp_party_mine || !party->is_closed)
        return;
    fp_gate_hold();
    look_for_woken(party);
    if (!party->is_ready)
        open_gate(party);
}

void fp_carry_go_on(void)
{
    struct fp_party *party = fp_party();
    if (!fp_party_mine || !party->is_closed)
        return;
    look_for_woken(party);
    open_gate(party);
}

void fp_carry_parent(pid_t child)
{
    if (!fp_party_mine)
        return;
    if (child > 0)
        fp_party_tell(fp_party());
    fp_party_give();
}
