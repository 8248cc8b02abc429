/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/black76.h"
#include "kernels/kernels.h"

#define DAYS_A_YEAR 365.0

/* A smaller vol sqrt(T) counts as this much in 1 / vol, where its limit is wanted: at the money it
 * cancels, away from it the density is 0. (s and t themselves stay exact, 0 included.) */
#define TINY_S 1e-140

/* A block of rows and what their Greeks share. In the names of black76.h: the forward is either
 * `low` (its option out of the money is the call) or `high` (the put). */
typedef struct block {
    mc_rows_block rows;
    mc_block root_years;
    mc_block stdev;
    mc_block log_discount;
    mc_block value; /* discounted                          */
    mc_block ratio; /* low / F: phi(d1) = ratio phi(a - t) */
    mc_black76_terms terms;
} block;

void MC_KERNEL(mc_black76)(const mc_option_rows *, const mc_greeks *, size_t, size_t);

static void price(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i)
        out[i] = mc_min(b->value[i], DBL_MAX);
}

/* F <= K:  N(d1) = N(t - a), the tail of `near` or, reflected, what that leaves of 1.
 * F >  K:  N(-d1) = N(-(a + t)) = density far low / F. */
static void delta(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const mc_black76_terms *terms = &b->terms;
        const double call = b->rows.is_call[i];
        const bool below = b->rows.forward[i] <= b->rows.strike[i];
        const double reflected = mc_reflected(terms->a[i], terms->t[i]);
        const double tail = terms->density[i]
                          * (below ? terms->near[i] : terms->far[i] * b->ratio[i]);
        const double flip = below ? fabs(reflected - (1.0 - call)) : call;
        const double side = fma(2.0, call, -1.0);
        out[i] = b->rows.discount[i] * (side * mc_complement(flip, 1.0, tail));
    }
}

static void gamma_(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        /* phi(d1) / (F s): a small F is scaled up so that F s keeps its digits. */
        const double s = b->terms.s[i];
        const double scale = b->rows.forward[i] < 1.0 ? 0x1p512 : 1.0;
        const double width = mc_max((b->rows.forward[i] * scale) * s, DBL_TRUE_MIN);
        const double density = MC_INV_SQRT_2PI * b->terms.density[i] * b->ratio[i];
        const double g = mc_min(b->rows.discount[i] * ((density / width) * scale), DBL_MAX);
        out[i] = b->rows.years[i] > 0.0 ? g : 0.0;
    }
}

/* F phi(d1) = K phi(d2) */
static inline double weighted_density(const mc_black76_terms *terms, int i)
{
    return terms->low[i] * (MC_INV_SQRT_2PI * terms->density[i]);
}

static void vega(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double undiscounted = weighted_density(&b->terms, i) * b->root_years[i];
        out[i] = mc_min(b->rows.discount[i] * undiscounted, DBL_MAX);
    }
}

/* -(D F phi(d1) s / 2 + ln(D) V) / T, scaled down while it could overflow on the way. */
static void theta(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double years = b->rows.years[i] > 0.0 ? b->rows.years[i] : 1.0;
        const double decay = b->rows.discount[i]
                           * ((weighted_density(&b->terms, i) * 0x1p-32) * b->terms.t[i]);
        const double carry = b->log_discount[i] * (b->value[i] * 0x1p-32);
        const double a_year = (0.0 - (decay + carry)) / years; /* no -0 */
        out[i] = b->rows.years[i] > 0.0 ? mc_saturate(a_year * (0x1p32 / DAYS_A_YEAR)) : 0.0;
    }
}

/* F <= K:  K N(d2) = high N(-(a + t)) = low density far.  F > K:  K N(-d2) = low N(t - a). */
static void rho(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const mc_black76_terms *terms = &b->terms;
        const double call = b->rows.is_call[i], strike = b->rows.strike[i];
        const bool below = b->rows.forward[i] <= strike;
        const double reflected = mc_reflected(terms->a[i], terms->t[i]);
        const double tail = terms->low[i]
                          * (terms->density[i] * (below ? terms->far[i] : terms->near[i]));
        const double flip = below ? 1.0 - call : fabs(reflected - call);
        const double side = fma(2.0, call, -1.0);
        const double part = side * mc_complement(flip, strike, tail);
        const double held = mc_min(b->rows.years[i] * b->rows.discount[i], DBL_MAX);
        out[i] = mc_saturate(part * held) + 0.0; /* no -0 */
    }
}

static inline double inverse_vol(const block *b, int i)
{
    return b->root_years[i] / mc_max(b->terms.s[i], TINY_S);
}

/* a + t, where it is divided by vol */
static inline double outer(const mc_black76_terms *terms, int i)
{
    return terms->a[i] + mc_max(terms->t[i], 0.5 * TINY_S);
}

static void vanna(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double inner = b->terms.a[i] - b->terms.t[i];
        const double d2 = b->rows.forward[i] <= b->rows.strike[i] ? -outer(&b->terms, i) : inner;
        const double density = MC_INV_SQRT_2PI * b->terms.density[i] * b->ratio[i];
        const double undiscounted = 0.0 - (density * d2) * inverse_vol(b, i); /* no -0 */
        out[i] = mc_saturate(b->rows.discount[i] * undiscounted);
    }
}

static void volga(const block *b, double *restrict out)
{
    for (int i = 0; i < MC_BLOCK; ++i) {
        const double d1_d2 = outer(&b->terms, i) * (b->terms.a[i] - b->terms.t[i]);
        const double v = mc_min(weighted_density(&b->terms, i) * b->root_years[i], DBL_MAX);
        const double undiscounted = v * (d1_d2 * inverse_vol(b, i));
        out[i] = mc_saturate(b->rows.discount[i] * undiscounted);
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

void MC_KERNEL(mc_black76)(const mc_option_rows *rows, const mc_greeks *greeks, size_t first,
                           size_t n)
{
    const bool wants_value = greeks->price || greeks->theta;
    const bool wants_ratio = greeks->delta || greeks->gamma || greeks->vanna;
    block b;

    for (size_t done = 0; done < n; done += MC_BLOCK) {
        const size_t at = first + done;
        const size_t m = n - done < MC_BLOCK ? n - done : MC_BLOCK;
        const bool fresh = done == 0;

        mc_load_rows(rows, at, m, fresh, &b.rows);
        mc_load_column(rows->vol, at, m, fresh, b.rows.vol);
        for (int i = 0; i < MC_BLOCK; ++i) {
            b.root_years[i] = sqrt(b.rows.years[i] + 0.0); /* no -0 */
            b.stdev[i] = b.rows.vol[i] * b.root_years[i];
        }
        mc_black76_terms_at(b.rows.forward, b.rows.strike, b.stdev, NULL, false, &b.terms);

        if (wants_value)
            for (int i = 0; i < MC_BLOCK; ++i)
                b.value[i] = b.rows.discount[i]
                           * mc_black76_value(b.rows.forward[i], b.rows.strike[i],
                                              b.rows.is_call[i], b.terms.low[i], b.terms.otm[i]);
        if (wants_ratio)
            for (int i = 0; i < MC_BLOCK; ++i)
                b.ratio[i] = b.terms.low[i] / mc_max(b.rows.forward[i], DBL_TRUE_MIN);
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
