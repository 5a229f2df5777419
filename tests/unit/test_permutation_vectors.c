/* Tests of loader/permutation: the vectors of docs/perm-v1.md.
   SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/permutations.h"

#include <stdio.h>
#include <string.h>

static uint64_t number(const char **text)
{
    char *end;
    uint64_t value = strtoull(*text, &end, 10);
    cr_assert_neq(end, *text, "a number is missing: %s", *text);
    *text = end;
    return value;
}

static bool more(const char *text)
{
    return text[strspn(text, " ")] != 0;
}

static void check_stream(uint64_t stream, const char *text)
{
    while (more(text)) {
        char *end;
        uint64_t expected = strtoull(text, &end, 16);
        cr_assert_eq(fl_stream_next(&stream), expected, "%s", text);
        text = end;
    }
}

static void check_rows(const struct forkloader_permutation *permutation, const char *text)
{
    uint64_t count = forkloader_permutation_count(permutation);
    for (uint64_t position = 0; position < count; position++) {
        uint64_t row;
        forkloader_permutation_read(permutation, position, 1, &row);
        cr_assert_eq(row, number(&text), "position %lu of %lu", position, count);
    }
    cr_assert(!more(text));
}

static void check_at(const struct forkloader_permutation *permutation, const char *text)
{
    while (more(text)) {
        uint64_t position = number(&text), row;
        cr_assert_eq(*text++, ':');
        uint64_t expected = number(&text);
        forkloader_permutation_read(permutation, position, 1, &row);
        cr_assert_eq(row, expected, "position %lu", position);
        cr_assert_eq(forkloader_permutation_find(permutation, expected), position);
    }
}

static void check_sum(const struct forkloader_permutation *permutation, const char *text)
{
    uint64_t count = forkloader_permutation_count(permutation), sum = 0;
    uint64_t *rows = all_of(permutation, 1000);
    for (uint64_t position = 0; position < count; position++)
        sum += (position + 1) * rows[position];
    free(rows);
    cr_assert_eq(sum, number(&text));
}

static void check_line(const char *line)
{
    const char *text = line;
    uint64_t count = number(&text), seed = number(&text), epoch = number(&text);
    uint64_t size = number(&text);
    for (enum fl_path path = FL_SINGLE; path <= FASTEST; path++) {
        char word[8] = "";
        int length = 0;
        cr_assert_eq(sscanf(text, "%7s%n", word, &length), 1, "%s", line);
        const char *rest = text + length;
        struct forkloader_permutation *permutation = made(count, seed, epoch, size, FEW, path);
        if (strcmp(word, "stream") == 0)
            check_stream(fl_stream_start(seed, epoch, count), rest);
        else if (strcmp(word, "rows") == 0)
            check_rows(permutation, rest);
        else if (strcmp(word, "at") == 0)
            check_at(permutation, rest);
        else if (strcmp(word, "sum") == 0)
            check_sum(permutation, rest);
        else
            cr_assert_fail("%s", line);
        forkloader_permutation_free(permutation);
    }
}

Test(permutation, the_vectors_of_the_definition)
{
    static char line[2000], next[2000];
    int checked = 0;
    bool within = false;
    FILE *page = fopen("docs/perm-v1.md", "r");
    cr_assert(page, "docs/perm-v1.md");
    line[0] = 0;
    while (fgets(next, sizeof next, page)) {
        next[strcspn(next, "\n")] = 0;
        if (!within) {
            within = strcmp(next, "```vectors") == 0;
        } else if (next[0] == ' ') {
            cr_assert_lt(strlen(line) + strlen(next), sizeof line);
            strcat(line, next);
        } else {
            if (line[0]) {
                check_line(line);
                checked++;
            }
            strcpy(line, next);
            if (strcmp(next, "```") == 0)
                break;
        }
    }
    fclose(page);
    cr_expect_eq(checked, 59, "%d vectors", checked);
}
