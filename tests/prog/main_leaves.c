/* The main thread leaves by pthread_exit while another goes on, forks and ends the process.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

static pthread_t main_thread;

static void *go_on(void *unused)
{
    pthread_join(main_thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        start_and_join();
        say("child has %d threads\n", task_count());
        pid_t second = fork();
        if (second == 0)
            _exit(6);
        _exit(end_of(second));
    }
    say("child ended with %d\n", end_of(child));
    start_and_join();
    exit(5);
    return unused;
}

int main(void)
{
    pthread_t thread;
    main_thread = pthread_self();
    must(pthread_create(&thread, NULL, go_on, NULL) == 0, "pthread_create");
    pthread_exit(NULL);
}
