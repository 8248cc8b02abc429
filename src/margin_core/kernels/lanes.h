/* kernels/lanes.h - eight doubles at a time; whole numbers of 32 bits can be stored for them.
 *
 * gcc 12 spills an array of accumulators that it vectorises itself (5x slower), so the sweep
 * says which registers it wants. Every operation is lane by lane, so each copy returns the bits
 * of the plain loop.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_LANES_H
#define MC_KERNELS_LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fmath.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { MC_LANES = 8 };

#if defined(__AVX512F__)

typedef __m512d mc_lanes;

static inline mc_lanes mc_lanes_zero(void) { return _mm512_setzero_pd(); }
static inline mc_lanes mc_lanes_load(const double *p) { return _mm512_load_pd(p); }
static inline void mc_lanes_store(double *p, mc_lanes a) { _mm512_storeu_pd(p, a); }
static inline mc_lanes mc_lanes_set(double a) { return _mm512_set1_pd(a); }
static inline mc_lanes mc_lanes_add(mc_lanes a, mc_lanes b) { return _mm512_add_pd(a, b); }
static inline mc_lanes mc_lanes_mul(mc_lanes a, mc_lanes b) { return _mm512_mul_pd(a, b); }
static inline mc_lanes mc_lanes_abs(mc_lanes a) { return _mm512_abs_pd(a); }
static inline mc_lanes mc_lanes_and(mc_lanes a, mc_lanes mask) { return _mm512_and_pd(a, mask); }
static inline mc_lanes mc_lanes_and_not(mc_lanes a, mc_lanes mask)
{
    return _mm512_andnot_pd(mask, a);
}
static inline mc_lanes mc_lanes_or(mc_lanes a, mc_lanes b) { return _mm512_or_pd(a, b); }
static inline mc_lanes mc_lanes_by_sign(mc_lanes x, mc_lanes positive, mc_lanes negative)
{
    return _mm512_mask_blend_pd(_mm512_movepi64_mask(_mm512_castpd_si512(x)), positive, negative);
}
static inline mc_lanes mc_lanes_min(mc_lanes a, mc_lanes b) { return _mm512_min_pd(a, b); }
static inline mc_lanes mc_lanes_max(mc_lanes a, mc_lanes b) { return _mm512_max_pd(a, b); }
static inline mc_lanes mc_lanes_rint(mc_lanes a)
{
    return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline mc_lanes mc_lanes_load_int(const int32_t *p)
{
    return _mm512_cvtepi32_pd(_mm256_load_si256((const __m256i *)p));
}
static inline void mc_lanes_store_int(int32_t *p, mc_lanes a)
{
    _mm256_store_si256((__m256i *)p, _mm512_cvtpd_epi32(a));
}
static inline mc_lanes mc_lanes_fma(mc_lanes a, mc_lanes b, mc_lanes c)
{
    return _mm512_fmadd_pd(a, b, c);
}
static inline unsigned mc_lanes_equal(mc_lanes a, mc_lanes b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}
static inline unsigned mc_lanes_less(mc_lanes a, mc_lanes b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}
static inline mc_lanes mc_lanes_where_less(mc_lanes a, mc_lanes b, mc_lanes x)
{
    return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), x);
}
static inline double mc_lanes_least(mc_lanes a) { return _mm512_reduce_min_pd(a); }

#elif defined(__AVX2__)

typedef struct mc_lanes { __m256d lo, hi; } mc_lanes;

static inline mc_lanes mc_lanes_zero(void)
{
    return (mc_lanes){_mm256_setzero_pd(), _mm256_setzero_pd()};
}
static inline mc_lanes mc_lanes_load(const double *p)
{
    return (mc_lanes){_mm256_load_pd(p), _mm256_load_pd(p + 4)};
}
static inline void mc_lanes_store(double *p, mc_lanes a)
{
    _mm256_storeu_pd(p, a.lo);
    _mm256_storeu_pd(p + 4, a.hi);
}
static inline mc_lanes mc_lanes_set(double a)
{
    return (mc_lanes){_mm256_set1_pd(a), _mm256_set1_pd(a)};
}
static inline mc_lanes mc_lanes_add(mc_lanes a, mc_lanes b)
{
    return (mc_lanes){_mm256_add_pd(a.lo, b.lo), _mm256_add_pd(a.hi, b.hi)};
}
static inline mc_lanes mc_lanes_mul(mc_lanes a, mc_lanes b)
{
    return (mc_lanes){_mm256_mul_pd(a.lo, b.lo), _mm256_mul_pd(a.hi, b.hi)};
}
static inline mc_lanes mc_lanes_abs(mc_lanes a)
{
    const __m256d sign = _mm256_set1_pd(-0.0);
    return (mc_lanes){_mm256_andnot_pd(sign, a.lo), _mm256_andnot_pd(sign, a.hi)};
}
static inline mc_lanes mc_lanes_and(mc_lanes a, mc_lanes mask)
{
    return (mc_lanes){_mm256_and_pd(a.lo, mask.lo), _mm256_and_pd(a.hi, mask.hi)};
}
static inline mc_lanes mc_lanes_and_not(mc_lanes a, mc_lanes mask)
{
    return (mc_lanes){_mm256_andnot_pd(mask.lo, a.lo), _mm256_andnot_pd(mask.hi, a.hi)};
}
static inline mc_lanes mc_lanes_or(mc_lanes a, mc_lanes b)
{
    return (mc_lanes){_mm256_or_pd(a.lo, b.lo), _mm256_or_pd(a.hi, b.hi)};
}
static inline mc_lanes mc_lanes_by_sign(mc_lanes x, mc_lanes positive, mc_lanes negative)
{
    return (mc_lanes){_mm256_blendv_pd(positive.lo, negative.lo, x.lo),
                      _mm256_blendv_pd(positive.hi, negative.hi, x.hi)};
}
static inline mc_lanes mc_lanes_min(mc_lanes a, mc_lanes b)
{
    return (mc_lanes){_mm256_min_pd(a.lo, b.lo), _mm256_min_pd(a.hi, b.hi)};
}
static inline mc_lanes mc_lanes_max(mc_lanes a, mc_lanes b)
{
    return (mc_lanes){_mm256_max_pd(a.lo, b.lo), _mm256_max_pd(a.hi, b.hi)};
}
static inline mc_lanes mc_lanes_rint(mc_lanes a)
{
    enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    return (mc_lanes){_mm256_round_pd(a.lo, NEAREST), _mm256_round_pd(a.hi, NEAREST)};
}
static inline mc_lanes mc_lanes_load_int(const int32_t *p)
{
    return (mc_lanes){_mm256_cvtepi32_pd(_mm_load_si128((const __m128i *)p)),
                      _mm256_cvtepi32_pd(_mm_load_si128((const __m128i *)(p + 4)))};
}
static inline void mc_lanes_store_int(int32_t *p, mc_lanes a)
{
    _mm_store_si128((__m128i *)p, _mm256_cvtpd_epi32(a.lo));
    _mm_store_si128((__m128i *)(p + 4), _mm256_cvtpd_epi32(a.hi));
}
static inline mc_lanes mc_lanes_fma(mc_lanes a, mc_lanes b, mc_lanes c)
{
    return (mc_lanes){_mm256_fmadd_pd(a.lo, b.lo, c.lo), _mm256_fmadd_pd(a.hi, b.hi, c.hi)};
}
static inline unsigned mc_lanes_equal(mc_lanes a, mc_lanes b)
{
    return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a.lo, b.lo, _CMP_EQ_OQ))
         | (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a.hi, b.hi, _CMP_EQ_OQ)) << 4;
}
static inline unsigned mc_lanes_less(mc_lanes a, mc_lanes b)
{
    return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a.lo, b.lo, _CMP_LT_OQ))
         | (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a.hi, b.hi, _CMP_LT_OQ)) << 4;
}
static inline mc_lanes mc_lanes_where_less(mc_lanes a, mc_lanes b, mc_lanes x)
{
    return (mc_lanes){_mm256_and_pd(x.lo, _mm256_cmp_pd(a.lo, b.lo, _CMP_LT_OQ)),
                      _mm256_and_pd(x.hi, _mm256_cmp_pd(a.hi, b.hi, _CMP_LT_OQ))};
}
static inline double mc_lanes_least(mc_lanes a)
{
    const __m256d four = _mm256_min_pd(a.lo, a.hi);
    const __m128d two = _mm_min_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_min_sd(two, _mm_unpackhi_pd(two, two)));
}

#else /* plain C: fma() is the machine's where it has one, else libm's, slow and exact */

typedef struct mc_lanes { double v[MC_LANES]; } mc_lanes;

static inline mc_lanes mc_lanes_set(double a)
{
    mc_lanes r;
    for (int i = 0; i < MC_LANES; ++i)
        r.v[i] = a;
    return r;
}
static inline mc_lanes mc_lanes_zero(void) { return mc_lanes_set(0.0); }
static inline mc_lanes mc_lanes_load(const double *p)
{
    mc_lanes r;
    for (int i = 0; i < MC_LANES; ++i)
        r.v[i] = p[i];
    return r;
}
static inline void mc_lanes_store(double *p, mc_lanes a)
{
    for (int i = 0; i < MC_LANES; ++i)
        p[i] = a.v[i];
}
static inline mc_lanes mc_lanes_add(mc_lanes a, mc_lanes b)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] += b.v[i];
    return a;
}
static inline mc_lanes mc_lanes_mul(mc_lanes a, mc_lanes b)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] *= b.v[i];
    return a;
}
static inline mc_lanes mc_lanes_abs(mc_lanes a)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = fabs(a.v[i]);
    return a;
}
static inline double mc_keep_bits(double x, uint64_t mask)
{
    return mc_from_bits(mc_bits(x) & mask);
}
static inline mc_lanes mc_lanes_and(mc_lanes a, mc_lanes mask)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = mc_keep_bits(a.v[i], mc_bits(mask.v[i]));
    return a;
}
static inline mc_lanes mc_lanes_and_not(mc_lanes a, mc_lanes mask)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = mc_keep_bits(a.v[i], ~mc_bits(mask.v[i]));
    return a;
}
static inline mc_lanes mc_lanes_or(mc_lanes a, mc_lanes b)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = mc_from_bits(mc_bits(a.v[i]) | mc_bits(b.v[i]));
    return a;
}
static inline mc_lanes mc_lanes_by_sign(mc_lanes x, mc_lanes positive, mc_lanes negative)
{
    for (int i = 0; i < MC_LANES; ++i)
        x.v[i] = mc_bits(x.v[i]) >> 63 ? negative.v[i] : positive.v[i];
    return x;
}
static inline mc_lanes mc_lanes_min(mc_lanes a, mc_lanes b)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline mc_lanes mc_lanes_max(mc_lanes a, mc_lanes b)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}
static inline mc_lanes mc_lanes_rint(mc_lanes a)
{
    for (int i = 0; i < MC_LANES; ++i)
        a.v[i] = rint(a.v[i]);
    return a;
}
static inline mc_lanes mc_lanes_load_int(const int32_t *p)
{
    mc_lanes r;
    for (int i = 0; i < MC_LANES; ++i)
        r.v[i] = p[i];
    return r;
}
static inline void mc_lanes_store_int(int32_t *p, mc_lanes a)
{
    for (int i = 0; i < MC_LANES; ++i)
        p[i] = (int32_t)a.v[i];
}
static inline mc_lanes mc_lanes_fma(mc_lanes a, mc_lanes b, mc_lanes c)
{
    for (int i = 0; i < MC_LANES; ++i)
        c.v[i] = fma(a.v[i], b.v[i], c.v[i]);
    return c;
}
static inline unsigned mc_lanes_equal(mc_lanes a, mc_lanes b)
{
    unsigned mask = 0;
    for (int i = 0; i < MC_LANES; ++i)
        mask |= (unsigned)(a.v[i] == b.v[i]) << i;
    return mask;
}
static inline unsigned mc_lanes_less(mc_lanes a, mc_lanes b)
{
    unsigned mask = 0;
    for (int i = 0; i < MC_LANES; ++i)
        mask |= (unsigned)(a.v[i] < b.v[i]) << i;
    return mask;
}
static inline mc_lanes mc_lanes_where_less(mc_lanes a, mc_lanes b, mc_lanes x)
{
    for (int i = 0; i < MC_LANES; ++i)
        x.v[i] = a.v[i] < b.v[i] ? x.v[i] : 0.0;
    return x;
}
static inline double mc_lanes_least(mc_lanes a)
{
    double least = a.v[0];
    for (int i = 1; i < MC_LANES; ++i)
        least = a.v[i] < least ? a.v[i] : least;
    return least;
}

#endif

/* All bits or none, lane by lane: what mc_lanes_and keeps. */
static inline mc_lanes mc_lanes_mask(const uint64_t *p)
{
    return mc_lanes_load((const double *)p);
}

/* Position of the lowest set bit of a mask that is not 0. */
static inline int mc_first_bit(unsigned long long mask)
{
#if defined(__GNUC__)
    return __builtin_ctzll(mask);
#else
    int bit = 0;
    while ((mask & 1) == 0) {
        mask >>= 1;
        ++bit;
    }
    return bit;
#endif
}

#endif
