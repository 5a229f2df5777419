/* See address.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/address.h"

void fp_text_ipv4(struct fp_text *text, const unsigned char bytes[4])
{
    fp_text_format(text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

enum { GROUPS = 8 };

struct run {
    int start, length;
};

/* The first of the longest runs of two or more zero groups: it is written "::". */
static struct run longest_run(const unsigned groups[GROUPS])
{
    struct run longest = {0, 1}, run = {0, 0};
    for (int i = 0; i < GROUPS; i++) {
        run = groups[i] ? (struct run){i + 1, 0} : (struct run){run.start, run.length + 1};
        if (run.length > longest.length)
            longest = run;
    }
    return longest.length > 1 ? longest : (struct run){GROUPS, 0};
}

void fp_text_ipv6(struct fp_text *text, const unsigned char bytes[16])
{
    unsigned groups[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    struct run run = longest_run(groups);
    for (int i = 0; i < GROUPS; i++) {
        bool skipped = i >= run.start && i < run.start + run.length;
        if (i == run.start)
            fp_text_format(text, "::");
        else if (!skipped && i > 0 && i != run.start + run.length)
            fp_text_format(text, ":");
        if (!skipped)
            fp_text_format(text, "%x", groups[i]);
    }
}
