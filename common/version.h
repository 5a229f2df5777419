/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_COMMON_VERSION_H
#define FP_COMMON_VERSION_H

#define FP_VERSION "0.1.0"

#endif
