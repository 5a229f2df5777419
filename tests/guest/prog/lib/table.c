/*
 * Of the size of plug.c: opened in its place, with a table where that has what it is linked by.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
unsigned long table[8192] = {[0 ... 8191] = 0x5a5a5a5a5a5a5a5aul};

int table_is_whole(void)
{
    for (int i = 0; i < 8192; i++)
        if (table[i] != 0x5a5a5a5a5a5a5a5aul)
            return 0;
    return 1;
}
