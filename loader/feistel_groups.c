/* See feistel.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/feistel.h"

#include <string.h>

/*
 * Sixty-four neighbours at a time, all through one round before any goes through the next: alone,
 * each would wait for its own multiplications. The compiler makes vectors of the plain loops, for
 * the machine's least and for AVX2; for AVX-512 it has no good way to the upper halves of products,
 * so that path is written out.
 *
 * There are 64 columns at least, so that neighbours lie in two rows, and 2^31 at most, so that a
 * sum of two halves fits 32 bits. Then (sum < modulus ? sum : sum - modulus) is the smaller of sum
 * and sum - modulus: where nothing is to be subtracted, the difference wraps to more.
 */
#define ALWAYS __attribute__((always_inline)) static inline

/* Fills FL_GROUP values from the cell on, and tells by one bit each which are beyond the count. */
typedef uint64_t group_reader(const struct fl_feistel *feistel, uint32_t x, uint32_t y,
                              uint64_t *values);

ALWAYS void round_all(uint32_t *restrict halves, const uint32_t *restrict from, uint32_t add,
                      uint32_t multiply, uint32_t modulus)
{
    for (int i = 0; i < FL_GROUP; i++) {
        uint32_t x = (from[i] + add) * multiply;
        x ^= x >> 15;
        x *= FL_MIX;
        x ^= x >> 16;
        uint32_t sum = halves[i] + (uint32_t)(((uint64_t)x * modulus) >> 32);
        uint32_t less = sum - modulus;
        halves[i] = sum < less ? sum : less;
    }
}

ALWAYS uint64_t group(const struct fl_feistel *feistel, uint32_t x, uint32_t y, uint64_t *values)
{
    uint32_t columns[FL_GROUP], rows[FL_GROUP], wide = feistel->wide;
    for (uint32_t i = 0; i < FL_GROUP; i++) {
        uint32_t ahead = x + i;
        columns[i] = ahead < wide ? ahead : ahead - wide;
        rows[i] = ahead < wide ? y : y + 1;
    }
    for (int round = 0; round < FL_ROUNDS; round += 2) {
        round_all(columns, rows, feistel->add[round], feistel->multiply[round], wide);
        round_all(rows, columns, feistel->add[round + 1], feistel->multiply[round + 1],
                  feistel->high);
    }
    uint64_t beyond = 0;
    for (int i = 0; i < FL_GROUP; i++)
        values[i] = (uint64_t)rows[i] * wide + columns[i];
    for (int i = 0; i < FL_GROUP; i++)
        beyond |= (uint64_t)(values[i] >= feistel->count) << i;
    return beyond;
}

static uint64_t group_plain(const struct fl_feistel *feistel, uint32_t x, uint32_t y,
                            uint64_t *values)
{
    return group(feistel, x, y, values);
}

#ifdef __x86_64__

#include <immintrin.h>

__attribute__((target("avx2"))) static uint64_t group_avx2(const struct fl_feistel *feistel,
                                                           uint32_t x, uint32_t y, uint64_t *values)
{
    return group(feistel, x, y, values);
}

#define AVX512_INLINE __attribute__((target("avx512f"), always_inline)) static inline

/* Every lane of `half` plus a number in [0, modulus) that depends on the same lane of `from`. */
AVX512_INLINE __m512i round_512(__m512i half, __m512i from, __m512i add, __m512i multiply,
                                __m512i modulus)
{
    __m512i x = _mm512_mullo_epi32(_mm512_add_epi32(from, add), multiply);
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 15));
    x = _mm512_mullo_epi32(x, _mm512_set1_epi32((int)FL_MIX));
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
    __m512i even = _mm512_mul_epu32(x, modulus);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), modulus);
    /* the upper halves of the products, the even ones moved down */
    x = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    x = _mm512_add_epi32(half, x);
    return _mm512_min_epu32(x, _mm512_sub_epi32(x, modulus));
}

AVX512_INLINE uint64_t store_512(__m512i x, __m512i y, __m512i wide, __m512i count,
                                 uint64_t *values)
{
    __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(y));
    __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(y, 1));
    low = _mm512_add_epi64(_mm512_mul_epu32(low, wide),
                           _mm512_cvtepu32_epi64(_mm512_castsi512_si256(x)));
    high = _mm512_add_epi64(_mm512_mul_epu32(high, wide),
                            _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(x, 1)));
    _mm512_storeu_si512(values, low);
    _mm512_storeu_si512(values + 8, high);
    return (uint64_t)_mm512_cmpge_epu64_mask(low, count) |
           (uint64_t)_mm512_cmpge_epu64_mask(high, count) << 8;
}

/* The cells of the sixteen neighbours from `x` on, which may end in the next row. */
AVX512_INLINE void cells_512(uint32_t first, uint32_t row, __m512i wide, __m512i *x, __m512i *y)
{
    __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i ahead = _mm512_add_epi32(_mm512_set1_epi32((int)first), lanes);
    __mmask16 next = _mm512_cmpge_epu32_mask(ahead, wide);
    *x = _mm512_mask_sub_epi32(ahead, next, ahead, wide);
    *y = _mm512_set1_epi32((int)row);
    *y = _mm512_mask_add_epi32(*y, next, *y, _mm512_set1_epi32(1));
}

__attribute__((target("avx512f"))) static uint64_t group_avx512(const struct fl_feistel *feistel,
                                                                uint32_t x, uint32_t y,
                                                                uint64_t *values)
{
    __m512i wide = _mm512_set1_epi32((int)feistel->wide);
    __m512i high = _mm512_set1_epi32((int)feistel->high);
    __m512i count = _mm512_set1_epi64((long long)feistel->count);
    __m512i x0, x1, x2, x3, y0, y1, y2, y3;
    cells_512(x, y, wide, &x0, &y0);
    cells_512(x + 16, y, wide, &x1, &y1);
    cells_512(x + 32, y, wide, &x2, &y2);
    cells_512(x + 48, y, wide, &x3, &y3);
    for (int round = 0; round < FL_ROUNDS; round += 2) {
        __m512i add = _mm512_set1_epi32((int)feistel->add[round]);
        __m512i multiply = _mm512_set1_epi32((int)feistel->multiply[round]);
        x0 = round_512(x0, y0, add, multiply, wide);
        x1 = round_512(x1, y1, add, multiply, wide);
        x2 = round_512(x2, y2, add, multiply, wide);
        x3 = round_512(x3, y3, add, multiply, wide);
        add = _mm512_set1_epi32((int)feistel->add[round + 1]);
        multiply = _mm512_set1_epi32((int)feistel->multiply[round + 1]);
        y0 = round_512(y0, x0, add, multiply, high);
        y1 = round_512(y1, x1, add, multiply, high);
        y2 = round_512(y2, x2, add, multiply, high);
        y3 = round_512(y3, x3, add, multiply, high);
    }
    return store_512(x0, y0, wide, count, values) |
           store_512(x1, y1, wide, count, values + 16) << 16 |
           store_512(x2, y2, wide, count, values + 32) << 32 |
           store_512(x3, y3, wide, count, values + 48) << 48;
}

static group_reader *const READERS[] = {
    [FL_PLAIN] = group_plain, [FL_AVX2] = group_avx2, [FL_AVX512] = group_avx512};

#else

static group_reader *const READERS[] = {[FL_PLAIN] = group_plain};

#endif

/* Such a value is walked on alone. The first `wide` - 1 cells beyond the count are all there are.
 */
static void walk_on(const struct fl_feistel *feistel, uint64_t beyond, uint64_t *values)
{
    for (; beyond; beyond &= beyond - 1) {
        int lane = __builtin_ctzll(beyond);
        values[lane] = fl_feistel_at(feistel, values[lane]);
    }
}

void fl_feistel_read_groups(const struct fl_feistel *feistel, uint64_t first, size_t count,
                            uint64_t *values)
{
    group_reader *read = READERS[feistel->path];
    uint64_t column, row = fl_divide(&feistel->by_wide, first, &column);
    uint32_t x = (uint32_t)column, y = (uint32_t)row;
    for (; count >= FL_GROUP; count -= FL_GROUP, values += FL_GROUP) {
        walk_on(feistel, read(feistel, x, y, values), values);
        x += FL_GROUP;
        if (x >= feistel->wide) {
            x -= feistel->wide;
            y++;
        }
    }
    if (count) {
        uint64_t cut[FL_GROUP];
        uint64_t beyond = read(feistel, x, y, cut);
        walk_on(feistel, beyond & ((UINT64_C(1) << count) - 1), cut);
        memcpy(values, cut, count * sizeof *values);
    }
}
