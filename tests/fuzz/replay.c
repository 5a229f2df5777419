/*
 * Runs files, and the files of folders, through the fuzz target that it is linked with: the kept
 * corpus is a test too, and needs no libFuzzer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static unsigned runs;

static int run_file(const char *path)
{
    enum { MOST = 2 * 1024 * 1024 };
    FILE *stream = fopen(path, "rb");
    uint8_t *room = stream ? malloc(MOST) : NULL;
    size_t size = room ? fread(room, 1, MOST, stream) : 0;
    /* A copy of the very size, so that a sanitizer sees the first byte read behind it. */
    uint8_t *exact = room ? malloc(size ? size : 1) : NULL;
    int result = exact && !ferror(stream) ? 0 : 1;
    if (result == 0) {
        memcpy(exact, room, size);
        LLVMFuzzerTestOneInput(exact, size);
        runs++;
    } else {
        perror(path);
    }
    free(exact);
    free(room);
    if (stream)
        fclose(stream);
    return result;
}

static int run_path(const char *path)
{
    DIR *folder = opendir(path);
    int result = 0;
    if (!folder)
        return run_file(path);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        int length = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        result |= length < (int)sizeof file ? run_path(file) : 1;
    }
    closedir(folder);
    return result;
}

int main(int argc, char **argv)
{
    int result = 0;
    for (int i = 1; i < argc; i++)
        result |= run_path(argv[i]);
    printf("%u inputs\n", runs);
    return result || !runs;
}
