/*
 * Whose OpenMP answers to libgomp's names. LLVM's and Intel's have the same entries, often under
 * libgomp's file name or preloaded before it, and start their workers anew in a forked child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_LIBRARIES_OPENMP_H
#define FP_SHIM_LIBRARIES_OPENMP_H

#include "shim/libraries/elf.h"

bool fp_openmp_is_gnu(const struct fp_elf *library);

/* Any OpenMP that is not GNU's. */
bool fp_openmp_is_other(const struct fp_elf *library);

#endif
