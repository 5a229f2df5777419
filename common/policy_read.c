/* See policy_read.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/policy_read.h"

#include "common/files.h"
#include "common/large.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

FP_LARGE static struct fp_policy_file parsed;

static const char *refuse(const struct stat *status)
{
    if (S_ISDIR(status->st_mode))
        return "it is a directory, not a file";
    if (!S_ISREG(status->st_mode))
        return "it is not a regular file";
    if (status->st_size > FP_POLICY_FILE_MAX)
        return "it is larger than 1 MiB";
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return "group or others can write it (chmod go-w), and it says what to do in this process";
    return NULL;
}

bool fp_policy_read(const char *path, const struct fp_policy_text **policy,
                    struct fp_problem *problem, struct fp_text *why)
{
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file < 0) {
        fp_text_format(why, "%s",
                       errno == ENOENT   ? "there is no such file"
                       : errno == EACCES ? "permission denied"
                                         : "it cannot be opened");
        return false;
    }
    struct stat status;
    const char *wrong = fstat(file, &status) == 0 ? refuse(&status) : "it cannot be examined";
    size_t size = wrong ? 0 : (size_t)status.st_size;
    char *text = NULL;
    if (size) {
        /* Read, not mapped: a file that is cut while it is mapped would end the host (SIGBUS). */
        text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (text == MAP_FAILED)
            wrong = "there is no memory to read it into";
        else
            size = fp_read_all(file, text, size);
    }
    close(file);
    if (wrong) {
        fp_text_format(why, "%s", wrong);
        return false;
    }
    fp_policy_file_parse(&parsed, path, (struct fp_slice){size ? text : "", size}, problem);
    *policy = &parsed.view;
    return true;
}
