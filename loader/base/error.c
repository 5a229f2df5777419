/* See error.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/base/error.h"

#include <stdarg.h>
#include <stdio.h>

int fl_fail(struct forkloader_error *error, int code, const char *format, ...)
{
    va_list arguments;
    if (!error)
        return code;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}
