/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/volatility.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/status.h"
#include "base/threads.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"

enum {
    MOST_WINDOW = 1 << 20,
    BARS_WORTH_A_THREAD = 20000 /* of one series: about 0.5 ms of work */
};

#define YEAR_NS 31536000e9 /* 365 days */

static bool kind_is_known(int32_t kind)
{
    return kind >= 0 && kind < MC_VOL_KIND_END;
}

static bool options_are_legal(const mc_vol_options *o)
{
    if (o == NULL || o->size != sizeof *o || !kind_is_known(o->kind) || o->interval_ns <= 0
        || o->least < 2)
        return false;
    if (o->kind == MC_VOL_EWMA)
        return o->half_life > 0.0 && mc_is_finite(o->half_life) && o->least <= MOST_WINDOW;
    return o->window >= 2 && o->window <= MOST_WINDOW && o->least <= o->window;
}

size_t mc_vol_memory(const mc_vol_options *options)
{
    if (!options_are_legal(options))
        return 0;
    const size_t terms = mc_vol_terms((mc_vol_kind)options->kind);
    const size_t ring = options->kind == MC_VOL_EWMA ? 0 : options->window;
    return MC_VOL_SUMS + terms * (1 + ring);
}

static bool needs_shape(int32_t kind)
{
    return kind >= MC_VOL_PARKINSON && kind <= MC_VOL_YANG_ZHANG;
}

static mc_status check_arguments(const mc_vol_options *o, const mc_bars *bars,
                                 const mc_vol_state *state, mc_error *err)
{
    if (!options_are_legal(o))
        return mc_fail(err, MC_ERR_ARGUMENT, -1,
                       "the options are not legal: kind, interval, window 2 .. 2^20, "
                       "half-life > 0, least 2 .. window");
    if (bars == NULL || state == NULL || bars->n_series == 0 || state->memory == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no bars, no series or no state");
    if (state->n_series != bars->n_series)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a state of %zu series, bars of %zu",
                       state->n_series, bars->n_series);
    if (bars->n_bars > 0
        && (bars->end_ns == NULL || bars->close == NULL
            || (needs_shape(o->kind)
                && (bars->open == NULL || bars->high == NULL || bars->low == NULL))))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a column that this estimator needs is missing");
    return MC_OK;
}

static mc_status check_clock(const mc_vol_options *o, const mc_bars *bars, int64_t last,
                             mc_error *err)
{
    for (size_t i = 0; i < bars->n_bars; ++i) {
        const int64_t end = bars->end_ns[i];
        if (end <= 0 || end % o->interval_ns != 0)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)i,
                           "bar %zu ends at %lld ns, no positive multiple of its interval", i,
                           (long long)end);
        if (last > 0 && end <= last)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)i,
                           "bar %zu ends %lld ns before or with the one before it", i,
                           (long long)(last - end));
        if (last > 0 && end - last != o->interval_ns)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)i,
                           "a gap of %lld intervals before bar %zu: an outage is rows of absent "
                           "bars",
                           (long long)((end - last) / o->interval_ns - 1), i);
        last = end;
    }
    return MC_OK;
}

typedef struct checking {
    const mc_bars *bars;
    bool shape;
    atomic_size_t first_bad; /* bar */
} checking;

static bool price_is_good(double x)
{
    return x > 0.0 && x <= DBL_MAX;
}

static bool cell_is_good(const checking *c, size_t at)
{
    const mc_bars *const b = c->bars;
    if (b->present != NULL && b->present[at] == 0)
        return true;
    if (!c->shape)
        return price_is_good(b->close[at]);
    const double open = b->open[at], high = b->high[at], low = b->low[at], close = b->close[at];
    return ((low > 0.0) & (high <= DBL_MAX) & (low <= open) & (low <= close) & (open <= high)
            & (close <= high)) != 0; /* a NaN anywhere fails */
}

enum { ROWS_A_CHECK = 256 };

static void check_rows(void *context, size_t block, unsigned thread)
{
    checking *const c = context;
    const size_t n = c->bars->n_series, first = block * ROWS_A_CHECK;
    const size_t end = first + ROWS_A_CHECK < c->bars->n_bars ? first + ROWS_A_CHECK
                                                              : c->bars->n_bars;
    (void)thread;
    for (size_t bar = first; bar < end; ++bar) {
        unsigned bad = 0;
        for (size_t i = 0; i < n; ++i)
            bad |= !cell_is_good(c, bar * n + i);
        if (!bad)
            continue;
        size_t seen = atomic_load(&c->first_bad);
        while (bar < seen && !atomic_compare_exchange_weak(&c->first_bad, &seen, bar))
            ;
        return;
    }
}

static mc_status explain_cell(const checking *c, size_t bar, size_t series, mc_error *err)
{
    const mc_bars *const b = c->bars;
    const struct { const char *name; const double *column; } columns[] = {
        {"close", b->close}, {"open", b->open}, {"high", b->high}, {"low", b->low}};
    const size_t at = bar * b->n_series + series;
    for (size_t i = 0; i < (c->shape ? 4u : 1u); ++i) {
        const double x = columns[i].column[at];
        if (!mc_is_finite(x))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)bar,
                           "%s is not a finite number (bar %zu, series %zu)", columns[i].name, bar,
                           series);
        if (!price_is_good(x))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)bar,
                           "%s must be positive: %.17g (bar %zu, series %zu)", columns[i].name, x,
                           bar, series);
    }
    if (b->high[at] < b->low[at])
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)bar,
                       "high %.17g is below low %.17g (bar %zu, series %zu)", b->high[at],
                       b->low[at], bar, series);
    return mc_fail(err, MC_ERR_DOMAIN, (int64_t)bar,
                   "open %.17g or close %.17g is not between low %.17g and high %.17g (bar %zu, "
                   "series %zu)", b->open[at], b->close[at], b->low[at], b->high[at], bar, series);
}

static mc_status check_prices(const mc_bars *bars, bool shape, unsigned threads, mc_error *err)
{
    checking c = {.bars = bars, .shape = shape};
    const size_t blocks = (bars->n_bars + ROWS_A_CHECK - 1) / ROWS_A_CHECK;
    atomic_init(&c.first_bad, SIZE_MAX);
    mc_parallel(blocks, threads < blocks ? threads : (unsigned)blocks, check_rows, &c);
    const size_t bar = atomic_load(&c.first_bad);
    if (bar == SIZE_MAX)
        return MC_OK;
    size_t series = 0;
    while (cell_is_good(&c, bar * bars->n_series + series))
        ++series;
    return explain_cell(&c, bar, series, err);
}

typedef struct work {
    mc_vol_job job;
    const mc_kernels *kernels;
} work;

static void do_chunk(void *context, size_t block, unsigned thread)
{
    const work *const w = context;
    const size_t first = block * MC_VOL_CHUNK, left = w->job.bars->n_series - first;
    (void)thread;
    w->kernels->volatility(&w->job, first, left < MC_VOL_CHUNK ? left : MC_VOL_CHUNK);
}

mc_status mc_vol_update(const mc_vol_options *o, const mc_bars *bars, mc_vol_state *state,
                        double *vol, uint8_t *ready, mc_error *err)
{
    mc_status status = check_arguments(o, bars, state, err);
    if (status == MC_OK)
        status = check_clock(o, bars, state->end_ns, err);
    if (status != MC_OK || bars->n_bars == 0)
        return status;
    const size_t chunks = (bars->n_series + MC_VOL_CHUNK - 1) / MC_VOL_CHUNK;
    const bool small = bars->n_bars < BARS_WORTH_A_THREAD / bars->n_series;
    const unsigned threads = small ? 1 : mc_thread_count(o->n_threads, SIZE_MAX);
    status = check_prices(bars, needs_shape(o->kind), threads, err);
    if (status != MC_OK)
        return status;

    const size_t window = o->kind == MC_VOL_EWMA ? 0 : o->window;
    const int64_t index = bars->end_ns[0] / o->interval_ns;
    work w = {
        .job = {.bars = bars, .memory = state->memory, .window = window,
                .slot = window > 0 ? (size_t)(index % (int64_t)window) : 0,
                .decay = window > 0 ? 0.0 : mc_exp(-MC_LN2 / o->half_life),
                .per_year = YEAR_NS / (double)o->interval_ns, .least = (double)o->least,
                .vol = vol, .ready = ready, .kind = (mc_vol_kind)o->kind},
        .kernels = mc_kernels_used(),
    };
    mc_parallel(chunks, threads < chunks ? threads : (unsigned)chunks, do_chunk, &w);
    state->end_ns = bars->end_ns[bars->n_bars - 1];
    return MC_OK;
}
