/*
 * The registry of runtimes: an entry for each library that started a thread (or registered atfork
 * handlers), and for each line of Python code that did. Entries are never removed; a library that
 * is closed and opened again finds its own. Without locks, like the thread table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_RUNTIMES_H
#define FP_SHIM_THREADS_RUNTIMES_H

#include "policy/model.h"

#include <stdatomic.h>

enum { FP_ENTRIES_MAX = 1024, FP_ENTRY_OTHER = 0 };
#define FP_ENTRY_NONE UINT32_MAX

/* What is found out at the first fork that meets the entry (resolve.c). Constant then. */
struct fp_resolved {
    struct fp_facts facts;
    struct fp_identity identity;
};

struct fp_runtime_entry {
    uint64_t hash;
    const char *dso;             /* as the loader spells it; "" = the program itself */
    const char *file;            /* Python file that started the threads, "" for native ones */
    const char *_Atomic started; /* "file:line" in the user's or a library's Python code, or "" */
    const char *_Atomic user;    /* the first such line of the user's that led there; NULL: none */
    struct fp_resolved *_Atomic resolved;
    const char *_Atomic name; /* as which it registered; NULL: it did not */
    _Atomic int state;
    _Atomic unsigned live;
    _Atomic unsigned lost;         /* threads that this process lost when it was forked */
    _Atomic unsigned workers_lost; /* of these, started by the thread that forked */
    _Atomic unsigned handlers;
    _Atomic bool registered; /* goes through forks by handlers of its own (forkpolicy.h) */
    _Atomic bool used;       /* its library was called in a child that lost its threads */
};

/* Finds or makes the entry for a library (file ""; the first `started` that is not "" is kept: its
   atfork handlers may come before its threads), or for Python code (dso, file and started
   together). Strings are copied. FP_ENTRY_OTHER: no room. */
uint32_t fp_runtime_intern(const char *dso, const char *file, const char *started);

/* The user's line that started its first thread, where a library's own is what it is known by; "" is
   none. Copied. */
void fp_runtime_note_user(uint32_t index, const char *line);

/* The entry of a library that was met before, else FP_ENTRY_NONE. */
uint32_t fp_runtime_find(const char *dso);

struct fp_runtime_entry *fp_runtime_at(uint32_t index);

void fp_runtime_add(uint32_t index);
void fp_runtime_remove(uint32_t index);

/* Child room: every runtime has lost its threads, but for the forking one in `survivor`. */
void fp_runtimes_child(uint32_t survivor);

/* Child room, after that: a thread of it was not lost. */
void fp_runtime_keep(uint32_t index);

/* How many entries there are: indices below it may be asked for. */
uint32_t fp_runtimes_count(void);

/* Memory that is never given back, for what the registry points to; NULL when it is used up. */
void *fp_arena_take(size_t size);
const char *fp_arena_copy(const char *string, size_t length);

#endif
