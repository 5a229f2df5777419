/* Many values at once. See feistel.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/permutation/feistel.h"

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

/* Cells of the rectangle. */
struct cells {
    _Alignas(64) uint32_t x[FL_GROUP], y[FL_GROUP];
};

/* Turns the cells, which are overwritten, into values; returns one bit for each that is beyond the
 * count.
 */
typedef uint64_t group_walker(const struct fl_feistel *feistel, struct cells *cells,
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

ALWAYS uint64_t group(const struct fl_feistel *feistel, struct cells *cells, uint64_t *values)
{
    for (int round = 0; round < FL_ROUNDS; round += 2) {
        round_all(cells->x, cells->y, feistel->add[round], feistel->multiply[round], feistel->wide);
        round_all(cells->y, cells->x, feistel->add[round + 1], feistel->multiply[round + 1],
                  feistel->high);
    }
    uint64_t beyond = 0;
    for (int i = 0; i < FL_GROUP; i++)
        values[i] = (uint64_t)cells->y[i] * feistel->wide + cells->x[i];
    for (int i = 0; i < FL_GROUP; i++)
        beyond |= (uint64_t)(values[i] >= feistel->count) << i;
    return beyond;
}

static uint64_t group_plain(const struct fl_feistel *feistel, struct cells *cells, uint64_t *values)
{
    return group(feistel, cells, values);
}

#ifdef __x86_64__

#include <immintrin.h>

__attribute__((target("avx2"))) static uint64_t group_avx2(const struct fl_feistel *feistel,
                                                           struct cells *cells, uint64_t *values)
{
    return group(feistel, cells, values);
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

__attribute__((target("avx512f"))) static uint64_t group_avx512(const struct fl_feistel *feistel,
                                                                struct cells *cells,
                                                                uint64_t *values)
{
    __m512i wide = _mm512_set1_epi32((int)feistel->wide);
    __m512i high = _mm512_set1_epi32((int)feistel->high);
    __m512i count = _mm512_set1_epi64((long long)feistel->count);
    __m512i x0 = _mm512_loadu_si512(cells->x), y0 = _mm512_loadu_si512(cells->y);
    __m512i x1 = _mm512_loadu_si512(cells->x + 16), y1 = _mm512_loadu_si512(cells->y + 16);
    __m512i x2 = _mm512_loadu_si512(cells->x + 32), y2 = _mm512_loadu_si512(cells->y + 32);
    __m512i x3 = _mm512_loadu_si512(cells->x + 48), y3 = _mm512_loadu_si512(cells->y + 48);
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

static group_walker *const WALKERS[] = {
    [FL_PLAIN] = group_plain, [FL_AVX2] = group_avx2, [FL_AVX512] = group_avx512};

#else

static group_walker *const WALKERS[] = {[FL_PLAIN] = group_plain};

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

/* Makes the values of `count` cells, groups of them. */
static void walk(const struct fl_feistel *feistel, struct cells *cells, size_t count,
                 uint64_t *values)
{
    group_walker *walk_group = WALKERS[feistel->path];
    for (; count >= FL_GROUP; count -= FL_GROUP, values += FL_GROUP, cells++)
        walk_on(feistel, walk_group(feistel, cells, values), values);
    if (count) {
        uint64_t cut[FL_GROUP], beyond = walk_group(feistel, cells, cut);
        walk_on(feistel, beyond & ((UINT64_C(1) << count) - 1), cut);
        memcpy(values, cut, count * sizeof *values);
    }
}

/* So many groups are filled before the first is walked: a wide load right after the narrow stores
   of the same bytes has to wait for them. */
enum { GROUPS = 4, CELLS = GROUPS * FL_GROUP };

static size_t cells_of(size_t left)
{
    return left < CELLS ? left : CELLS;
}

static void read_groups(const struct fl_feistel *feistel, uint64_t first, size_t count,
                        uint64_t *values)
{
    struct cells cells[GROUPS];
    uint64_t column, row = fl_divide(&feistel->by_wide, first, &column);
    uint32_t x = (uint32_t)column, y = (uint32_t)row, wide = feistel->wide;
    for (size_t done = 0; done < count; done += CELLS) {
        size_t some = cells_of(count - done);
        for (size_t g = 0; g * FL_GROUP < some; g++) {
            for (uint32_t i = 0; i < FL_GROUP; i++) {
                uint32_t ahead = x + i, less = ahead - wide;
                cells[g].x[i] = ahead < less ? ahead : less;
                cells[g].y[i] = y + (ahead >= wide);
            }
            x += FL_GROUP;
            if (x >= wide) {
                x -= wide;
                y++;
            }
        }
        walk(feistel, cells, some, values + done);
    }
}

static void at_groups(const struct fl_feistel *feistel, const uint64_t *positions, size_t count,
                      uint64_t *values)
{
    struct cells cells[GROUPS] = {0};
    for (size_t done = 0; done < count; done += CELLS) {
        size_t some = cells_of(count - done);
        for (size_t i = 0; i < some; i++) {
            struct cells *group = &cells[i / FL_GROUP];
            uint64_t column, row = fl_divide(&feistel->by_wide, positions[done + i], &column);
            group->x[i % FL_GROUP] = (uint32_t)column;
            group->y[i % FL_GROUP] = (uint32_t)row;
        }
        walk(feistel, cells, some, values + done);
    }
}

/* A group costs more than so many single values. */
enum { SINGLES = 4 };

void fl_feistel_read(const struct fl_feistel *feistel, uint64_t first, size_t count,
                     uint64_t *values)
{
    if (count > SINGLES && feistel->path != FL_SINGLE)
        read_groups(feistel, first, count, values);
    else
        fl_feistel_read_singles(feistel, first, count, values);
}

void fl_feistel_at_all(const struct fl_feistel *feistel, const uint64_t *positions, size_t count,
                       uint64_t *values)
{
    if (count > SINGLES && feistel->path != FL_SINGLE) {
        at_groups(feistel, positions, count, values);
        return;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = fl_feistel_at(feistel, positions[i]);
}
