/* See memory.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/memory.h"

#include "common/large.h"
#include "shim/base/child_section.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

FP_LARGE static char buffer[4096];

static pid_t process; /* whose memory this is */
static _Atomic bool has_sharer;

FP_CHILD void fp_memory_child(void)
{
    process = getpid();
    atomic_store(&has_sharer, false);
}

void fp_memory_note_sharer(void)
{
    atomic_store(&has_sharer, true);
}

bool fp_memory_has_sharer(void)
{
    return atomic_load(&has_sharer) || getpid() != process;
}

/* One line of /proc/thread-self/maps (that of a main thread which has left is empty), as far as it
 * matters: "7f12a000-7f12b000 rw-p ...". */
struct line {
    uint64_t numbers[2];
    unsigned field;  /* 0 and 1: the addresses, 2: the letters, 3: the rest */
    char letters[4]; /* rwxp, rwxs */
    unsigned letter;
};

static void take(struct line *line, char c)
{
    if (c == '-' && line->field == 0) {
        line->field = 1;
    } else if (c == ' ' && line->field < 3) {
        line->field++;
    } else if (line->field < 2) {
        unsigned digit = c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
        line->numbers[line->field] = line->numbers[line->field] * 16 + digit;
    } else if (line->field == 2) {
        if (line->letter < sizeof line->letters)
            line->letters[line->letter++] = c;
    }
}

bool fp_memory_is_private(const void *address)
{
    struct line line = {0};
    ssize_t got;
    int file = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
    bool found = false, is_private = false;
    while (file >= 0 && !found) {
        got = read(file, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got && !found; i++) {
            if (buffer[i] != '\n') {
                take(&line, buffer[i]);
                continue;
            }
            found = (uintptr_t)address - line.numbers[0] < line.numbers[1] - line.numbers[0];
            /* The kernel knows a futex in a read-only mapping by the file, also in a private one:
               only where the page can be written it is this process's own copy. */
            is_private = line.letters[1] == 'w' && line.letters[3] == 'p';
            line = (struct line){0};
        }
    }
    if (file >= 0)
        close(file);
    return found && is_private;
}
