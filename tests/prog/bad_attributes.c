/* pthread_create with attributes that cannot be: the error comes back, no thread is left.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <limits.h>
#include <sched.h>

static void try_create(const char *what, const pthread_attr_t *attributes)
{
    pthread_t thread;
    errno = ERANGE;
    int error = pthread_create(&thread, attributes, return_argument, NULL);
    say("%s: %s, errno %d\n", what, error ? strerrorname_np(error) : "-", errno);
    if (!error)
        pthread_join(thread, NULL);
}

int main(void)
{
    pthread_attr_t attributes;
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(CPU_SETSIZE - 1, &processors);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof processors, &processors);
    for (int i = 0; i < 50; i++)
        try_create("no such processor", &attributes);
    pthread_attr_destroy(&attributes);
    pthread_attr_init(&attributes);
    must(pthread_attr_setstacksize(&attributes, (size_t)1 << 46) == 0, "stack size");
    try_create("no room for the stack", &attributes);
    pthread_attr_destroy(&attributes);
    pthread_attr_init(&attributes);
    must(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0, "stack size");
    try_create("the smallest stack", &attributes);
    wait_for_tasks(1);
    start_sleeper();
    pid_t child = fork();
    if (child == 0)
        _exit(task_count());
    say("child ended with %d\n", end_of(child));
    return 0;
}
