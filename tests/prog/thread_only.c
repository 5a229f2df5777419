/* Starts a thread and never forks. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

int main(void)
{
    start_and_join();
    return 0;
}
