/* See sockets.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/sockets.h"

#include "common/files.h"
#include "policy/address.h"
#include "policy/reset_event.h"
#include "shim/base/child_section.h"
#include "shim/base/emit.h"
#include "shim/base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static unsigned port_of(const union address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

static bool is_tcp(int file)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    return getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           (domain == AF_INET || domain == AF_INET6);
}

/* What the kernel chose from (/proc/sys/net/ipv4/ip_local_port_range). */
struct scan {
    int folder, dead; /* `dead`: an end of a connection that is closed both ways; -1: only list */
    unsigned low, high;
    struct fp_text *list;
    unsigned count;
};

static void read_range(struct scan *scan)
{
    char line[32];
    unsigned *number = &scan->low;
    scan->low = scan->high = 0;
    if (fp_file_read("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof line) <= 0)
        return;
    for (const char *at = line; *at && *at != '\n'; at++) {
        if (*at >= '0' && *at <= '9')
            *number = *number * 10 + (unsigned)(*at - '0');
        else
            number = &scan->high;
    }
}

/* A connection that was accepted has the port of the listening socket; one that was made has a port
   of the kernel's choice. */
static bool was_made_here(const struct scan *scan, int file, union address *peer)
{
    union address own;
    socklen_t size = sizeof own, peer_size = sizeof *peer;
    if (!is_tcp(file) || getsockname(file, &own.any, &size) != 0 ||
        getpeername(file, &peer->any, &peer_size) != 0)
        return false;
    unsigned port = port_of(&own);
    return port >= scan->low && port <= scan->high;
}

static void list(struct scan *scan, int file, const union address *peer)
{
    fp_text_format(scan->list, "%s%d to ", scan->count ? ", " : "", file);
    if (peer->any.sa_family == AF_INET6)
        fp_text_ipv6(scan->list, peer->v6.sin6_addr.s6_addr);
    else
        fp_text_ipv4(scan->list, (const unsigned char *)&peer->v4.sin_addr);
    fp_text_format(scan->list, " port %u", port_of(peer));
    scan->count++;
}

FP_CHILD static bool visit(const char *name, void *context)
{
    struct scan *scan = context;
    union address peer;
    int file = fp_number_of(name);
    if (file < 0 || !was_made_here(scan, file, &peer))
        return true;
    list(scan, file, &peer);
    if (scan->dead >= 0)
        dup3(scan->dead, file, fcntl(file, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0);
    return true;
}

static struct stat dead; /* what severed numbers are now */

static int dead_end(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    shutdown(ends[0], SHUT_RDWR);
    close(ends[1]);
    fstat(ends[0], &dead);
    return ends[0];
}

FP_CHILD bool fp_sockets_is_severed(const struct stat *file)
{
    return dead.st_ino && file->st_ino == dead.st_ino && file->st_dev == dead.st_dev;
}

static void record(const struct scan *scan, bool severed)
{
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    if (!scan->count || !fp_emit_has_log())
        return;
    struct fp_event_header header = fp_emit_header("sever", host, sizeof host);
    fp_event_sever(&text, &header, severed, scan->count,
                   (struct fp_slice){scan->list->data, scan->list->length});
    fp_emit_record(&text);
}

FP_CHILD void fp_sockets_inherit(bool sever)
{
    char sockets[1024];
    struct fp_text text = FP_TEXT(sockets);
    struct scan scan = {.dead = sever ? dead_end() : -1, .list = &text};
    int saved = errno;
    scan.folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    read_range(&scan);
    if (scan.folder >= 0) {
        fp_folder_each(scan.folder, visit, &scan);
        close(scan.folder);
        record(&scan, scan.dead >= 0);
    }
    if (scan.dead >= 0)
        close(scan.dead);
    errno = saved;
}
