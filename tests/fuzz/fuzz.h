/*
 * What every fuzz target has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_FUZZ_H
#define FP_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert: the checks must hold in builds with NDEBUG too. */
#define MUST(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

#endif
