/* See census.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/threads/census.h"

#include "common/files.h"
#include "policy/text.h"
#include "shim/base/own_stack.h"
#include "shim/threads/table.h"
#include "shim/threads/tasks.h"

#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void fp_census_name(int tid, char name[FP_COMM_SIZE])
{
    char path[48], line[FP_COMM_SIZE + 2];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/task/%d/comm", tid);
    ssize_t length = fp_file_read(path, line, sizeof line);
    name[0] = '\0';
    if (length <= 0)
        return;
    line[strcspn(line, "\n")] = '\0';
    struct fp_text out = {.data = name, .size = FP_COMM_SIZE};
    fp_text_append(&out, line, strlen(line));
}

/* The table's threads by tid, in memory of our own for the time of one census. */
struct member {
    struct fp_thread_slot *slot; /* NULL: a free place */
    fp_life life;
    bool present;
};

struct roll {
    struct fp_census *census;
    struct member *members; /* open addressing by tid */
    size_t size;            /* a power of two */
    size_t count;
    unsigned starting;
    unsigned strangers, most; /* tids that the table has not; how many of them are told, the oldest */
    int self; /* the forking thread: it goes on, and may be one without a slot */
};

static struct member *place_of(const struct roll *roll, int tid)
{
    size_t place = ((size_t)tid * 2654435769U) & (roll->size - 1);
    while (roll->members[place].slot && fp_life_tid(roll->members[place].life) != tid)
        place = (place + 1) & (roll->size - 1);
    return &roll->members[place];
}

static bool enrol(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct roll *roll = context;
    if (fp_life_state(life) == FP_THREAD_STARTING) {
        roll->starting++; /* created, but has not run yet */
        return true;
    }
    *place_of(roll, fp_life_tid(life)) = (struct member){slot, life, false};
    return ++roll->count < roll->size / 2;
}

static void meet_stranger(struct fp_census *census, int tid)
{
    char name[FP_COMM_SIZE];
    fp_census_name(tid, name);
    if (!name[0])
        return; /* gone since it was listed */
    census->unattributed++;
    for (size_t i = 0; i < census->count; i++) {
        if (strcmp(census->strangers[i].name, name) == 0) {
            census->strangers[i].threads++;
            return;
        }
    }
    if (census->count == FP_STRANGERS_MAX)
        return;
    struct fp_strangers *strangers = &census->strangers[census->count++];
    memcpy(strangers->name, name, sizeof name);
    strangers->threads = 1;
}

static bool meet(int tid, void *context)
{
    struct roll *roll = context;
    struct member *member = place_of(roll, tid);
    if (member->slot)
        member->present = true;
    else if (tid != getpid() && tid != roll->self && /* the main thread has no slot */
             roll->strangers++ < roll->most)
        meet_stranger(roll->census, tid);
    return true;
}

/* Those that have yet to run, and to give their tids, are the last of the list, which is by age. */
static void leave_out_starting(struct roll *roll)
{
    if (!roll->starting)
        return;
    roll->most = 0;
    fp_tasks_each(meet, roll);
    roll->most = roll->strangers > roll->starting ? roll->strangers - roll->starting : 0;
    roll->strangers = 0;
}

/* A thread with a slot that the kernel does not list has ended by a raw exit. */
static void strike_off(const struct roll *roll)
{
    for (size_t place = 0; place < roll->size; place++)
        if (roll->members[place].slot && !roll->members[place].present)
            fp_table_leave(roll->members[place].slot, roll->members[place].life);
}

static void take(void *context)
{
    struct fp_census *census = context;
    struct roll roll = {.census = census, .size = 64, .most = UINT_MAX};
    roll.self = (int)syscall(SYS_gettid);
    census->unattributed = 0;
    census->count = 0;
    while (roll.size < 4 * (size_t)fp_table_threads())
        roll.size *= 2;
    size_t bytes = roll.size * sizeof *roll.members;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    roll.members = memory;
    fp_table_each(enrol, &roll);
    leave_out_starting(&roll);
    if (fp_tasks_each(meet, &roll))
        strike_off(&roll);
    munmap(memory, bytes);
}

void fp_census_take(struct fp_census *census)
{
    fp_on_own_stack(take, census);
}
