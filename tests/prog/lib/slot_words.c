/* As large as slot_wait, with one value in every word. SPDX-License-Identifier: Apache-2.0 */
enum { WORDS = 8192 };
#define VALUE 0x5a5a5a5a5a5a5a5aUL

unsigned long words[WORDS] = {[0 ... WORDS - 1] = VALUE};

int check(void)
{
    int wrong = 0;
    for (int i = 0; i < WORDS; i++)
        wrong |= words[i] != VALUE;
    return wrong;
}
