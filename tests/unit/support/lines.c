/* See lines.h. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/lines.h"

#include <criterion/criterion.h>
#include <string.h>

void check_told(const char *buffer, size_t size, size_t length)
{
    for (size_t i = 0; i < BEHIND; i++)
        cr_assert_eq(buffer[size + i], 'C');
    cr_assert_eq(strlen(buffer), length);
    if (size < 13)
        return;
    cr_assert_gt(length, 0);
    for (const char *line = buffer; *line;) {
        const char *end = strchr(line, '\n');
        cr_assert_eq(strncmp(line, "forkpolicy:", 11), 0, "size %zu: %s", size, line);
        cr_assert(end, "the last line must end: %s", line);
        for (const char *c = line; c < end; c++)
            cr_assert((unsigned char)*c >= 0x20 && *c != 0x7f, "control byte in: %s", line);
        line = end + 1;
    }
}

bool valid_utf8(const char *at)
{
    while (*at) {
        unsigned char c = (unsigned char)*at++;
        int more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c >= 0x80 && (c < 0xc2 || c > 0xf4))
            return false;
        while (more-- > 0)
            if (((unsigned char)*at++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}
