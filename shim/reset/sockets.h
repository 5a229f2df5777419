/*
 * TCP connections that the parent made and the child inherited: two processes on one connection
 * read each other's answers, and what the child closes politely is closed for both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_SOCKETS_H
#define FP_SHIM_RESET_SOCKETS_H

#include <stdbool.h>

struct stat;

/* Child room: records them, and cuts the child off from them where `sever` is set: it reads an end
   of file there, and its library connects anew. */
void fp_sockets_inherit(bool sever);

/* Child room: whether a file stands where a connection was. */
bool fp_sockets_is_severed(const struct stat *file);

#endif
