/*
 * permute PATH COUNT [array]: nanoseconds an index for a whole permutation, read in batches of
 * 1,024; with "array" into fresh memory for all of it. PATH: single, plain, avx2, avx512.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include "loader/permutation/permutation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1024 };

static const char *const PATHS[] = {"single", "plain", "avx2", "avx512"};

static enum fl_path path_of(const char *name)
{
    for (int path = FL_SINGLE; path <= FL_AVX512; path++)
        if (strcmp(name, PATHS[path]) == 0 && fl_feistel_has((enum fl_path)path))
            return (enum fl_path)path;
    fprintf(stderr, "permute: no path %s\n", name);
    exit(2);
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: permute PATH COUNT [array]\n");
        return 2;
    }
    struct fl_permutation_how how = FL_PERMUTATION_V1;
    how.path = path_of(arguments[1]);
    uint64_t rows = strtoull(arguments[2], NULL, 10), batch[BATCH], *array = NULL, sum = 0;
    double start = now();
    struct forkloader_permutation *permutation;
    if (fl_permutation_new(&permutation, rows, 1, 0, 1, how, NULL) != 0)
        return 1;
    if (count > 3 && !(array = malloc(rows * sizeof *array)))
        return 1;
    for (uint64_t first = 0; first < rows; first += BATCH) {
        size_t some = rows - first < BATCH ? rows - first : BATCH;
        uint64_t *here = array ? array + first : batch;
        forkloader_permutation_read(permutation, first, some, here);
        sum += here[some - 1];
    }
    printf("%.3f\n", (now() - start) / (double)rows);
    fprintf(stderr, "%" PRIu64 "\n", sum);
}
