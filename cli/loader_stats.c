/*
 * `forkpolicy loader-stats`: the counters of each Loader of a process. See cli.h.
 *
 * They lie in a memfd that python/forkpolicy/loader/counters.py has made: records of 32 bytes, a
 * name of 24 that is filled up with zeros and a number of 8, up to an empty name. It is read, not
 * mapped: its owner may cut it off at any moment, and a map of it would then be a SIGBUS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/base/say.h"
#include "cli/cli.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MEMORY "/memfd:forkloader-stats"

enum { ROOM = 4096, TEXT = 24, LOADERS_MOST = 1024, EXIT_NONE = 1 };

struct record {
    char name[TEXT];
    uint64_t number;
};

struct options {
    bool as_json;
    long milliseconds; /* between two looks; 0: one */
    pid_t pid;
};

struct look {
    pid_t pid;
    bool as_json, is_first;
    int wrong;                   /* errno of what could not be read */
    int loaders;                 /* that were printed */
    ino_t printed[LOADERS_MOST]; /* one Loader may have several descriptors */
};

void fp_loader_stats_help(void)
{
    printf("\noptions of loader-stats, which prints the counters of each Loader of a process:\n");
#define FP_LOADER_STATS_OPTION(field, name, argument, help) \
    printf("  %-8s %-15s %s\n", name, argument, help);
#include "cli/loader_stats.def"
#undef FP_LOADER_STATS_OPTION
    printf(
        "exit status of loader-stats: 0; 1 the process has no Loader, cannot be read, or is not\n"
        "there; 2 usage\n");
}

/* What is no letter, digit or '_' becomes '?', so that a name is a word whatever the memory holds.
 */
static void word_of(const struct record *record, char word[static TEXT + 1])
{
    size_t length = strnlen(record->name, TEXT);
    for (size_t i = 0; i < length; i++) {
        char letter = record->name[i];
        bool is_good = isalnum((unsigned char)letter) || letter == '_';
        word[i] = is_good ? letter : (char)'?';
    }
    word[length] = '\0';
}

/* In the unit that the name tells: nanoseconds as seconds, bytes as MiB. */
static void print_line(const char *name, uint64_t number)
{
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, "_ns") == 0)
        printf("  %-24.*s %16.3f s\n", (int)length - 3, name, (double)number / 1e9);
    else if (strncmp(name, "bytes", 5) == 0)
        printf("  %-24s %16.1f MiB\n", name, (double)number / (1 << 20));
    else
        printf("  %-24s %16" PRIu64 "\n", name, number);
}

static void print_loader(const struct look *look, int file, const struct record *records,
                         size_t count)
{
    char name[TEXT + 1];
    if (look->as_json)
        printf("{\"pid\":%d,\"fd\":%d", (int)look->pid, file);
    else
        printf("%sLoader of pid %d, fd %d\n", look->is_first && !look->loaders ? "" : "\n",
               (int)look->pid, file);
    for (size_t i = 0; i < count && records[i].name[0]; i++) {
        word_of(&records[i], name);
        if (look->as_json)
            printf(",\"%s\":%" PRIu64, name, records[i].number);
        else
            print_line(name, records[i].number);
    }
    if (look->as_json)
        printf("}\n");
}

static bool is_new(const struct look *look, const struct stat *file)
{
    for (int i = 0; i < look->loaders; i++)
        if (look->printed[i] == file->st_ino)
            return false;
    return S_ISREG(file->st_mode) && look->loaders < LOADERS_MOST;
}

/* Anybody may call a file so: nothing here waits. */
static void look_at(struct look *look, int folder, const char *entry)
{
    char target[sizeof MEMORY];
    struct record records[ROOM / sizeof(struct record)];
    struct stat found;
    ssize_t length = readlinkat(folder, entry, target, sizeof target);
    if (length < 0 && (errno == EACCES || errno == EPERM))
        look->wrong = errno;
    if (length != sizeof target || memcmp(target, MEMORY " ", sizeof target) != 0)
        return; /* "(deleted)" follows */
    int file = openat(folder, entry, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        look->wrong = errno;
        return;
    }
    length = -1;
    if (fstat(file, &found) == 0 && is_new(look, &found))
        length = pread(file, records, sizeof records, 0);
    (void)close(file);
    if (length < 0)
        return;
    print_loader(look, (int)strtol(entry, NULL, 10), records, (size_t)length / sizeof *records);
    look->printed[look->loaders++] = found.st_ino;
}

static void say_none(const struct look *look)
{
    if (look->wrong == ENOENT || look->wrong == ESRCH)
        fp_cli_say("loader-stats: there is no process %d", (int)look->pid);
    else if (look->wrong)
        fp_cli_say("loader-stats: process %d cannot be read: %s", (int)look->pid,
                   strerror(look->wrong));
    else
        fp_cli_say("loader-stats: process %d has no Loader", (int)look->pid);
}

/* 0, or EXIT_NONE, and said the first time. */
static int print_all(pid_t pid, bool as_json, bool is_first)
{
    struct look look = {.pid = pid, .as_json = as_json, .is_first = is_first};
    const struct dirent *entry;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        look.wrong = errno;
    while (folder && (entry = readdir(folder)))
        look_at(&look, dirfd(folder), entry->d_name);
    if (folder)
        closedir(folder);
    fflush(stdout);
    if (!look.loaders && is_first)
        say_none(&look);
    return look.loaders ? 0 : EXIT_NONE;
}

/* Milliseconds, or 0 and said. */
static long pause_of(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end != text && !*end && seconds >= 0.1 && seconds <= 86400)
        return (long)(seconds * 1000);
    fp_cli_say("loader-stats: --watch takes seconds, 0.1 to 86400, not %s", text);
    return 0;
}

static bool take_pid(struct options *options, const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);
    options->pid = (pid_t)pid;
    if (pid > 0 && pid <= INT_MAX && !*end && isdigit((unsigned char)*text))
        return true;
    fp_cli_say("loader-stats: %s is not a process ID", text);
    return false;
}

/* False, and said: usage. */
static bool parse(struct options *options, int count, char **arguments)
{
    int at = 0;
    for (; at < count && arguments[at][0] == '-'; at++) {
        const char *pause = NULL;
        if (strcmp(arguments[at], "--json") == 0) {
            options->as_json = true;
            continue;
        }
        if (strncmp(arguments[at], "--watch=", 8) == 0)
            pause = arguments[at] + 8;
        else if (strcmp(arguments[at], "--watch") == 0 && at + 1 < count)
            pause = arguments[++at];
        if (!pause) {
            fp_cli_say("loader-stats: unknown option, or one without its argument: %s",
                       arguments[at]);
            return false;
        }
        options->milliseconds = pause_of(pause);
        if (!options->milliseconds)
            return false;
    }
    if (at + 1 == count)
        return take_pid(options, arguments[at]);
    fp_cli_say("loader-stats: which process? (forkpolicy loader-stats [OPTION...] PID)");
    return false;
}

int fp_cli_loader_stats(int count, char **arguments)
{
    struct options options = {0};
    if (!parse(&options, count, arguments))
        return FP_EXIT_USAGE;
    const struct timespec pause = {options.milliseconds / 1000,
                                   options.milliseconds % 1000 * 1000000};
    int status = print_all(options.pid, options.as_json, true);
    for (int now = status; options.milliseconds && !now && !ferror(stdout);) {
        (void)nanosleep(&pause, NULL);
        now = print_all(options.pid, options.as_json, false);
    }
    return status;
}
