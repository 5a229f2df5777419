/*
 * The states of Python's threads, see python_api.h. Since 3.11 part of what a state points to lies on
 * its thread's stack. States outlive their threads in the child of C code that forked without a word
 * to Python, and where code within Python called pthread_exit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/kernel.h"
#include "shim/python/python.h"
#include "shim/python/python_api.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool has_frames_on_stacks(void)
{
    const char *version = fp_python_version(); /* "3.11.7" */
    return strncmp(version, "3.", 2) != 0 || atoi(version + 2) >= 11;
}

/*
 * A native thread that comes to Python puts its state at the head of the list without the GIL. 3.11
 * fills it in after that, and asked for the frame of such a state it would read by a null pointer;
 * other versions link a state that is whole. States go with the GIL held.
 */
static bool is_whole(const void *state)
{
    const struct {
        void *list[2], *interpreter;
        int numbers[8];
        void *c_frame; /* set after the state was linked */
    } *of_3_11 = state;
    return strncmp(fp_python_version(), "3.11.", 5) != 0 ||
           __atomic_load_n(&of_3_11->c_frame, __ATOMIC_ACQUIRE);
}

/* Where a state keeps its thread's number, as a word, or 0: right behind the ident, which the
   calling thread's own state must have. The place differs from version to version. */
static size_t place_of_tid(void)
{
    enum { WORDS = 32, PID_LIMIT = 4194304 }; /* no state is smaller; PID_MAX_LIMIT of Linux */
    const unsigned long *own = fp_python_api.PyGILState_GetThisThreadState();
    for (size_t i = 1; own && i < WORDS; i++)
        if (own[i - 1] == (unsigned long)pthread_self() && own[i] && own[i] <= PID_LIMIT)
            return i;
    return 0;
}

static bool is_alive(const void *state)
{
    size_t place = place_of_tid();
    return place && fp_thread_lives((long)((const unsigned long *)state)[place]);
}

void *fp_python_state_frame(void *state)
{
    if (!is_whole(state) || (has_frames_on_stacks() && !is_alive(state)))
        return NULL;
    return fp_python_api.PyThreadState_GetFrame(state);
}

bool fp_python_any_gone(void)
{
    void *own = fp_python_api.PyGILState_GetThisThreadState(), *state = NULL;
    if (fp_python_api.PyInterpreterState_Get && has_frames_on_stacks())
        state = fp_python_api.PyInterpreterState_ThreadHead(fp_python_api.PyInterpreterState_Get());
    while (state && (state == own || is_alive(state)))
        state = fp_python_api.PyThreadState_Next(state);
    return state;
}
