/*
 * A forked child shares its epoll instances with the parent: what it removes from one, when an
 * event loop that it lost is finalised, is never reported to the parent again (fsspec's parent hung
 * for ever). In the child each is replaced by one of its own that watches the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_EPOLL_H
#define FP_SHIM_RESET_EPOLL_H

/* Child room. */
void fp_epoll_unshare(void);

#endif
