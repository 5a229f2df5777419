/*
 * Arrow arrays of one column "n" (int64), where row i has i * 3: as a table, or somebody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_NUMBERS_H
#define TESTS_NUMBERS_H

#include "forkloader.h"

#include <stdatomic.h>

/* Releases of arrays and of schemas that were made here. */
extern atomic_int numbers_arrays_released, numbers_schemas_released;

/* A struct array whose column has `first` and the following rows; its own release counts. */
void numbers_array(struct ArrowArray *array, struct ArrowSchema *schema, int64_t first,
                   int64_t count);

/* NULL: it failed. */
struct forkloader_table *numbers_table(int64_t rows);

/* Does a struct array have just these rows? */
bool numbers_are(const struct ArrowArray *array, const uint64_t *rows, size_t count);
bool numbers_run(const struct ArrowArray *array, uint64_t first, size_t count);

#endif
