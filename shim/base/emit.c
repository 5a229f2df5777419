/* See emit.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/emit.h"

#include "shim/base/child_section.h"
#include "shim/base/stderr_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *log_path; /* with "%p" for the pid; NULL: none */
static atomic_bool log_failed;
static bool is_quiet; /* written at the start alone */

void fp_emit_quiet(bool quiet)
{
    is_quiet = quiet;
}

void fp_emit_log_to(const char *path)
{
    log_path = path;
}

/* What a write that failed has sent; 0: nothing. */
static int signal_of(int error)
{
    return error == EPIPE ? SIGPIPE : error == EFBIG ? SIGXFSZ : 0;
}

FP_CHILD static void take_back(int number)
{
    const struct timespec now = {0, 0};
    sigset_t sent;
    sigemptyset(&sent);
    sigaddset(&sent, number);
    while (sigtimedwait(&sent, NULL, &now) < 0 && errno == EINTR)
        ;
}

/* One write that cannot end the host: a reader that went away would send SIGPIPE, a limit of the
   file's size (RLIMIT_FSIZE) SIGXFSZ. */
FP_CHILD static ssize_t write_once(int file, const char *bytes, size_t length)
{
    sigset_t sent, before, pending;
    sigemptyset(&sent);
    sigaddset(&sent, SIGPIPE);
    sigaddset(&sent, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &sent, &before);
    sigpending(&pending);
    ssize_t written;
    do
        written = write(file, bytes, length);
    while (written < 0 && errno == EINTR);
    int number = written < 0 ? signal_of(errno) : 0;
    if (number && !sigismember(&pending, number))
        take_back(number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return written;
}

/* Where there was no room for all of a record none of it stays: the next would be glued to it. What
   another process has written behind it meanwhile is left as it is. */
FP_CHILD static void write_record(int file, const struct fp_text *record)
{
    struct stat status;
    ssize_t written = write_once(file, record->data, record->length);
    if (written <= 0 || (size_t)written == record->length || fstat(file, &status) != 0)
        return;
    off_t end = lseek(file, 0, SEEK_CUR);
    if (S_ISREG(status.st_mode) && status.st_size == end && ftruncate(file, end - written) != 0)
        return;
}

FP_CHILD void fp_emit_text(struct fp_slice text)
{
    if (text.length && !is_quiet && fp_stderr_is_there())
        write_once(STDERR_FILENO, text.text, text.length);
}

FP_CHILD bool fp_emit_has_log(void)
{
    return log_path != NULL;
}

/* The value of a variable of the environment, or NULL. getenv takes a lock since glibc 2.41, which
   a lost thread may hold. */
static const char *value_of(const char *name)
{
    size_t length = strlen(name);
    for (char **at = environ; at && *at; at++)
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}

static const char *find_rank(void)
{
    static const char *const NAMES[] = {"RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const char *rank = value_of(NAMES[i]);
        if (rank && *rank && strlen(rank) < 16)
            return rank;
    }
    return NULL;
}

FP_CHILD struct fp_event_header fp_emit_header(const char *event, char *host, size_t size)
{
    struct timespec now;
    struct utsname names;
    struct fp_text name = {.data = host, .size = size};
    clock_gettime(CLOCK_REALTIME, &now);
    fp_text_reset(&name);
    if (uname(&names) == 0)
        fp_text_append(&name, names.nodename, strlen(names.nodename));
    return (struct fp_event_header){.event = event,
                                    .seconds = now.tv_sec,
                                    .nanoseconds = now.tv_nsec,
                                    .pid = getpid(),
                                    .parent = getppid(),
                                    .host = host,
                                    .rank = find_rank()};
}

/* FORKPOLICY_LOG with "%p" replaced by the pid. */
static bool expand_path(struct fp_text *path)
{
    for (const char *at = log_path; *at; at++) {
        if (at[0] == '%' && at[1] == 'p') {
            fp_text_format(path, "%d", (int)getpid());
            at++;
        } else {
            fp_text_append(path, at, 1);
        }
    }
    return !path->cut;
}

FP_CHILD static void say_log_failed(const char *path, const char *why)
{
    char line[600];
    struct fp_text text = FP_TEXT(line);
    if (atomic_exchange(&log_failed, true))
        return;
    fp_text_format(&text, "forkpolicy: FORKPOLICY_LOG ");
    fp_text_quote(&text, fp_slice_of(path), 300);
    fp_text_format(&text, " %s; records are lost\n", why);
    fp_emit_text((struct fp_slice){line, text.length});
}

FP_CHILD void fp_emit_record(const struct fp_text *record)
{
    char buffer[1024];
    struct fp_text path = FP_TEXT(buffer);
    struct stat status;
    if (!log_path)
        return;
    if (!expand_path(&path)) {
        say_log_failed(buffer, "is too long");
        return;
    }
    int file =
        open(buffer, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
             0600);
    if (file < 0) {
        say_log_failed(buffer, errno == ELOOP    ? "is a symbolic link"
                               : errno == EISDIR ? "is a directory"
                               : errno == EACCES ? "cannot be written: permission denied"
                                                 : "cannot be opened");
        return;
    }
    if (fstat(file, &status) != 0 || !(S_ISREG(status.st_mode) || S_ISCHR(status.st_mode)))
        say_log_failed(buffer, "is not a regular file");
    else
        write_record(file, record);
    close(file);
}
