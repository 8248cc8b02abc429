/* Bachelier: with d = F - K, s = vol sqrt(T) and a = |d| / s, a call and a put share the
 * out-of-the-money value s phi(a) (1 - a M(a)), M the Mills ratio.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/black76.h"
#include "kernels/kernels.h"

#define DAYS_A_YEAR 365.0
#define HUGE_INPUT 0x1p1000

/* Prices are held in units of 1 / unit: 1, or 2^64 where a sum could overflow. */
typedef struct block {
    mc_rows_block rows;
    mc_block root_years;
    mc_block log_discount;
    mc_block unit;    /* 1 or 2^-64                        */
    mc_block d, s;    /* (F - K) unit, vol sqrt(T) unit    */
    mc_block a;       /* limited to 70                     */
    mc_block density; /* phi(a)                            */
    mc_block far;     /* N(-a)                             */
    mc_block value;   /* undiscounted, times unit          */
} block;

void MC_KERNEL(mc_bachelier)(const mc_option_rows *, const mc_greeks *, size_t, size_t);

/* 1.0 for a call, -1.0 for a put. */
static inline double side_of(const block *b, int i)
{
    return fma(2.0, b->rows.is_call[i], -1.0);
}

static void fill(block *b)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double root = sqrt(b->rows.years[i] + 0.0); /* no -0 */
        const double forward = b->rows.forward[i], strike = b->rows.strike[i];
        const double largest = mc_max(mc_max(fabs(forward), fabs(strike)), b->rows.vol[i] * root);
        const double unit = largest > HUGE_INPUT ? 0x1p-64 : 1.0;
        const double d = forward * unit - strike * unit;
        const double s = mc_min((b->rows.vol[i] * unit) * root, DBL_MAX);
        const double far_off = d != 0.0 ? 70.0 : 0.0;
        b->root_years[i] = root;
        b->unit[i] = unit;
        b->d[i] = d;
        b->s[i] = s;
        b->a[i] = s > 0.0 ? mc_min(fabs(d) / mc_max(s, DBL_TRUE_MIN), 70.0) : far_off;
    }
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double a = b->a[i];
        const double mills = mc_mills_p(a) / mc_mills_q(a);
        const double gauss = mc_gauss(a);
        const double payoff = side_of(b, i) * b->d[i];
        b->density[i] = MC_INV_SQRT_2PI * gauss;
        b->far[i] = gauss * mills;
        b->value[i] = fma(b->s[i], gauss * fma(-a, mills, MC_INV_SQRT_2PI), mc_max(payoff, 0.0));
    }
}

static void price(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i)
        out[i] = mc_min((b->rows.discount[i] * b->value[i]) / b->unit[i], DBL_MAX);
}

/* N(d / s) for a call, -N(-d / s) for a put. */
static inline double undiscounted_delta(const block *b, int i)
{
    const double up = b->d[i] > 0.0 ? 1.0 : 0.0;
    const double flip = fabs(up - (1.0 - b->rows.is_call[i]));
    return side_of(b, i) * mc_complement(flip, 1.0, b->far[i]);
}

static void delta(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i)
        out[i] = b->rows.discount[i] * undiscounted_delta(b, i);
}

static void gamma_(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double s = b->s[i];
        const double undiscounted = (b->density[i] / mc_max(s, DBL_TRUE_MIN)) * b->unit[i];
        const double g = mc_min(b->rows.discount[i] * undiscounted, DBL_MAX);
        out[i] = b->rows.years[i] > 0.0 ? g : 0.0;
    }
}

static void vega(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double v = b->rows.discount[i] * (b->density[i] * b->root_years[i]);
        out[i] = mc_min(v, DBL_MAX);
    }
}

/* -(D s phi / 2 + ln(D) V) / T, scaled down while it could overflow on the way. */
static void theta(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double years = b->rows.years[i] > 0.0 ? b->rows.years[i] : 1.0;
        const double discount = b->rows.discount[i];
        const double decay = discount * (b->density[i] * (b->s[i] * 0x1p-33));
        const double carry = b->log_discount[i] * (discount * (b->value[i] * 0x1p-32));
        const double a_year = (0.0 - (decay + carry)) / years; /* no -0 */
        const double a_day = mc_saturate(a_year * (0x1p32 / DAYS_A_YEAR));
        out[i] = b->rows.years[i] > 0.0 ? mc_saturate(a_day / b->unit[i]) : 0.0;
    }
}

/* T D (K N(d) - s phi) for a call, T D (-K N(-d) - s phi) for a put. */
static void rho(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double strike = b->rows.strike[i] * b->unit[i];
        const double part = fma(strike, undiscounted_delta(b, i), -(b->s[i] * b->density[i]));
        const double held = mc_min(b->rows.years[i] * b->rows.discount[i], DBL_MAX);
        out[i] = mc_saturate(mc_saturate(part * held) / b->unit[i]) + 0.0; /* no -0 */
    }
}

static void vanna(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double h = b->d[i] > 0.0 ? b->a[i] : -b->a[i];
        const double per_vol = (b->density[i] * h) / mc_max(b->rows.vol[i], DBL_TRUE_MIN);
        out[i] = mc_saturate(b->rows.discount[i] * mc_saturate(0.0 - per_vol)); /* no -0 */
    }
}

static void volga(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double a = b->a[i];
        const double per_vol = (b->density[i] * (a * a)) / mc_max(b->rows.vol[i], DBL_TRUE_MIN);
        const double scaled = b->rows.discount[i] * (mc_min(per_vol, DBL_MAX) * b->root_years[i]);
        out[i] = mc_min(scaled, DBL_MAX);
    }
}

static inline void emit(void (*greek)(const block *, double *restrict), const block *b,
                        double *column, size_t first, size_t m)
{
    if (column == NULL)
        return;
    mc_block out;
    greek(b, out);
    memcpy(column + first, out, m * sizeof *out);
}

void MC_KERNEL(mc_bachelier)(const mc_option_rows *rows, const mc_greeks *greeks, size_t first,
                             size_t n)
{
    block b;
    for (size_t done = 0; done < n; done += MC_BLOCK) {
        const size_t at = first + done;
        const size_t m = n - done < MC_BLOCK ? n - done : MC_BLOCK;
        const bool fresh = done == 0;

        mc_load_rows(rows, at, m, fresh, &b.rows);
        mc_load_column(rows->vol, at, m, fresh, b.rows.vol);
        fill(&b);
        if (greeks->theta && (fresh || rows->discount.stride != 0))
            for (int i = 0; i < MC_BLOCK; ++i)
                b.log_discount[i] = mc_log(b.rows.discount[i]);

        emit(price, &b, greeks->price, at, m);
        emit(delta, &b, greeks->delta, at, m);
        emit(gamma_, &b, greeks->gamma, at, m);
        emit(vega, &b, greeks->vega, at, m);
        emit(theta, &b, greeks->theta, at, m);
        emit(rho, &b, greeks->rho, at, m);
        emit(vanna, &b, greeks->vanna, at, m);
        emit(volga, &b, greeks->volga, at, m);
    }
}
