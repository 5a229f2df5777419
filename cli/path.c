/*
 * `forkpolicy path`: where the shim is. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/base/say.h"
#include "cli/cli.h"
#include "cli/launch/launch.h"

#include <stdio.h>

int fp_cli_path(int count, char **arguments)
{
    (void)arguments;
    if (count) {
        fp_cli_say("path takes no arguments");
        return FP_EXIT_USAGE;
    }
    const char *library = fp_cli_library();
    if (!library)
        return FP_EXIT_NO_PRELOAD;
    puts(library);
    return 0;
}
