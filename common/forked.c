/* See forked.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/forked.h"

#include "common/files.h"
#include "policy/text.h"

#include <string.h>

bool fp_ended_as_forked(pid_t child)
{
    enum { BEFORE_FLAGS = 5 }; /* fields between the state and the flags */
    char name[40], line[512];
    struct fp_text path = FP_TEXT(name);
    unsigned long flags = 0;
    fp_text_format(&path, "/proc/%d/stat", (int)child);
    if (fp_file_read(name, line, sizeof line) <= 0)
        return false;
    const char *at = strrchr(line, ')'); /* a name may hold what it likes */
    if (!at || strncmp(at, ") Z ", 4) != 0)
        return false;
    at += 3;
    for (int i = 0; i < BEFORE_FLAGS && at; i++)
        at = strchr(at + 1, ' ');
    for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
        flags = flags * 10 + (unsigned long)(*at - '0');
    return flags & FP_FORKED_NO_EXEC;
}
