/* See check.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/check.h"

#include "loader/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int fl_check_failed(const struct fl_checked *checked, const char *format, ...)
{
    char said[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    if (!checked->field->parent)
        return fl_fail(checked->error, EINVAL, "batch %zu: %s", checked->batch, said);
    return fl_fail(checked->error, EINVAL, "column \"%s\", batch %zu: %s",
                   fl_field_path(checked->field).text, checked->batch, said);
}
