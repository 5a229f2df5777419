/* forkpty and daemon, which fork inside libc. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <poll.h>
#include <pty.h>
#include <termios.h>

/* A line of a terminal comes in pieces: the text, then what its newline becomes. */
static void read_line(int end, char *line, size_t room)
{
    size_t length = 0;
    while (length + 1 < room && (length == 0 || line[length - 1] != '\n')) {
        ssize_t got = read(end, line + length, room - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    line[length] = '\0';
}

static void use_pty(void)
{
    int master;
    char name[64], line[64];
    struct winsize size = {.ws_row = 33, .ws_col = 77};
    pid_t child = forkpty(&master, name, NULL, &size);
    if (child == 0) {
        struct winsize got;
        start_and_join();
        ioctl(0, TIOCGWINSZ, &got);
        dprintf(1, "tty %d %d %d\n", isatty(0), got.ws_row, got.ws_col);
        rest(50); /* the terminal's last close drops nothing that was read */
        _exit(15);
    }
    must(child > 0, "forkpty");
    read_line(master, line, sizeof line);
    say("%s", line);
    say("child ended with %d, name %d\n", end_of(child), strncmp(name, "/dev/pts/", 9) == 0);
    close(master);
}

static void use_daemon(void)
{
    int ends[2];
    char line[64];
    must(pipe(ends) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        pid_t before = getpid();
        start_sleeper(); /* the daemon is without it */
        if (daemon(1, 1) != 0)
            _exit(1);
        start_and_join();
        dprintf(ends[1], "daemon %d %d\n", getpid() != before, task_count());
        _exit(0);
    }
    close(ends[1]);
    say("starter ended with %d\n", end_of(child));
    read_line(ends[0], line, sizeof line);
    say("%s", line);
    close(ends[0]);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        use_pty();
        use_daemon();
        start_sleeper();
    }
    return 0;
}
