/* IP addresses as text, by code that a signal handler may run. SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_POLICY_ADDRESS_H
#define FP_POLICY_ADDRESS_H

#include "policy/text.h"

/* "127.0.0.1", of 4 bytes in network order. */
void fp_text_ipv4(struct fp_text *text, const unsigned char bytes[4]);

/* "2001:db8::1", of 16 bytes, as RFC 5952 writes it. */
void fp_text_ipv6(struct fp_text *text, const unsigned char bytes[16]);

#endif
