/* See say.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/base/say.h"

#include <stdarg.h>
#include <stdio.h>

void fp_cli_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("forkpolicy: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}
