/* See pair.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/pair.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct question {
    struct nlmsghdr header;
    struct unix_diag_req about;
};

struct answer {
    struct nlmsghdr header;
    struct unix_diag_msg socket;
    char attributes[512];
};

static bool ask(uint64_t inode, struct answer *answer)
{
    struct question question = {
        .header = {.nlmsg_len = sizeof question,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST},
        .about = {.sdiag_family = AF_UNIX,
                  .udiag_states = ~0U,
                  .udiag_ino = (uint32_t)inode,
                  .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
                  .udiag_cookie = {~0U, ~0U}},
    };
    int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (kernel < 0)
        return false;
    /* The kernel answers before send returns. */
    ssize_t got = send(kernel, &question, sizeof question, 0) == sizeof question
                      ? recv(kernel, answer, sizeof *answer, MSG_DONTWAIT)
                      : -1;
    close(kernel);
    return got >= (ssize_t)NLMSG_SPACE(sizeof answer->socket) &&
           NLMSG_OK(&answer->header, (unsigned)got) &&
           answer->header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

bool fp_pair_other_end(uint64_t inode, uint64_t *other)
{
    struct answer answer;
    struct unix_diag_rqlen queued = {1, 1};
    uint32_t peer = 0;
    if (inode > UINT32_MAX || !ask(inode, &answer) || answer.socket.udiag_ino != inode ||
        answer.socket.udiag_type != SOCK_STREAM || answer.socket.udiag_state != TCP_ESTABLISHED)
        return false;
    unsigned left = (unsigned)NLMSG_PAYLOAD(&answer.header, sizeof answer.socket);
    struct rtattr *at = (struct rtattr *)answer.attributes;
    for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        if (at->rta_type == UNIX_DIAG_NAME)
            return false;
        if (at->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(at) == sizeof peer)
            memcpy(&peer, RTA_DATA(at), sizeof peer);
        if (at->rta_type == UNIX_DIAG_RQLEN && RTA_PAYLOAD(at) == sizeof queued)
            memcpy(&queued, RTA_DATA(at), sizeof queued);
    }
    *other = peer;
    return peer && !queued.udiag_rqueue && !queued.udiag_wqueue;
}
