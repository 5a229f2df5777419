/* See openmp.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/openmp.h"

/* The entry of LLVM's compiler, which GNU's runtime has never had. */
bool fp_openmp_is_other(const struct fp_elf *library)
{
    return fp_elf_function(library, "__kmpc_fork_call") != NULL;
}

/* GNU's runtime has OpenACC's entries, too (since GCC 5). */
bool fp_openmp_is_gnu(const struct fp_elf *library)
{
    return fp_elf_function(library, "GOACC_parallel") && !fp_openmp_is_other(library);
}
