/* forkpty as libutil had it before glibc 2.34: it calls the fork that the program would.
   SPDX-License-Identifier: Apache-2.0 */
#include <pty.h>
#include <unistd.h>
#include <utmp.h>

int forkpty(int *master, char *name, const struct termios *terminal, const struct winsize *size)
{
    int slave;
    if (openpty(master, &slave, name, terminal, size) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0 && login_tty(slave) != 0)
        _exit(1);
    close(child ? slave : *master);
    return child;
}
