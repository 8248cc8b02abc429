/* fmath.h - the functions pricing needs, without branches or libm, so that loops over them
 * vectorise. Every multiply-add is an explicit fma(): same bits on every copy and compiler.
 *
 * Coefficients come from scripts/coefficients.py; tests/c/test_fmath.c holds the error bounds.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_FMATH_H
#define MC_KERNELS_FMATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define MC_LOG2_E 1.4426950408889634
#define MC_LN2 0.69314718055994531
#define MC_LN2_HIGH 6.93147180369123816490e-01 /* 33 bits: times an exponent it is exact */
#define MC_LN2_LOW 1.90821492927058770002e-10
#define MC_SQRT2 1.4142135623730951
#define MC_ROUND_BIAS 0x1.8p52 /* adding it rounds to an integer, found in the low bits */

static inline uint64_t mc_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double mc_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The second operand where they compare equal or not at all, as the processor's own min and max. */
static inline double mc_min(double x, double y)
{
    return x < y ? x : y;
}

static inline double mc_max(double x, double y)
{
    return x > y ? x : y;
}

/* What would overflow becomes the largest double of its sign. */
static inline double mc_saturate(double x)
{
    return mc_max(mc_min(x, DBL_MAX), -DBL_MAX);
}

/* The parts of e^(high + low) = 2^k (1 + y); `biased` holds k in its low bits, |low| << 1. */
static inline double mc_exp_parts(double high, double low, double *biased)
{
    *biased = fma(high, MC_LOG2_E, MC_ROUND_BIAS);
    const double k = *biased - MC_ROUND_BIAS; /* high = k ln2 + r, |r| <= ln2 / 2 */
    const double r = fma(-k, MC_LN2_LOW, fma(-k, MC_LN2_HIGH, high)) + low;
    const double r2 = r * r;
    const double r4 = r2 * r2;

    const double p01 = fma(0.16666666666666644, r, 0.5000000000000001);
    const double p23 = fma(0.008333333333356209, r, 0.041666666666624254);
    const double p45 = fma(0.00019841269784670452, r, 0.0013888888917160792);
    const double p67 = fma(2.755735547747803e-06, r, 2.4801521366452146e-05);
    const double p89 = fma(2.506818680051837e-08, r, 2.7620059101008136e-07);
    const double p03 = fma(p23, r2, p01);
    const double p47 = fma(p67, r2, p45);
    const double p = fma(fma(p89, r4, p47), r4, p03);
    return fma(r2, p, r);
}

/* e^(high + low) 2^shift for results in the normal range, |low| << 1; within 1.1 ulp. */
static inline double mc_exp_shifted(double high, double low, double shift)
{
    double biased;
    const double e = 1.0 + mc_exp_parts(high, low, &biased);
    return mc_from_bits(mc_bits(e) + (mc_bits(biased + shift) << 52));
}

/* e^(high + low) where high <= 0; 0 below e^-708, so that no result is subnormal. */
static inline double mc_exp_decay(double high, double low)
{
    const double e = mc_exp_shifted(high, low, 0.0);
    return high < -708.0 ? 0.0 : e;
}

/* e^x - 1 for x <= 40, relative to itself; within 2 ulp below 0, 2.5 above. */
static inline double mc_expm1_decay(double x)
{
    double biased;
    const double y = mc_exp_parts(mc_max(x, -40.0), 0.0, &biased);
    const double scale = mc_from_bits(mc_bits(1.0) + (mc_bits(biased) << 52));
    return fma(scale, y, scale - 1.0);
}

static inline double mc_exp_wide(double high, double low)
{
    const double x = mc_max(mc_min(high, 710.0), -746.0); /* beyond: infinity and 0 as it is */
    const double shift = x < -700.0 ? 128.0 : x > 700.0 ? -128.0 : 0.0;
    const double back = x < -700.0 ? 0x1p-128 : x > 700.0 ? 0x1p128 : 1.0;
    return mc_exp_shifted(x, low, shift) * back;
}

/* e^x for any x but NaN; within 1.1 ulp where the result is normal. */
static inline double mc_exp(double x)
{
    return mc_exp_wide(x, 0.0);
}

/* x = m 2^e with 1 <= m < 2, for normal x > 0. */
static inline double mc_split_normal(double x, double *e)
{
    const uint64_t bits = mc_bits(x);
    *e = mc_from_bits((bits >> 52) | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0);
    return mc_from_bits((bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000));
}

/* The same for 0 < x finite, subnormal or not; 0 gives a finite m and e. */
static inline double mc_split(double x, double *e)
{
    const double m = mc_split_normal(x < DBL_MIN ? x * 0x1p54 : x, e);
    *e -= x < DBL_MIN ? 54.0 : 0.0;
    return m;
}

/* (2 atanh(s) - 2 s) / s^3 at z = s^2, for |s| <= 0.1716. */
static inline double mc_log_tail(double z)
{
    const double z2 = z * z;
    const double p01 = fma(0.39999999999899055, z, 0.666666666666667);
    const double p23 = fma(0.2222221110675557, z, 0.28571428626161754);
    const double p45 = fma(0.15331662044420602, z, 0.1818289103007181);
    const double p47 = fma(0.14617147073938905, z2, p45);
    return fma(fma(p47, z2, p23), z2, p01);
}

/* ln(ma / mb) + exponent ln2 for ma and mb in [1, 2). */
static inline double mc_log_parts(double ma, double mb, double exponent)
{
    const double halve = ma > MC_SQRT2 * mb ? 1.0 : 0.0;
    const double twice = mb > MC_SQRT2 * ma ? 1.0 : 0.0;
    const double m = ma * (1.0 - 0.5 * halve + twice); /* m / mb in [sqrt(1/2), sqrt(2)] */
    const double k = exponent + (halve - twice);

    const double s = (m - mb) / (m + mb); /* the difference is exact */
    const double z = s * s;
    const double tail = fma(k, MC_LN2_LOW, (s * z) * mc_log_tail(z));
    return fma(k, MC_LN2_HIGH, fma(2.0, s, tail));
}

/* ln(a / b) for positive finite a and b, subnormal or not, without forming a / b; within 2 ulp
 * for every pair, neighbours included: near 1 it is a series in (a - b) / (a + b). */
static inline double mc_log_ratio(double a, double b)
{
    double ea, eb;
    const double ma = mc_split(a, &ea);
    const double mb = mc_split(b, &eb);
    return mc_log_parts(ma, mb, ea - eb);
}

/* ln(x) for normal x > 0; within 2 ulp. */
static inline double mc_log_normal(double x)
{
    double e;
    const double m = mc_split_normal(x, &e);
    return mc_log_parts(m, 1.0, e);
}

/* ln(x) for 0 < x finite; within 2 ulp. */
static inline double mc_log(double x)
{
    return mc_log_ratio(x, 1.0);
}

/* x^p for 0 < x finite; within 2 ulp while |p ln x| < 700: the logarithm carries a second word. */
static inline double mc_pow(double x, double p)
{
    double e;
    const double m1 = mc_split(x, &e);
    const double halve = m1 > MC_SQRT2 ? 1.0 : 0.0;
    const double m = m1 * (1.0 - 0.5 * halve);
    const double k = e + halve;

    const double d = m + 1.0;
    const double d_low = m - (d - 1.0);
    const double s = (m - 1.0) / d;
    const double s_low = (fma(-s, d, m - 1.0) - s * d_low) / d;
    const double z = s * s;

    const double whole = k * MC_LN2_HIGH; /* exact; 0 or larger than 2 s */
    const double sum = whole + 2.0 * s;
    const double sum_low = 2.0 * s - (sum - whole);
    const double tail = fma(s * z, mc_log_tail(z), fma(k, MC_LN2_LOW, fma(2.0, s_low, sum_low)));
    const double high = sum + tail;
    const double low = (sum - high) + tail;

    const double power = p * high;
    return mc_exp_wide(power, fma(p, high, -power) + p * low);
}

#endif
