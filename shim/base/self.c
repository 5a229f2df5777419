/* See self.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/base/self.h"

FP_THREAD struct fp_self fp_self;

bool fp_active;
