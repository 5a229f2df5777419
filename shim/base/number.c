/* See number.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/base/number.h"

#include "shim/base/child_section.h"

#include <string.h>

FP_CHILD const char *fp_number_after(const char *at, const char *key, unsigned base,
                                     uint64_t *number)
{
    *number = 0;
    at = at ? strstr(at, key) : NULL;
    if (!at)
        return NULL;
    for (at += strlen(key); *at == ' ' || *at == '\t'; at++)
        ;
    for (;; at++) {
        unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                         : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
                                                    : base;
        if (digit >= base)
            return at;
        *number = *number * base + digit;
    }
}

FP_CHILD int fp_number_of(const char *name)
{
    uint64_t number;
    const char *end = fp_number_after(name, "", 10, &number);
    return end != name && !*end ? (int)number : -1;
}
