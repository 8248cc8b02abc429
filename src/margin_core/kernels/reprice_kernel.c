/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "kernels/black76.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"

/* A run of scenarios of one instrument inside a block of cells. */
typedef struct run {
    size_t instrument;
    size_t scenario; /* the first            */
    int at;          /* where in the block   */
    int n;
} run;

/* Options wait here until a block is full, so that no lane is priced for nothing. */
typedef struct block {
    _Alignas(64) double forward[MC_BLOCK];
    _Alignas(64) double strike[MC_BLOCK];
    _Alignas(64) double stdev[MC_BLOCK];
    _Alignas(64) double is_call[MC_BLOCK];
    _Alignas(64) double value[MC_BLOCK];
    run runs[MC_BLOCK];
    int n_runs;
    int n;
} block;

static void finish(const mc_reprice *job, size_t i, size_t z0, int n, const double *restrict value)
{
    const mc_worlds *w = job->worlds;
    const size_t at = (size_t)job->instruments->term[i] * w->n_scenarios + z0;
    const double *restrict weight = w->weight + at;
    double *restrict cell = job->cells + i * job->stride + z0;
    const double base = job->base[i], scale = job->scale[i];

    if (w->numeraire != NULL)
        for (int k = 0; k < n; ++k)
            cell[k] = (value[k] / w->numeraire[z0 + (size_t)k] - base) * scale * weight[k];
    else
        for (int k = 0; k < n; ++k)
            cell[k] = (value[k] - base) * scale * weight[k];
    if (job->rounded)
        for (int k = 0; k < n; ++k)
            cell[k] = rint(cell[k]) + 0.0; /* -0 becomes 0 */
}

static void finish_options(const mc_reprice *job, const run *r, double *restrict value)
{
    const mc_worlds *w = job->worlds;
    const size_t i = r->instrument;
    const size_t at = (size_t)job->instruments->term[i] * w->n_scenarios + r->scenario;
    const double discount = job->market->discount != NULL ? job->market->discount[i] : 1.0;

    if (w->years_ratio != NULL && discount != 1.0)
        for (int k = 0; k < r->n; ++k)
            value[k] *= mc_pow(discount, w->years_ratio[at + (size_t)k]);
    else
        for (int k = 0; k < r->n; ++k)
            value[k] *= discount;

    if (job->instruments->inverse != NULL && job->instruments->inverse[i]) {
        const double *restrict spot = w->spot + at;
        const double *restrict forward = w->forward + at;
        const double ratio = job->market->index_usd[job->instruments->unit[i]]
                           / job->market->forward_usd[i];
        for (int k = 0; k < r->n; ++k)
            value[k] *= ratio * spot[k] / forward[k];
    }
    finish(job, i, r->scenario, r->n, value);
}

static void flush(const mc_reprice *job, block *b)
{
    for (int k = b->n; k < MC_BLOCK; ++k) { /* any valid row: the lanes are thrown away */
        b->forward[k] = 1.0;
        b->strike[k] = 1.0;
        b->stdev[k] = 1.0;
        b->is_call[k] = 1.0;
    }
    mc_black76_value_block(b->forward, b->strike, b->stdev, b->is_call, b->value);
    for (int r = 0; r < b->n_runs; ++r)
        finish_options(job, &b->runs[r], b->value + b->runs[r].at);
    b->n = 0;
    b->n_runs = 0;
}

static void append(const mc_reprice *job, block *b, size_t i, size_t z0, int n)
{
    const mc_worlds *w = job->worlds;
    const size_t at = (size_t)job->instruments->term[i] * w->n_scenarios + z0;
    const double *restrict forward_move = w->forward + at;
    const double *restrict scale = w->vol_scale + at;
    const double *restrict shift = w->vol_shift + at;
    const double *restrict floor_ = w->vol_floor + at;
    const double *restrict root = w->root_years + at;
    const double forward = job->market->forward_usd[i], strike = job->instruments->strike[i];
    const double vol = job->market->vol[i];
    const double is_call = job->instruments->kind[i] == MC_CALL ? 1.0 : 0.0;
    double *restrict to_forward = b->forward + b->n;
    double *restrict to_strike = b->strike + b->n;
    double *restrict to_stdev = b->stdev + b->n;
    double *restrict to_call = b->is_call + b->n;

    for (int k = 0; k < n; ++k) {
        double v = fma(vol, scale[k], shift[k]);
        v = v > 0.0 ? v : 0.0;
        v = v > floor_[k] ? v : floor_[k];
        to_forward[k] = forward * forward_move[k];
        to_strike[k] = strike;
        to_stdev[k] = v * root[k];
        to_call[k] = is_call;
    }
    if (w->skew_slope != NULL) {
        const double *restrict slope = w->skew_slope + at;
        const double *restrict cap = w->skew_cap + at;
        const double moneyness = mc_log(strike / forward);
        for (int k = 0; k < n; ++k) {
            double skew = slope[k] * moneyness;
            skew = skew > cap[k] ? cap[k] : skew;
            skew = skew < -cap[k] ? -cap[k] : skew;
            const double factor = 1.0 + skew;
            to_stdev[k] *= factor > 0.0 ? factor : 0.0;
        }
    }
    b->runs[b->n_runs++] = (run){.instrument = i, .scenario = z0, .at = b->n, .n = n};
    b->n += n;
}

static void reprice_option(const mc_reprice *job, block *b, size_t i)
{
    const size_t n_scenarios = job->worlds->n_scenarios;
    size_t z = 0;
    while (z < n_scenarios) {
        const size_t room = (size_t)(MC_BLOCK - b->n);
        const size_t n = n_scenarios - z < room ? n_scenarios - z : room;
        append(job, b, i, z, (int)n);
        z += n;
        if (b->n == MC_BLOCK)
            flush(job, b);
    }
}

static void reprice_delta_one(const mc_reprice *job, size_t i)
{
    const mc_worlds *w = job->worlds;
    const mc_instruments *in = job->instruments;
    const bool spot = in->kind[i] == MC_SPOT;
    const bool inverse = !spot && in->inverse != NULL && in->inverse[i];
    const int32_t factor = in->factor != NULL && spot && w->event != NULL ? in->factor[i] : -1;
    const double price = job->market->forward_usd[i];
    const double ratio = job->market->index_usd[in->unit[i]] / price;
    double value[MC_BLOCK];

    for (size_t z = 0; z < w->n_scenarios; z += MC_BLOCK) {
        const size_t left = w->n_scenarios - z;
        const int n = (int)(left < MC_BLOCK ? left : MC_BLOCK);
        const size_t at = (size_t)in->term[i] * w->n_scenarios + z;
        for (int k = 0; k < n; ++k)
            value[k] = inverse ? -ratio * w->spot[at + (size_t)k] / w->forward[at + (size_t)k]
                               : price * w->forward[at + (size_t)k];
        if (factor >= 0)
            for (int k = 0; k < n; ++k)
                value[k] *= w->event[(size_t)factor * w->n_scenarios + z + (size_t)k];
        finish(job, i, z, n, value);
    }
}

void MC_KERNEL(mc_reprice)(const mc_reprice *job, size_t first, size_t n);

void MC_KERNEL(mc_reprice)(const mc_reprice *job, size_t first, size_t n)
{
    block b;
    b.n = 0;
    b.n_runs = 0;
    for (size_t i = first; i < first + n; ++i)
        if (job->instruments->kind[i] == MC_CALL || job->instruments->kind[i] == MC_PUT)
            reprice_option(job, &b, i);
        else
            reprice_delta_one(job, i);
    if (b.n > 0)
        flush(job, &b);
}
