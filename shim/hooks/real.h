/*
 * The functions behind the hooks: fp_real.fork is libc's fork. Three names for three layers:
 * fp_real.fork (theirs), fp_fork_story (ours), fork (exported, two lines).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HOOKS_REAL_H
#define FP_SHIM_HOOKS_REAL_H

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>

/* void std::thread::_M_start_thread(std::unique_ptr<_State>, void (*)()), libstdc++ since GCC 6 */
#define FP_CXX_START_THREAD \
    _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE

/* As in threads.h, which came with glibc 2.28. */
typedef unsigned long fp_c11_thread;
typedef int fp_c11_start(void *);

struct fp_real {
#define FP_HOOK(type, name, parameters, need) type(*name) parameters;
#include "shim/hooks/hooks.def"
#undef FP_HOOK
};

extern struct fp_real fp_real;

/* And the hooks themselves: what the program calls. */
#define FP_HOOK(type, name, parameters, need) \
    __attribute__((visibility("default"))) type name parameters;
#include "shim/hooks/hooks.def"
#undef FP_HOOK

enum fp_need { FP_REQUIRED, FP_OPTIONAL, FP_LATE };

/* Fills the empty slots of hooks up to this need; idempotent. False: a REQUIRED one is missing. */
bool fp_real_resolve(enum fp_need last);

/* Finds libstdc++'s starter for a caller whose libstdc++ may be out of the global scope. */
void *fp_real_cxx_start_thread(const char *caller_path);

/* For `forkpolicy check`: calls `visit` with each hook's name and address (NULL = not found). */
void fp_real_each(void (*visit)(const char *name, const void *address, void *context),
                  void *context);

#endif
