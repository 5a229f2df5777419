/*
 * Marks what the library exports; all else is compiled as hidden.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_PUBLIC_H
#define FL_PUBLIC_H

#define FL_PUBLIC __attribute__((visibility("default")))

#endif
