/* See child.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/child.h"

#include "shim/table.h"

void fp_child_enter(void)
{
    if (fp_table_ever_threaded())
        fp_table_child();
}
