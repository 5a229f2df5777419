/* See program.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/base/program.h"

#include "common/files.h"
#include "policy/text.h"

#include <string.h>

void fp_program_read(char program[FP_PROGRAM_SIZE])
{
    char line[1024];
    struct fp_text text = {.data = program, .size = FP_PROGRAM_SIZE};
    ssize_t length = fp_file_read("/proc/self/cmdline", line, sizeof line);
    fp_text_reset(&text);
    if (length <= 0)
        return;
    fp_text_format(&text, "%s", fp_basename(line));
    const char *at = line + strlen(line) + 1, *end = line + length;
    if (at < end && *at)
        fp_text_format(&text, " %s", at);
    if (at < end && strcmp(at, "-m") == 0 && at + 3 < end)
        fp_text_format(&text, " %s", at + 3);
}
