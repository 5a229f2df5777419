/* Neither forks nor starts a thread. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

int main(void)
{
    say("idle\n");
    return 0;
}
