/* Forks while as many threads are alive as the argument says. Ends with 77 where the system does
   not let it have so many. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

int main(int count, char **arguments)
{
    int wanted = count > 1 ? atoi(arguments[1]) : 100;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    for (int i = 0; i < wanted; i++)
        if (pthread_create(&thread, &attributes, sleep_for_ever, NULL) != 0)
            _exit(77);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            start_and_join();
            _exit(task_count());
        }
        say("child ended with %d\n", end_of(child));
    }
    start_and_join();
    say("parent has %d threads\n", task_count());
    _exit(0);
}
