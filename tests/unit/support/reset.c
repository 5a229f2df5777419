/* What shim/lost.c asks of shim/reset.c, which needs libraries. SPDX-License-Identifier: Apache-2.0
 */
#include "shim/reset.h"

#include "shim/self.h"

bool fp_reset_has(uint32_t entry)
{
    for (unsigned i = 0; i < fp_self.resets.count; i++)
        if (fp_self.resets.entries[i] == entry)
            return true;
    return false;
}
