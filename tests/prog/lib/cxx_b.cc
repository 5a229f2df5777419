/* One of three with the same std::thread inside. SPDX-License-Identifier: Apache-2.0 */
#include "cxx_threads.h"
