/*
 * What a library was built with, where that decides what becomes of its threads: Go's runtime is
 * dead in a forked child, in whatever library it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_BUILT_H
#define FP_COMMON_BUILT_H

/* "Go", by the note that its linker writes; "" for anything else. */
const char *fp_library_built_with(const char *path);

#endif
