/* See feistel.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/permutation/feistel.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t fl_stream_next(uint64_t *stream)
{
    uint64_t z = *stream += GOLDEN;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t fl_stream_start(uint64_t seed, uint64_t epoch, uint64_t count)
{
    /* "perm v1" in ASCII, its first letter lowest. Each word goes through the whole mixer before
       the next one comes: seed 1 of epoch 2 is not seed 2 of epoch 1. */
    uint64_t stream = UINT64_C(0x003176206d726570);
    stream ^= seed;
    stream = fl_stream_next(&stream);
    stream ^= epoch;
    stream = fl_stream_next(&stream);
    stream ^= count;
    return fl_stream_next(&stream);
}

/* ceil(sqrt(number)), bit by bit: no floating point. */
static uint32_t root_above(uint64_t number)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= number)
            root += bit;
    return (uint32_t)(root + (root * root < number));
}

bool fl_feistel_has(enum fl_path path)
{
#ifdef __x86_64__
    if (path == FL_AVX512)
        return __builtin_cpu_supports("avx512f");
    if (path == FL_AVX2)
        return __builtin_cpu_supports("avx2");
#endif
    return path <= FL_PLAIN;
}

void fl_feistel_init(struct fl_feistel *feistel, uint64_t count, uint64_t stream, enum fl_path path)
{
    uint32_t wide = root_above(count);
    feistel->count = count;
    feistel->wide = wide;
    feistel->high = (uint32_t)((count - 1) / wide + 1);
    feistel->by_wide = fl_divider(wide);
    for (int round = 0; round < FL_ROUNDS; round++) {
        uint64_t key = fl_stream_next(&stream);
        feistel->add[round] = (uint32_t)key;
        feistel->multiply[round] = (uint32_t)(key >> 32) | 1;
    }
    /* Neighbours of a group lie in two rows at most, and the sum of two halves fits 32 bits. */
    if (wide < FL_GROUP || wide > UINT32_C(1) << 31)
        path = FL_SINGLE;
    while (!fl_feistel_has(path))
        path--;
    feistel->path = path;
}

/* A number in [0, modulus) that depends on a half and the round's key. */
static inline uint32_t scatter(const struct fl_feistel *feistel, int round, uint32_t half,
                               uint32_t modulus)
{
    uint32_t x = (half + feistel->add[round]) * feistel->multiply[round];
    x ^= x >> 15;
    x *= FL_MIX;
    x ^= x >> 16;
    return (uint32_t)(((uint64_t)x * modulus) >> 32);
}

static inline uint32_t add(uint32_t a, uint32_t b, uint32_t modulus)
{
    uint64_t sum = (uint64_t)a + b;
    return (uint32_t)(sum < modulus ? sum : sum - modulus);
}

static inline uint32_t subtract(uint32_t a, uint32_t b, uint32_t modulus)
{
    return a < b ? a + (modulus - b) : a - b;
}

/* The value at the cell of row `y` and column `x`. */
static inline uint64_t value_at(const struct fl_feistel *feistel, uint32_t x, uint32_t y)
{
    uint32_t wide = feistel->wide, high = feistel->high;
    for (;;) {
        for (int round = 0; round < FL_ROUNDS; round += 2) {
            x = add(x, scatter(feistel, round, y, wide), wide);
            y = add(y, scatter(feistel, round + 1, x, high), high);
        }
        uint64_t value = (uint64_t)y * wide + x;
        if (value < feistel->count)
            return value;
    }
}

uint64_t fl_feistel_at(const struct fl_feistel *feistel, uint64_t position)
{
    uint64_t x, y = fl_divide(&feistel->by_wide, position, &x);
    return value_at(feistel, (uint32_t)x, (uint32_t)y);
}

uint64_t fl_feistel_find(const struct fl_feistel *feistel, uint64_t value)
{
    uint32_t wide = feistel->wide, high = feistel->high;
    uint64_t column, row = fl_divide(&feistel->by_wide, value, &column);
    uint32_t x = (uint32_t)column, y = (uint32_t)row;
    for (;;) {
        for (int round = FL_ROUNDS; round > 0; round -= 2) {
            y = subtract(y, scatter(feistel, round - 1, x, high), high);
            x = subtract(x, scatter(feistel, round - 2, y, wide), wide);
        }
        uint64_t position = (uint64_t)y * wide + x;
        if (position < feistel->count)
            return position;
    }
}

void fl_feistel_read_singles(const struct fl_feistel *feistel, uint64_t first, size_t count,
                             uint64_t *values)
{
    uint64_t column, row = fl_divide(&feistel->by_wide, first, &column);
    uint32_t x = (uint32_t)column, y = (uint32_t)row;
    for (size_t i = 0; i < count; i++) {
        values[i] = value_at(feistel, x, y);
        if (++x == feistel->wide) {
            x = 0;
            y++;
        }
    }
}
