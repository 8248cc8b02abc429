/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "kernels/black76.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"

enum { CHUNK = MC_BLOCK / MC_LANES };

/* Moves of one option, or of a call and a put that share everything but their side: their value
 * out of the money is one number. */
typedef struct run {
    size_t instrument; /* the first */
    size_t n_instruments;
    size_t move;       /* the first */
    int at;            /* where in the block */
    int n;             /* a multiple of MC_LANES */
} run;

/* Options wait here until a block is full. */
typedef struct block {
    mc_block forward, strike, stdev, distance;
    mc_black76_terms terms;
    run runs[CHUNK];
    int n_runs;
    int n;
    mc_lanes largest; /* |cell| */
    mc_lanes nothing; /* 0, or NaN once a cell was not finite */
} block;

/* Writes `n` cells of moves from `move` on, from the values of 1.0 coin, which are spoilt. */
static void finish(const mc_reprice *job, block *b, size_t i, size_t move, int n, double *value)
{
    const mc_worlds *w = job->worlds;
    const double *weight = w->weight + (size_t)job->instruments->term[i] * w->stride + move;
    int32_t *const to = job->moves != NULL ? job->moves + i * w->stride + move : NULL;
    const mc_lanes base = mc_lanes_set(-job->base[i]), scale = mc_lanes_set(job->scale[i]);
    const mc_lanes most = mc_lanes_set(INT32_MAX), least = mc_lanes_set(-INT32_MAX);
    const mc_lanes zero = mc_lanes_zero();
    const bool rounded = job->rounded;
    mc_lanes largest = b->largest, nothing = b->nothing;

    if (w->numeraire != NULL)
        for (int k = 0; k < n; ++k)
            value[k] /= w->numeraire[move + (size_t)k];
    for (int k = 0; k < n; k += MC_LANES) {
        mc_lanes cell = mc_lanes_mul(mc_lanes_add(mc_lanes_load(value + k), base), scale);
        cell = mc_lanes_mul(cell, mc_lanes_load(weight + k));
        if (rounded)
            cell = mc_lanes_add(mc_lanes_rint(cell), zero); /* -0 becomes 0 */
        largest = mc_lanes_max(mc_lanes_abs(cell), largest);
        nothing = mc_lanes_fma(cell, zero, nothing);
        mc_lanes_store(value + k, cell);
        if (to != NULL)
            mc_lanes_store_int(to + k, mc_lanes_max(mc_lanes_min(cell, most), least));
    }
    b->largest = largest;
    b->nothing = nothing;

    double *const row = job->cells + i * job->stride + move;
    const size_t left = w->n_moves - move;
    const size_t moving = left < (size_t)n ? left : (size_t)n;
    size_t before = w->base > move ? w->base - move : 0;
    before = before < moving ? before : moving;
    memcpy(row, value, before * sizeof *row);
    memcpy(row + before + 1, value + before, (moving - before) * sizeof *row);
}

/* What is left of a row: the base's own cell, and the padding, which repeats the first. */
static void close_row(const mc_reprice *job, size_t i)
{
    const mc_worlds *w = job->worlds;
    double *const row = job->cells + i * job->stride;
    row[w->base] = 0.0;
    for (size_t z = w->n_moves + 1; z < job->stride; ++z)
        row[z] = row[0];
    int32_t *const moves = job->moves != NULL ? job->moves + i * w->stride : NULL;
    for (size_t k = w->n_moves; moves != NULL && k < w->stride; ++k)
        moves[k] = moves[0];
}

static void finish_option(const mc_reprice *job, block *b, const run *r, size_t i)
{
    const mc_worlds *w = job->worlds;
    const mc_market *market = job->market;
    const mc_instruments *in = job->instruments;
    const size_t at = (size_t)in->term[i] * w->stride + r->move;
    const double discount = market->discount != NULL ? market->discount[i] : 1.0;
    const bool inverse = in->inverse != NULL && in->inverse[i];
    const double ratio = inverse ? market->index_usd[in->unit[i]] / market->forward_usd[i] : 1.0;
    const double is_call = in->kind[i] == MC_CALL ? 1.0 : 0.0;
    const double *restrict low = b->terms.low + r->at, *restrict otm = b->terms.otm + r->at;
    const double *restrict forward = b->forward + r->at, *restrict strike = b->strike + r->at;
    const double *restrict coins = w->coins + at;
    mc_block value;

    for (int k = 0; k < r->n; ++k)
        value[k] = mc_black76_value(forward[k], strike[k], is_call, low[k], otm[k])
                 * (w->years_ratio != NULL ? 1.0 : discount) * (inverse ? ratio * coins[k] : 1.0);
    if (w->years_ratio != NULL && discount != 1.0)
        for (int k = 0; k < r->n; ++k)
            value[k] *= mc_pow(discount, w->years_ratio[at + (size_t)k]);
    finish(job, b, i, r->move, r->n, value);
}

static void flush(const mc_reprice *job, block *b)
{
    for (int k = b->n; k < MC_BLOCK; ++k) { /* any valid row: the lanes are thrown away */
        b->forward[k] = 1.0;
        b->strike[k] = 1.0;
        b->stdev[k] = 1.0;
        b->distance[k] = 0.0;
    }
    mc_black76_terms_at(b->forward, b->strike, b->stdev, b->distance, true, &b->terms);
    for (int r = 0; r < b->n_runs; ++r)
        for (size_t j = 0; j < b->runs[r].n_instruments; ++j)
            finish_option(job, b, &b->runs[r], b->runs[r].instrument + j);
    b->n = 0;
    b->n_runs = 0;
}

static void append(const mc_reprice *job, block *b, const run *r, double moneyness)
{
    const mc_worlds *w = job->worlds;
    const size_t i = r->instrument;
    const size_t at = (size_t)job->instruments->term[i] * w->stride + r->move;
    const double *restrict forward_move = w->forward + at;
    const double *restrict log_move = w->log_forward + at;
    const double *restrict scale = w->vol_scale + at;
    const double *restrict shift = w->vol_shift + at;
    const double *restrict floor_ = w->vol_floor + at;
    const double *restrict root = w->root_years + at;
    const double forward = job->market->forward_usd[i], strike = job->instruments->strike[i];
    const double vol = job->market->vol[i];
    double *restrict to_forward = b->forward + r->at;
    double *restrict to_strike = b->strike + r->at;
    double *restrict to_stdev = b->stdev + r->at;
    double *restrict to_distance = b->distance + r->at;

    for (int k = 0; k < r->n; ++k) {
        to_stdev[k] = mc_max(mc_max(fma(vol, scale[k], shift[k]), 0.0), floor_[k]) * root[k];
        to_forward[k] = forward * forward_move[k];
        to_strike[k] = strike;
        to_distance[k] = fabs(moneyness + log_move[k]);
    }
    if (w->skew_slope != NULL) {
        const double *restrict slope = w->skew_slope + at;
        const double *restrict cap = w->skew_cap + at;
        for (int k = 0; k < r->n; ++k) {
            const double skew = mc_max(mc_min(slope[k] * -moneyness, cap[k]), -cap[k]);
            to_stdev[k] *= mc_max(1.0 + skew, 0.0);
        }
    }
}

/* Do options i and i + 1 differ in nothing but call and put? */
static bool is_pair(const mc_reprice *job, size_t i)
{
    const mc_instruments *in = job->instruments;
    const mc_market *market = job->market;
    return (in->kind[i + 1] == MC_CALL || in->kind[i + 1] == MC_PUT) && in->term[i] == in->term[i + 1]
        && in->strike[i] == in->strike[i + 1] && market->vol[i] == market->vol[i + 1]
        && market->forward_usd[i] == market->forward_usd[i + 1];
}

static void reprice_options(const mc_reprice *job, block *b, size_t i, size_t n_instruments,
                            double moneyness)
{
    const size_t stride = job->worlds->stride;
    for (size_t move = 0; move < stride;) {
        const size_t room = (size_t)(MC_BLOCK - b->n);
        const size_t n = stride - move < room ? stride - move : room;
        run *const r = &b->runs[b->n_runs++];
        *r = (run){.instrument = i, .n_instruments = n_instruments, .move = move, .at = b->n,
                   .n = (int)n};
        append(job, b, r, moneyness);
        b->n += (int)n;
        move += n;
        if (b->n == MC_BLOCK)
            flush(job, b);
    }
}

static void reprice_delta_one(const mc_reprice *job, block *b, size_t i)
{
    const mc_worlds *w = job->worlds;
    const mc_instruments *in = job->instruments;
    const bool spot = in->kind[i] == MC_SPOT;
    const bool inverse = !spot && in->inverse != NULL && in->inverse[i];
    const int32_t factor = in->factor != NULL && spot && w->event != NULL ? in->factor[i] : -1;
    const double price = job->market->forward_usd[i];
    const double ratio = job->market->index_usd[in->unit[i]] / price;
    mc_block value;

    for (size_t move = 0; move < w->stride; move += MC_BLOCK) {
        const size_t left = w->stride - move;
        const int n = (int)(left < MC_BLOCK ? left : MC_BLOCK);
        const size_t at = (size_t)in->term[i] * w->stride + move;
        for (int k = 0; k < n; ++k)
            value[k] = inverse ? -ratio * w->coins[at + (size_t)k]
                               : price * w->forward[at + (size_t)k];
        if (factor >= 0)
            for (int k = 0; k < n; ++k)
                value[k] *= w->event[(size_t)factor * w->stride + move + (size_t)k];
        finish(job, b, i, move, n, value);
    }
}

void MC_KERNEL(mc_reprice)(const mc_reprice *job, size_t first, size_t n);
void MC_KERNEL(mc_logarithms)(const double *x, size_t n, double *y);

void MC_KERNEL(mc_logarithms)(const double *x, size_t n, double *restrict y)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = mc_log(x[i]);
}

void MC_KERNEL(mc_reprice)(const mc_reprice *job, size_t first, size_t n)
{
    const mc_instruments *in = job->instruments;
    double moneyness[MC_REPRICE_MOST];
    for (size_t j = 0; j < n; ++j) /* of what is not an option: any number */
        moneyness[j] = mc_log_ratio(job->market->forward_usd[first + j], in->strike[first + j]);

    block b;
    b.n = 0;
    b.n_runs = 0;
    b.largest = mc_lanes_zero();
    b.nothing = mc_lanes_zero();
    for (size_t i = first; i < first + n; ++i) {
        if (in->kind[i] != MC_CALL && in->kind[i] != MC_PUT) {
            reprice_delta_one(job, &b, i);
        } else if (i + 1 < first + n && is_pair(job, i)) {
            reprice_options(job, &b, i, 2, moneyness[i - first]);
            ++i;
        } else {
            reprice_options(job, &b, i, 1, moneyness[i - first]);
        }
    }
    if (b.n > 0)
        flush(job, &b);
    for (size_t i = first; i < first + n; ++i)
        close_row(job, i);

    double largests[MC_LANES], nothings[MC_LANES], largest = 0.0;
    mc_lanes_store(largests, b.largest);
    mc_lanes_store(nothings, b.nothing);
    for (int lane = 0; lane < MC_LANES; ++lane)
        largest = mc_max(nothings[lane] == 0.0 ? largests[lane] : INFINITY, largest);
    job->largest[first / MC_REPRICE_MOST] = largest;
}
