/* See site.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/site.h"

#include <stddef.h>
#include <string.h>

const char *fp_path_in_packages(const char *path)
{
    static const char *const FOLDERS[] = {"/site-packages/", "/dist-packages/"};
    const char *below = NULL;
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        for (const char *at = path; (at = strstr(at, FOLDERS[i]));) {
            at += strlen(FOLDERS[i]);
            below = at > below ? at : below;
        }
    return below;
}

enum fp_code fp_code_of(const char *file)
{
    if (fp_path_in_packages(file))
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
