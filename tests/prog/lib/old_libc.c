/*
 * Loaded before the shim, this makes glibc look old to its dlsym, by FORKPOLICY_TEST_LIBC:
 * "no_clocks" is without the functions that came with 2.30, "no_single_threaded" without the
 * variable of 2.32, "no_stack_list" without what 2.34 tells of its stacks, "no_find_object" without
 * the function of 2.35, and in "old_conditions" RTLD_NEXT gives the older version of conditions, as before 2.36 (x86-64).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#define FIRST_VERSION "GLIBC_2.2.5"
#else
#define FIRST_VERSION "GLIBC_2.17"
#endif

/* The functions with a clock among their parameters. */
static int is_new(const char *name)
{
    return strcmp(name, "sem_clockwait") == 0 || strcmp(name, "pthread_clockjoin_np") == 0 ||
           (strncmp(name, "pthread_", 8) == 0 &&
            (strstr(name, "_clockwait") || strstr(name, "_clocklock") ||
             strstr(name, "_clockrdlock") || strstr(name, "_clockwrlock")));
}

static int emulates(const char *what)
{
    const char *given = getenv("FORKPOLICY_TEST_LIBC");
    return given && strstr(given, what);
}

/* The last call is a jump: libc's dlsym finds out by the return address who asks for the next. */
void *dlsym(void *library, const char *name)
{
    void *(*real)(void *, const char *);
    *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", FIRST_VERSION);
    if ((is_new(name) && emulates("no_clocks")) ||
        (strcmp(name, "__libc_single_threaded") == 0 && emulates("no_single_threaded")) ||
        (strcmp(name, "_thread_db_rtld_global__dl_stack_used") == 0 && emulates("no_stack_list")) ||
        (strcmp(name, "_dl_find_object") == 0 && emulates("no_find_object")))
        return NULL;
    void *older = library == RTLD_NEXT && strncmp(name, "pthread_cond_", 13) == 0 &&
                          emulates("old_conditions")
                      ? dlvsym(RTLD_NEXT, name, FIRST_VERSION)
                      : NULL;
    return older ? older : real(library, name);
}
