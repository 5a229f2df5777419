/* One fork, without threads. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

int main(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    say("child ended with %d\n", end_of(child));
    return 0;
}
