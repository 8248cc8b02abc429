/* One bar after the other, some series at a time: a lane is a series, so that the order of addition
 * within one does not depend on how many there are or how they are cut.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fmath.h"
#include "kernels/kernels.h"

#define PARKINSON 0.36067376022224085     /* 1 / (4 ln 2) */
#define GARMAN_KLASS 0.38629436111989063  /* 2 ln 2 - 1   */
#define BIPOWER 1.5707963267948966        /* pi / 2       */

typedef double chunk[MC_VOL_CHUNK];

/* One bar of some series. Where none is, prices are 1 and the flags 0. */
typedef struct row {
    size_t n;
    chunk here;    /* 1: there is a bar                     */
    chunk paired;  /* 1: and there was one before           */
    chunk elapsed; /* intervals from that one on; 1 without */
    chunk r;       /* ln C/C'                               */
    chunk o, u, d, c;
    chunk term[MC_VOL_MOST_TERMS];
} row;

void MC_KERNEL(mc_volatility)(const mc_vol_job *job, size_t first, size_t n);

/* ln(p / q) where `use`, else 0; for prices that may be missing. */
static inline double log_ratio(double p, double q, double use)
{
    return mc_log_ratio(use > 0.0 ? p : 1.0, use > 0.0 ? q : 1.0) * use;
}

static void read_flags(const uint8_t *present, const double *last, row *b)
{
    for (size_t i = 0; i < b->n; ++i) {
        b->here[i] = present == NULL || present[i] != 0 ? 1.0 : 0.0;
        b->paired[i] = last[i] > 0.0 ? b->here[i] : 0.0;
    }
}

static void read_returns(const double *restrict close, double *restrict last,
                         double *restrict elapsed, row *b)
{
    for (size_t i = 0; i < b->n; ++i)
        b->r[i] = log_ratio(close[i], last[i], b->paired[i]);
    for (size_t i = 0; i < b->n; ++i) {
        const double waited = elapsed[i] + 1.0;
        b->elapsed[i] = b->paired[i] > 0.0 ? waited : 1.0;
        elapsed[i] = b->here[i] > 0.0 ? 0.0 : waited;
    }
}

static void read_shape(const double *restrict open, const double *restrict high,
                       const double *restrict low, const double *restrict close, row *b)
{
    for (size_t i = 0; i < b->n; ++i)
        b->u[i] = log_ratio(high[i], open[i], b->here[i]);
    for (size_t i = 0; i < b->n; ++i)
        b->d[i] = log_ratio(low[i], open[i], b->here[i]);
    for (size_t i = 0; i < b->n; ++i)
        b->c[i] = log_ratio(close[i], open[i], b->here[i]);
}

static inline double rogers_satchell(double u, double d, double c)
{
    return u * (u - c) + d * (d - c);
}

/* What this bar adds to the window's sums; 0 where it adds nothing. */
static void make_terms(mc_vol_kind kind, double *restrict returns, double *restrict previous,
                       row *b)
{
    const size_t n = b->n;
    chunk *const t = b->term;
    switch (kind) {
    case MC_VOL_CLOSE:
        for (size_t i = 0; i < n; ++i) {
            t[0][i] = b->paired[i];
            t[1][i] = b->paired[i] * b->elapsed[i];
            t[2][i] = b->r[i];
            t[3][i] = b->r[i] * b->r[i];
        }
        break;
    case MC_VOL_REALISED:
        for (size_t i = 0; i < n; ++i) {
            t[0][i] = b->paired[i];
            t[1][i] = b->paired[i] * b->elapsed[i];
            t[2][i] = b->r[i] * b->r[i];
        }
        break;
    case MC_VOL_PARKINSON:
        for (size_t i = 0; i < n; ++i) {
            const double span = b->u[i] - b->d[i];
            t[0][i] = b->here[i];
            t[1][i] = PARKINSON * (span * span);
        }
        break;
    case MC_VOL_GARMAN_KLASS:
        for (size_t i = 0; i < n; ++i) {
            const double span = b->u[i] - b->d[i];
            t[0][i] = b->here[i];
            t[1][i] = 0.5 * (span * span) - GARMAN_KLASS * (b->c[i] * b->c[i]);
        }
        break;
    case MC_VOL_ROGERS_SATCHELL:
        for (size_t i = 0; i < n; ++i) {
            t[0][i] = b->here[i];
            t[1][i] = rogers_satchell(b->u[i], b->d[i], b->c[i]);
        }
        break;
    case MC_VOL_YANG_ZHANG:
        for (size_t i = 0; i < n; ++i) {
            const double use = b->paired[i];
            t[0][i] = use;
            t[1][i] = use * b->elapsed[i];
            t[2][i] = b->o[i];
            t[3][i] = b->o[i] * b->o[i];
            t[4][i] = use * b->c[i];
            t[5][i] = use * (b->c[i] * b->c[i]);
            t[6][i] = use * rogers_satchell(b->u[i], b->d[i], b->c[i]);
        }
        break;
    case MC_VOL_BIPOWER:
        for (size_t i = 0; i < n; ++i) {
            const double size = fabs(b->r[i]) / sqrt(b->elapsed[i]);
            const double pair = returns[i] > 0.0 ? b->paired[i] : 0.0;
            t[0][i] = pair;
            t[1][i] = pair * (size * previous[i]);
            previous[i] = b->paired[i] > 0.0 ? size : previous[i];
            returns[i] += b->paired[i];
        }
        break;
    case MC_VOL_EWMA:
    case MC_VOL_KIND_END:
        break;
    }
}

/* x / (n - 1), less the mean's share; never below 0. */
static inline double sample_variance(double sum, double squares, double n)
{
    const double left = squares - sum * (sum / n);
    return (left > 0.0 ? left : 0.0) / (n - 1.0);
}

/* Variance per interval from the window's sums. */
static void variance_of(mc_vol_kind kind, const chunk *restrict s, size_t n, double *restrict out)
{
    switch (kind) {
    case MC_VOL_CLOSE:
        for (size_t i = 0; i < n; ++i)
            out[i] = sample_variance(s[2][i], s[3][i], s[0][i]) * (s[0][i] / s[1][i]);
        break;
    case MC_VOL_REALISED:
        for (size_t i = 0; i < n; ++i)
            out[i] = s[2][i] / s[1][i];
        break;
    case MC_VOL_PARKINSON:
    case MC_VOL_GARMAN_KLASS:
    case MC_VOL_ROGERS_SATCHELL:
        for (size_t i = 0; i < n; ++i)
            out[i] = s[1][i] / s[0][i];
        break;
    case MC_VOL_YANG_ZHANG:
        for (size_t i = 0; i < n; ++i) {
            const double m = s[0][i];
            const double k = 0.34 / (1.34 + (m + 1.0) / (m - 1.0));
            const double overnight = sample_variance(s[2][i], s[3][i], m);
            const double open_close = sample_variance(s[4][i], s[5][i], m);
            const double per_bar = overnight + k * open_close + (1.0 - k) * (s[6][i] / m);
            out[i] = per_bar * (m / s[1][i]);
        }
        break;
    case MC_VOL_BIPOWER:
        for (size_t i = 0; i < n; ++i)
            out[i] = BIPOWER * (s[1][i] / s[0][i]);
        break;
    case MC_VOL_EWMA:
    case MC_VOL_KIND_END:
        break;
    }
}

static void write_out(const mc_vol_job *job, size_t at, const double *variance, const double *count,
                      size_t n)
{
    if (job->vol != NULL)
        for (size_t i = 0; i < n; ++i) {
            const double v = count[i] >= job->least ? variance[i] : 0.0;
            job->vol[at + i] = sqrt((v > 0.0 ? v : 0.0) * job->per_year);
        }
    if (job->ready != NULL)
        for (size_t i = 0; i < n; ++i)
            job->ready[at + i] = count[i] >= job->least;
}

static void ewma(const mc_vol_job *job, double *restrict sums, size_t stride, size_t at, row *b)
{
    double *const variance = sums, *const weight = sums + stride;
    double *const decay = sums + 2 * stride, *const count = sums + 3 * stride;
    chunk now;
    for (size_t i = 0; i < b->n; ++i) {
        const double aged = (decay[i] > 0.0 ? decay[i] : 1.0) * job->decay;
        const double square = b->r[i] * b->r[i] / b->elapsed[i];
        const bool use = b->paired[i] > 0.0;
        variance[i] = use ? aged * variance[i] + (1.0 - aged) * square : variance[i];
        weight[i] = use ? aged * weight[i] + (1.0 - aged) : weight[i];
        decay[i] = b->here[i] > 0.0 ? 1.0 : aged;
        count[i] += b->paired[i];
        now[i] = variance[i] / (weight[i] > 0.0 ? weight[i] : 1.0);
    }
    write_out(job, at, now, count, b->n);
}

/* Adds the bar into the window and takes the window's sums. */
static void roll(const mc_vol_job *job, double *sums, size_t stride, size_t slot, size_t at, row *b)
{
    const size_t n_terms = mc_vol_terms(job->kind);
    double *const ring = sums + n_terms * stride;
    chunk window[MC_VOL_MOST_TERMS], variance;
    for (size_t k = 0; k < n_terms; ++k) {
        double *restrict const sum = sums + k * stride;
        double *restrict const cell = ring + (slot * n_terms + k) * stride;
        for (size_t i = 0; i < b->n; ++i) {
            cell[i] = b->term[k][i];
            sum[i] += b->term[k][i];
            window[k][i] = sum[i];
        }
        if (slot + 1 < job->window) { /* what is left of the last block, already added up */
            const double *restrict const old = cell + n_terms * stride;
            for (size_t i = 0; i < b->n; ++i)
                window[k][i] += old[i];
        }
    }
    variance_of(job->kind, window, b->n, variance);
    write_out(job, at, variance, window[0], b->n);
    if (slot + 1 < job->window)
        return;
    for (size_t k = 0; k < n_terms; ++k)
        for (size_t i = 0; i < b->n; ++i)
            sums[k * stride + i] = 0.0;
    for (size_t cell = (job->window - 1) * n_terms; cell-- > 0;) {
        double *restrict const sum = ring + cell * stride;
        const double *restrict const next = sum + n_terms * stride;
        for (size_t i = 0; i < b->n; ++i)
            sum[i] += next[i];
    }
}

static void one_bar(const mc_vol_job *job, size_t bar, size_t first, size_t n, size_t slot)
{
    const mc_bars *const in = job->bars;
    const size_t stride = in->n_series, at = bar * stride + first;
    double *const memory = job->memory + first;
    double *const last = memory + MC_VOL_LAST * stride;
    const double *const close = in->close + at;
    row b;
    b.n = n;
    read_flags(in->present == NULL ? NULL : in->present + at, last, &b);
    if (job->kind == MC_VOL_YANG_ZHANG)
        for (size_t i = 0; i < n; ++i)
            b.o[i] = log_ratio(in->open[at + i], last[i], b.paired[i]);
    read_returns(close, last, memory + MC_VOL_ELAPSED * stride, &b);
    if (job->kind >= MC_VOL_PARKINSON && job->kind <= MC_VOL_YANG_ZHANG)
        read_shape(in->open + at, in->high + at, in->low + at, close, &b);
    for (size_t i = 0; i < n; ++i)
        last[i] = b.here[i] > 0.0 ? close[i] : last[i];

    double *const sums = memory + MC_VOL_SUMS * stride;
    if (job->kind == MC_VOL_EWMA) {
        ewma(job, sums, stride, at, &b);
        return;
    }
    make_terms(job->kind, memory + MC_VOL_RETURNS * stride, memory + MC_VOL_PREVIOUS * stride, &b);
    roll(job, sums, stride, slot, at, &b);
}

void MC_KERNEL(mc_volatility)(const mc_vol_job *job, size_t first, size_t n)
{
    for (size_t done = 0; done < n; done += MC_VOL_CHUNK) {
        const size_t m = n - done < MC_VOL_CHUNK ? n - done : MC_VOL_CHUNK;
        size_t slot = job->slot;
        for (size_t bar = 0; bar < job->bars->n_bars; ++bar) {
            one_bar(job, bar, first + done, m, slot);
            slot = slot + 1 < job->window ? slot + 1 : 0;
        }
    }
}
