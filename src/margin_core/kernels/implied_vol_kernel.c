/* Black-76 volatility from a price: a closed-form guess, then exactly two Householder steps.
 *
 * With X = ln(high / low) >= 0, c = out-of-the-money value / low in (0, 1) and u = a - t (minus
 * the d1 of the out-of-the-money call), s = sqrt(u^2 + 2 X) - u. The guess solves c for
 * p = exp(-2 u^2 / pi) with N(x) ~ 1/2 +- 1/2 sqrt(1 - exp(-2 x^2 / pi)) (Polya 1945), a
 * quadratic in p: D. Stefanica and R. Radoicic, "An explicit implied volatility formula",
 * Int. J. Theor. Appl. Finance 20 (2017). Here it is rearranged so that nothing cancels: it stays
 * within 13 % for every price, 6.2 % where c e^-X > 1e-12. One step of fourth order
 * leaves 2e-6 and the second rounding only. The steps find the zero of ln c (c < 1/2) or
 * ln(1 - c): in both tails these are nearly -u^2 / 2, whatever the scale of the price.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/black76.h"
#include "kernels/kernels.h"

#define TWO_OVER_PI 0.6366197723675814
#define SQRT_2PI 2.5066282746310002

typedef struct block {
    mc_rows_block rows;
    mc_block price;
    mc_block low, high;
    mc_block c, rest; /* value / low and 1 - value / low, each with its own rounding only */
    mc_block log_target;
    mc_block x; /* ln(high / low) */
    mc_block s, a, t;
    mc_block near, tail;
} block;

void MC_KERNEL(mc_implied_vol)(const mc_option_rows *, mc_column, double *, size_t, size_t);
bool MC_KERNEL(mc_has_vol)(const mc_option_rows *, mc_column, size_t, size_t);

static inline double intrinsic_of(const block *b, int i)
{
    const double side = fma(2.0, b->rows.is_call[i], -1.0);
    return mc_max(side * (b->rows.forward[i] - b->rows.strike[i]), 0.0);
}

static inline double limit_of(const block *b, int i)
{
    return b->rows.is_call[i] != 0.0 ? b->rows.forward[i] : b->rows.strike[i];
}

static void load(const mc_option_rows *rows, mc_column price, size_t at, size_t m, bool fresh,
                 block *b)
{
    mc_load_rows(rows, at, m, fresh, &b->rows);
    mc_load_column(price, at, m, fresh, b->price);
}

/* Is there a volatility for every row? Prices at the intrinsic value have one: 0. */
bool MC_KERNEL(mc_has_vol)(const mc_option_rows *rows, mc_column price, size_t first, size_t n)
{
    block b;
    for (size_t done = 0; done < n; done += MC_BLOCK) {
        const size_t m = n - done < MC_BLOCK ? n - done : MC_BLOCK;
        uint64_t none = 0;
        load(rows, price, first + done, m, done == 0, &b);
        for (int i = 0; i < MC_BLOCK; ++i) {
            const double bound = b.rows.discount[i] * intrinsic_of(&b, i);
            const double top = b.rows.discount[i] * limit_of(&b, i);
            const double limit = b.rows.years[i] > 0.0 ? top : 0.0; /* no time value at expiry */
            const double p = b.price[i];
            none |= ((p == bound) | ((p > bound) & (p < limit))) ? UINT64_C(0) : UINT64_C(1);
        }
        if (none != 0)
            return false;
    }
    return true;
}

/* The out-of-the-money value and its complement to `low`, in units of `low`. The exact intrinsic
 * value (both words of F - K) is taken off, so a deep in-the-money price loses nothing twice. */
static void normalise(block *b)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double forward = b->rows.forward[i], strike = b->rows.strike[i];
        const double discount = b->rows.discount[i], p = b->price[i];
        const double low = mc_min(forward, strike), high = mc_max(forward, strike);
        const double intrinsic = intrinsic_of(b, i);
        const double gap = high - low;
        const double gap_low = intrinsic > 0.0 ? (high - gap) - low : 0.0;
        const double value = fma(-discount, gap_low, fma(-discount, intrinsic, p)) / discount;
        const double rest = fma(discount, limit_of(b, i), -p) / discount;
        const double v = p > discount * intrinsic ? mc_max(value, 0.0) : 0.0;
        const double c = v / low;
        const double target = c < 0.5 ? v : rest;
        b->low[i] = low;
        b->high[i] = high;
        b->c[i] = c;
        b->rest[i] = rest / low;
        b->x[i] = mc_log_ratio(high, low);
        b->log_target[i] = mc_log_ratio(target, low);
    }
}

static void guess(block *b)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double x = b->x[i], c = b->c[i], rest = b->rest[i];
        const double ratio = b->low[i] / b->high[i];
        const double gap = (b->high[i] - b->low[i]) / b->high[i];
        const double j = -mc_expm1_decay(x * (1.0 - 2.0 * TWO_OVER_PI)); /* 1 - e^(x (1 - 4/pi)) */
        const double g = c * fma(c, ratio, gap);

        /* p^2 square + p linear = constant, and 1 - p = q without cancellation. */
        const double constant = (16.0 * g) * (rest * fma(c, ratio, 1.0));
        const double linear = 4.0 * fma(gap, j, (2.0 * g) * ((2.0 - gap) - j));
        const double square = (j - gap) * (j - gap);
        const double root = sqrt(fma(linear, linear, 4.0 * (square * constant)));
        const double p = 2.0 * constant / (linear + root);
        const double w = fma(-4.0, g, j + gap);
        const double q = w * w / fma(square, 1.0 + p, linear);
        const double log_p = q < 1e-3 ? -fma(0.5 * q, q, q) : mc_log_normal(mc_max(p, 1e-300));
        const double u = sqrt(mc_max(-log_p, 0.0) * (1.0 / TWO_OVER_PI));
        const double far = sqrt(fma(u, u, 2.0 * x));
        b->s[i] = w > 0.0 ? 2.0 * x / (far + u) : far + u;
    }
}

/* s += the Householder step of third order towards the target. */
static void step(block *b)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double s = b->s[i];
        b->a[i] = mc_min(b->x[i] / s, 70.0);
        b->t[i] = 0.5 * s;
    }
    mc_mills_block(b->a, b->t, true, b->near, NULL, b->tail);
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double s = b->s[i], a = b->a[i], t = b->t[i], u = a - t;
        const double gauss = mc_gauss(u);
        const double lower = b->c[i] < 0.5 ? 1.0 : 0.0;
        const double reflected = mc_reflected(a, t);

        /* c or 1 - c is gauss times `tail`, or 1 minus that. */
        const double tail = b->tail[i];
        const bool is_tail = lower != reflected;
        const double argument = is_tail ? tail : fma(-gauss, tail, 1.0);
        const double log_gauss = is_tail ? -0.5 * (u * u) : 0.0;
        const double f = mc_log_normal(argument) + (log_gauss - b->log_target[i]);

        /* Derivatives by s times its powers, so that nothing overflows where s is tiny. */
        const double sign = fma(2.0, lower, -1.0);
        const double slope = (sign * MC_INV_SQRT_2PI) * (is_tail ? 1.0 : gauss);
        const double f1 = slope * s / argument;                  /* f' s            */
        const double c2 = u * (a + t);                           /* c'' s / c'      */
        const double c3 = fma(c2, c2, fma(-3.0 * a, a, -t * t)); /* c''' s^2 / c'   */
        const double f2 = c2 - f1;                               /* f'' s / f'      */
        const double f3 = fma(fma(2.0, f1, -3.0 * c2), f1, c3);  /* f''' s^2 / f'   */
        const double newton = -f / f1;
        const double above = fma(0.5 * f2, newton, 1.0);
        const double below = fma(fma(f3 * (1.0 / 6), newton, f2), newton, 1.0);
        b->s[i] = fma(s, newton * (above / below), s);
    }
}

void MC_KERNEL(mc_implied_vol)(const mc_option_rows *rows, mc_column price, double *vol,
                               size_t first, size_t n)
{
    block b;
    mc_block out;
    for (size_t done = 0; done < n; done += MC_BLOCK) {
        const size_t m = n - done < MC_BLOCK ? n - done : MC_BLOCK;
        load(rows, price, first + done, m, done == 0, &b);
        normalise(&b);
        guess(&b);
        step(&b);
        step(&b);
        for (int i = 0; i < MC_BLOCK; ++i) {
            /* At the money the squares of a tiny c underflow, and c / s is 1 / sqrt(2 pi). */
            const bool tiny = (b.x[i] == 0.0) & (b.c[i] < 1e-9);
            const double s = tiny ? SQRT_2PI * b.c[i] : b.s[i];
            out[i] = b.c[i] > 0.0 ? s / sqrt(b.rows.years[i]) : 0.0;
        }
        memcpy(vol + first + done, out, m * sizeof *out);
    }
}
