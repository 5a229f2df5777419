/*
 * What the library exports: it is compiled with everything else hidden.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_PUBLIC_H
#define FL_PUBLIC_H

#define FL_PUBLIC __attribute__((visibility("default")))

#endif
