/* black76.h - undiscounted Black-76 on blocks of 128 rows, for kernels to include.
 *
 * With low = min(F, K), high = max(F, K), s = vol sqrt(T), a = ln(high / low) / s and t = s / 2,
 * calls and puts share one out-of-the-money value,
 *
 *   low N(t - a) - high N(-(a + t)) = low phi(a - t) [M(a - t) - M(a + t)],  M(x) = N(-x) / phi(x),
 *
 * because low phi(a - t) = high phi(a + t). The in-the-money value adds the intrinsic value, so
 * put-call parity holds by construction. M is one rational function; nothing calls libm.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_BLACK76_H
#define MC_KERNELS_BLACK76_H

#include "kernels/fmath.h"
#include "kernels/rows.h"

/* In this header and its kernels a condition on two things is a double, 1.0 or 0.0, and a choice
 * is by one comparison: gcc 12 moves combined masks through scalar registers. */

#define MC_BLACK76_INLINE static inline __attribute__((always_inline))

#define MC_INV_SQRT_2PI 0.3989422804014327

/* Up to this t the difference of two Mills ratios loses digits and its Taylor series around a is
 * used: five terms leave 1e-17; above it the difference keeps 1e-14 where a < 7.5. */
#define MC_SMALL_T 0.05

/* What the value and every Greek are made of. */
typedef struct mc_black76_terms {
    mc_block low, high;
    mc_block s;         /* limited to 300: certain there; 0 where F or K is 0               */
    mc_block a, t;      /* a limited to 70: phi is 0 there                                  */
    mc_block density;   /* exp(-(a - t)^2 / 2)                                              */
    mc_block near;      /* M(|a - t|) / sqrt(2 pi), of a - t where t <= MC_SMALL_T           */
    mc_block far;       /* M(a + t) / sqrt(2 pi)                                            */
    mc_block otm;       /* out-of-the-money value / low, in [0, 1]                          */
} mc_black76_terms;

/* The Mills ratio over sqrt(2 pi), N(-x) exp(x^2 / 2), as p / q for 0 <= x <= 70: relative error
 * of the quotient 1.8e-16 before rounding, 0.5 at x = 0 exactly. All coefficients are positive. */
static inline double mc_mills_p(double x)
{
    const double x2 = x * x;
    const double x4 = x2 * x2;
    const double p01 = fma(0.7860934058420304, x, 0.5);
    const double p23 = fma(0.30109542428739605, x, 0.6104144497199594);
    const double p45 = fma(0.025255604031830886, x, 0.10301110799382811);
    const double p67 = fma(0.000541315763048281, x, 0.004438590736947197);
    const double p89 = fma(1.5956754366367736e-06, x, 4.1917978528213575e-05);
    const double p03 = fma(p23, x2, p01);
    const double p47 = fma(p67, x2, p45);
    return fma(fma(p89, x4, p47), x4, p03);
}

static inline double mc_mills_q(double x)
{
    const double x2 = x * x;
    const double x4 = x2 * x2;
    const double q01 = fma(2.3700713724869105, x, 1.0);
    const double q23 = fma(1.7670892300828644, x, 2.611872255548676);
    const double q45 = fma(0.2691263019456668, x, 0.8153670878779634);
    const double q67 = fma(0.011230969827366493, x, 0.06465528919188555);
    const double q89 = fma(0.00010507279019378279, x, 0.001360877162377303);
    const double q03 = fma(q23, x2, q01);
    const double q47 = fma(q67, x2, q45);
    const double q8 = fma(3.999765166609372e-06, x2, q89);
    return fma(fma(q8, x4, q47), x4, q03);
}

/* exp(-x^2 / 2) with the rounding of the square carried along; 0 from |x| = 37.6 on. */
static inline double mc_gauss(double x)
{
    const double square = x * x;
    return mc_exp_decay(-0.5 * square, -0.5 * fma(x, x, -square));
}

/* Is t at most MC_SMALL_T in any row? As an or of sign bits, which vectorises. */
static inline int mc_any_small(const double *t)
{
    uint64_t any = 0;
    for (int i = 0; i < MC_BLOCK; ++i)
        any |= ~mc_bits(MC_SMALL_T - t[i]);
    return (any >> 63) != 0;
}

/* 1.0 where a - t is negative and `near` belongs to |a - t|, else 0.0. */
static inline double mc_reflected(double a, double t)
{
    return t > mc_max(a, MC_SMALL_T) ? 1.0 : 0.0;
}

/* What the density is multiplied by. */
static inline double mc_tail_of(double flip, double near, double far, double difference)
{
    return flip > 0.0 ? near + far : difference;
}

/* `x` or, where `flip` is 1.0, what it leaves of `whole`. */
static inline double mc_complement(double flip, double whole, double x)
{
    return fma(flip, whole, fma(-2.0, flip, 1.0) * x);
}

/* near, far and their difference (`value_only`: near, and what mc_tail_of makes of all three) from a
 * and t. The formula of a row is chosen by its own t; a block without small t only skips a branch
 * that none of its rows takes. */
MC_BLACK76_INLINE void mc_mills_block(const double *a, const double *t, const bool value_only,
                                      double *near, double *far, double *difference)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double x = t[i] <= MC_SMALL_T ? a[i] : mc_min(fabs(a[i] - t[i]), 70.0);
        const double y = mc_min(a[i] + t[i], 70.0);
        const double px = mc_mills_p(x), qx = mc_mills_q(x);
        const double py = mc_mills_p(y), qy = mc_mills_q(y);
        const double inverse = 1.0 / (qx * qy);
        const double to_near = (px * qy) * inverse, to_far = (py * qx) * inverse;
        const double between = fma(px, qy, -(py * qx)) * inverse;
        near[i] = to_near;
        if (!value_only)
            far[i] = to_far;
        difference[i] =
            value_only ? mc_tail_of(mc_reflected(a[i], t[i]), to_near, to_far, between) : between;
    }
    if (!mc_any_small(t))
        return;
    for (int i = 0; i < MC_BLOCK; ++i) {
        /* m_k is the k-th derivative at a over k!; M' = a M - 1 and so on up. */
        const double x = a[i];
        const double m0 = near[i];
        const double m1 = fma(x, m0, -MC_INV_SQRT_2PI);
        const double m2 = fma(x, m1, m0) * (1.0 / 2);
        const double m3 = fma(x, m2, m1) * (1.0 / 3);
        const double m4 = fma(x, m3, m2) * (1.0 / 4);
        const double m5 = fma(x, m4, m3) * (1.0 / 5);
        const double m6 = fma(x, m5, m4) * (1.0 / 6);
        const double m7 = fma(x, m6, m5) * (1.0 / 7);
        const double m8 = fma(x, m7, m6) * (1.0 / 8);
        const double m9 = fma(x, m8, m7) * (1.0 / 9);
        const double t2 = t[i] * t[i];
        const double t4 = t2 * t2;
        const double odd = t[i] * fma(fma(fma(m9, t2, m7), t2, m5), t4, fma(m3, t2, m1));
        const int small = t[i] <= MC_SMALL_T; /* and not reflected */
        difference[i] = small ? -2.0 * odd : difference[i];
        if (!value_only) {
            const double even = fma(fma(fma(m8, t2, m6), t2, m4), t4, fma(m2, t2, m0));
            near[i] = small ? even - odd : near[i];
            far[i] = small ? even + odd : far[i];
        }
    }
}

/* The terms of a block; forward and strike finite and >= 0, stdev >= 0, also infinite, distance
 * |ln(forward / strike)|, any number >= 0 where one of them is 0, or NULL where it is not known yet.
 * `value_only`: just low, a, t and otm, in less time. */
MC_BLACK76_INLINE void mc_black76_terms_at(const double *forward, const double *strike,
                                           const double *stdev, const double *distance,
                                           const bool value_only, mc_black76_terms *terms)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double low = mc_min(forward[i], strike[i]) + 0.0; /* no -0 */
        const double high = mc_max(forward[i], strike[i]) + 0.0;
        const double s = low > 0.0 ? mc_min(stdev[i], 300.0) : 0.0;
        terms->low[i] = low;
        if (!value_only) {
            terms->high[i] = high;
            terms->s[i] = s;
        }
        const double x = distance != NULL ? distance[i] : mc_log_ratio(high, low);
        terms->a[i] = mc_min(x / mc_max(s, 1e-300), 70.0);
        terms->t[i] = 0.5 * s;
    }
    mc_block difference;
    mc_mills_block(terms->a, terms->t, value_only, terms->near, terms->far, difference);
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double a = terms->a[i], t = terms->t[i];
        const double density = mc_gauss(a - t);
        if (!value_only)
            terms->density[i] = density;
        const double flip = mc_reflected(a, t);
        const double tail = value_only ? difference[i] : mc_tail_of(flip, terms->near[i],
                                                                    terms->far[i], difference[i]);
        terms->otm[i] = mc_complement(flip, 1.0, density * tail);
    }
}

/* Value from its out-of-the-money part; between the intrinsic value and F (call) or K (put). */
static inline double mc_black76_value(double forward, double strike, double is_call, double low,
                                      double otm)
{
    const double side = fma(2.0, is_call, -1.0);
    const double intrinsic = mc_max(side * (forward - strike), 0.0);
    return mc_min(fma(low, otm, intrinsic), is_call != 0.0 ? forward : strike) + 0.0; /* no -0 */
}

#endif
