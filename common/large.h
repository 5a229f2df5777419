/*
 * Large tables stand apart from the small variables that every process writes at its start: a fork
 * copies pages, and the fewer hold something, the less the shim adds to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_LARGE_H
#define FP_COMMON_LARGE_H

#define FP_LARGE __attribute__((section(".bss.large")))

#endif
