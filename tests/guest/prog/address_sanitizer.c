/* Built with -fsanitize=address. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *use_memory(void *unused)
{
    free(malloc(1000));
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, use_memory, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    pthread_join(thread, NULL);
    puts("hello");
    return 0;
}
