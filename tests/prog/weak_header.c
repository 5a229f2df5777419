/* Includes the public header and links nothing. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include "forkpolicy.h"

int main(void)
{
    say("%s\n", forkpolicy_version ? forkpolicy_version() : "not there");
    return 0;
}
