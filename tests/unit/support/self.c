/* The per-thread state that shim/init.c defines in the shim. SPDX-License-Identifier: Apache-2.0 */
#include "shim/self.h"

_Thread_local struct fp_self fp_self;
