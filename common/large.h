/*
 * Large tables stand apart from the small variables that every process writes at its start: a fork
 * copies pages, and the fewer hold something, the less the shim adds to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_LARGE_H
#define FP_COMMON_LARGE_H

#define FP_LARGE __attribute__((section(".bss.large")))

/* The one of them whose beginning is written in every forked child: it comes next to the small
   variables, so that both are one page to copy. The linker sorts sections by name. */
#define FP_LARGE_FIRST __attribute__((section(".bss.first")))

#endif
