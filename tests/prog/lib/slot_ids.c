/* As slot_wait, but the functions are others. SPDX-License-Identifier: Apache-2.0 */
#include <sys/types.h>
#include <unistd.h>

char padding[65536];

int check(void)
{
    return getppid() <= 0 || getpid() <= 0;
}
