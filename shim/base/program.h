/* The program of this process, as its user would name it. SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_SHIM_BASE_PROGRAM_H
#define FP_SHIM_BASE_PROGRAM_H

enum { FP_PROGRAM_SIZE = 128 };

/* "python3 train.py", "python3 -m pytest"; "" where /proc tells nothing. */
void fp_program_read(char program[FP_PROGRAM_SIZE]);

#endif
