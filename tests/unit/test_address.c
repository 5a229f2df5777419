/* Tests of policy/address.c, beside inet_ntop. SPDX-License-Identifier: Apache-2.0 */
#include "policy/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void same_as_libc(int family, const unsigned char *bytes)
{
    char expected[INET6_ADDRSTRLEN], buffer[64];
    struct fp_text text = FP_TEXT(buffer);
    fp_text_reset(&text);
    inet_ntop(family, bytes, expected, sizeof expected);
    if (family == AF_INET6)
        fp_text_ipv6(&text, bytes);
    else
        fp_text_ipv4(&text, bytes);
    cr_expect_str_eq(buffer, expected);
}

Test(address, ipv4)
{
    same_as_libc(AF_INET, (const unsigned char[]){127, 0, 0, 1});
    same_as_libc(AF_INET, (const unsigned char[]){255, 10, 200, 0});
}

/* Every pattern of zero and other groups. The first groups are never all zero: libc writes what
   follows 96 zero bits as an IPv4 address. */
Test(address, ipv6)
{
    for (unsigned zeros = 0; zeros < 256; zeros++) {
        unsigned char bytes[16];
        for (unsigned i = 0; i < 8; i++) {
            bytes[2 * i] = zeros >> i & 1 ? 0 : (unsigned char)(i * 37);
            bytes[2 * i + 1] = zeros >> i & 1 ? 0 : (unsigned char)(i + 1);
        }
        if ((zeros & 0x1f) != 0x1f)
            same_as_libc(AF_INET6, bytes);
    }
}

Test(address, loopback)
{
    unsigned char bytes[16] = {[15] = 1};
    same_as_libc(AF_INET6, bytes);
    memset(bytes, 0, sizeof bytes);
    same_as_libc(AF_INET6, bytes);
}
