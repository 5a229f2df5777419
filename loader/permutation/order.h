/*
 * What the stream of an order needs of it beyond forkloader.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_ORDER_H
#define FL_ORDER_H

#include "forkloader.h"

/* One more owner, who gives it back by forkloader_order_free. */
struct forkloader_order *fl_order_keep(struct forkloader_order *order);

#endif
