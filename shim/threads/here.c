/* See here.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/threads/here.h"

#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/threads/origin.h"

static FP_THREAD const struct fp_site *here;

FP_CHILD void fp_here_set(const struct fp_site *site)
{
    if (here != site) /* most forks write nothing */
        here = site;
}

const struct fp_site *fp_here(void)
{
    const struct fp_site *site = here ? here : fp_origin_site();
    return site && (fp_config.has_places || *site->allowed) ? site : NULL;
}
