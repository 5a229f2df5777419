/*
 * The GIL of a child that C code forked (uwsgi's workers): a lost thread may have had it. Whoever
 * has got it once in the child has found it sound; how many Python frames came along is seen then,
 * too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/self.h"
#include "shim/threads/origin.h"
#include "shim/watch/watched.h"

static void hear(void)
{
    if (!fp_origin_awaits_gil() || fp_self.inside)
        return;
    struct fp_work work = fp_work_begin();
    fp_origin_hear_gil();
    fp_work_end(work);
}

void fp_watched_PyEval_RestoreThread(void *state)
{
    void (*real)(void *);
    *(void **)&real = fp_got_real(FP_WATCHED_PyEval_RestoreThread);
    real(state);
    hear();
}

void fp_watched_PyEval_AcquireThread(void *state)
{
    void (*real)(void *);
    *(void **)&real = fp_got_real(FP_WATCHED_PyEval_AcquireThread);
    real(state);
    hear();
}

int fp_watched_PyGILState_Ensure(void)
{
    int (*real)(void);
    *(void **)&real = fp_got_real(FP_WATCHED_PyGILState_Ensure);
    int state = real();
    hear();
    return state;
}
