/*
 * forkpolicy: what a library can ask of the shim that may be preloaded into its process.
 *
 * The functions are weak: a library that includes this header needs no linking and runs as well
 * where nothing is preloaded; the function's address is then NULL.
 *
 *     if (forkpolicy_version)
 *         puts(forkpolicy_version());
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORKPOLICY_H
#define FORKPOLICY_H

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the preloaded shim, "MAJOR.MINOR.PATCH". Static; never NULL. */
__attribute__((weak)) const char *forkpolicy_version(void);

#ifdef __cplusplus
}
#endif

#endif
