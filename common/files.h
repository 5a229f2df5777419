/*
 * Files and folders without malloc or stdio, for the guest and the host alike. No function leaves a
 * descriptor open; errno is the caller's to keep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_FILES_H
#define FP_COMMON_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Beneath `folder` (AT_FDCWD), closed on exec; -1: it cannot be opened. As the others here no point
   at which a thread is cancelled. */
int fp_file_open(int folder, const char *path, int flags);

void fp_file_close(int file);

/* Reads until `size` bytes are there or the file ends; the number read. */
size_t fp_read_all(int file, char *buffer, size_t size);

/* Reads up to size - 1 bytes of a file and terminates them; -1 when it cannot be opened. */
ssize_t fp_file_read(const char *path, char *buffer, size_t size);

/* The same; opened with flags of the caller's. */
ssize_t fp_file_read_with(const char *path, char *buffer, size_t size, int flags);

/* The path with every link resolved; false when it cannot be found out. */
bool fp_file_real_path(const char *path, char *buffer, size_t size);

/* Calls `visit` with the name of each entry of a folder until it returns false. */
void fp_folder_each(int folder, bool (*visit)(const char *name, void *context), void *context);

/* Whether a file below `folder` holds `needle`. */
bool fp_file_contains(int folder, const char *path, const char *needle, size_t length);

#endif
