/* See site.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/site.h"

#include <string.h>

enum fp_code fp_code_of(const char *file)
{
    if (strstr(file, "/site-packages/") || strstr(file, "/dist-packages/"))
        return FP_CODE_PACKAGE;
    /* "<frozen os>": since 3.11 some modules are compiled into the interpreter. */
    if (strncmp(file, "<frozen ", 8) == 0)
        return FP_CODE_STANDARD;
    /* ".../lib/python3.11/threading.py", wherever Python is installed. */
    const char *library = strstr(file, "/lib/python");
    if (library && library[11] >= '0' && library[11] <= '9' && strchr(library + 11, '/'))
        return FP_CODE_STANDARD;
    return FP_CODE_USER;
}
