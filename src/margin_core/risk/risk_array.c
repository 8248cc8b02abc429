/* SPDX-License-Identifier: Apache-2.0 */
#include "risk/risk_array.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/threads.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"

/* A risk lot must be able to lose at least this much, or its cells say nothing. */
#define LEAST_QUANTA 65536.0

enum { INSTRUMENTS_PER_BLOCK = 64, N_COLUMNS = 6 };

static bool is_option(const mc_instruments *in, size_t i)
{
    return in->kind[i] == MC_CALL || in->kind[i] == MC_PUT;
}

static bool is_inverse(const mc_instruments *in, size_t i)
{
    return in->kind[i] != MC_SPOT && in->inverse != NULL && in->inverse[i];
}

/* USD of notional in 1.0 of contract size: a coin's price, or the dollar itself. */
static double notional_usd(const mc_instruments *in, const mc_market *market, size_t i)
{
    if (in->kind[i] == MC_SPOT)
        return market->forward_usd[i];
    if (is_inverse(in, i) && !is_option(in, i))
        return 1.0;
    return market->index_usd[in->unit[i]];
}

mc_status mc_risk_lots(const mc_instruments *in, const mc_market *market, const double *range_frac,
                       double quantum, double *lot, mc_error *err)
{
    mc_status status = mc_instruments_check(in, err);
    if (status == MC_OK)
        status = mc_market_check(in, market, err);
    if (status != MC_OK)
        return status;
    if (range_frac == NULL || lot == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "range_frac or lot is missing");
    status = mc_check_column(range_frac, in->n_units, 0.0, false, 1e3, "range_frac", err);
    if (status == MC_OK)
        status = mc_check_column(&quantum, 1, 0.0, true, 1e18, "quantum", err);
    if (status != MC_OK)
        return status;

    for (int writing = 0; writing < 2; ++writing) /* nothing is written before all is known */
        for (size_t i = 0; i < in->n; ++i) {
            const double range = range_frac[in->unit[i]] > 0.0 ? range_frac[in->unit[i]] : 1.0;
            const double per_unit =
                notional_usd(in, market, i) * in->contract_size[i] * range / quantum;
            double ten = 1.0; /* powers of ten are exact in a double up to 1e22 */
            while (ten < 1e18 && per_unit * (in->step[i] * ten) < LEAST_QUANTA)
                ten *= 10.0;
            if (per_unit * (in->step[i] * ten) < LEAST_QUANTA)
                return mc_fail(err, MC_ERR_QUANTUM, (int64_t)i,
                               "instrument %zu is worth too little: even 1e18 steps move less than "
                               "2^16 quanta of %g", i, quantum);
            if (writing)
                lot[i] = in->step[i] * ten;
        }
    return MC_OK;
}

/* One allocation holds every column of the worlds. */
enum { WORLD_COLUMNS = 10 };

static double *expand(const mc_instruments *in, const mc_market *market, const mc_scenarios *s,
                      int32_t numeraire, mc_worlds *worlds)
{
    const size_t n = s->n_terms * s->n_scenarios;
    double *memory = mc_alloc(WORLD_COLUMNS * n + (s->n_factors + 1) * s->n_scenarios,
                              sizeof(double));
    if (memory == NULL)
        return NULL;
    double *const spot = memory, *const forward = spot + n, *const scale = forward + n;
    double *const shift = scale + n, *const floor_ = shift + n, *const root = floor_ + n;
    double *const ratio = root + n, *const weight = ratio + n, *const slope = weight + n;
    double *const cap = slope + n, *const event = cap + n;
    double *const value = event + s->n_factors * s->n_scenarios;

    for (size_t t = 0; t < s->n_terms; ++t)
        for (size_t z = 0; z < s->n_scenarios; ++z) {
            const size_t c = t * s->n_scenarios + z;
            const double years = market->years[t];
            const double aged = years - (s->horizon_years != NULL ? s->horizon_years[z] : 0.0);
            const double left = aged > 0.0 ? aged : 0.0;
            spot[c] = 1.0 + s->spot_move[c];
            forward[c] = spot[c] * (1.0 + (s->basis_move != NULL ? s->basis_move[c] : 0.0));
            scale[c] = s->vol_scale != NULL ? s->vol_scale[c] : 1.0;
            shift[c] = s->vol_shift != NULL ? s->vol_shift[c] : 0.0;
            floor_[c] = s->vol_floor != NULL ? s->vol_floor[c] : 0.0;
            slope[c] = s->skew_slope != NULL ? s->skew_slope[c] : 0.0;
            cap[c] = s->skew_cap != NULL ? s->skew_cap[c] : 1e3;
            root[c] = sqrt(left);
            ratio[c] = years > 0.0 ? left / years : 1.0;
            weight[c] = s->weight != NULL ? s->weight[c] : 1.0;
        }
    for (size_t c = 0; c < s->n_factors * s->n_scenarios; ++c)
        event[c] = 1.0 + s->event_move[c];

    size_t term = 0; /* any of the numeraire's: spot moves are a unit's */
    for (size_t i = 0; i < in->n; ++i)
        if (in->unit[i] == numeraire)
            term = (size_t)in->term[i];
    for (size_t z = 0; numeraire >= 0 && z < s->n_scenarios; ++z)
        value[z] = market->index_usd[numeraire] * spot[term * s->n_scenarios + z];

    *worlds = (mc_worlds){
        .n_scenarios = s->n_scenarios, .spot = spot, .forward = forward, .vol_scale = scale,
        .vol_shift = shift, .vol_floor = floor_,
        .skew_slope = s->skew_slope != NULL ? slope : NULL, .skew_cap = cap, .root_years = root,
        .years_ratio = s->horizon_years != NULL ? ratio : NULL, .weight = weight,
        .event = s->n_factors > 0 ? event : NULL, .numeraire = numeraire >= 0 ? value : NULL,
    };
    return memory;
}

static void reprice_block(void *context, size_t b, unsigned thread)
{
    const mc_reprice *job = context;
    const size_t first = b * INSTRUMENTS_PER_BLOCK;
    const size_t left = job->instruments->n - first;
    (void)thread;
    mc_kernels_used()->reprice(job, first,
                               left < INSTRUMENTS_PER_BLOCK ? left : INSTRUMENTS_PER_BLOCK);
}

static void reprice(mc_reprice *job, unsigned n_threads)
{
    const size_t n_blocks = (job->instruments->n + INSTRUMENTS_PER_BLOCK - 1)
                          / INSTRUMENTS_PER_BLOCK;
    mc_parallel(n_blocks, mc_thread_count(n_threads, n_blocks), reprice_block, job);
}

/* V_i of every instrument: the same kernel in a world where nothing moves. */
static mc_status value_now(const mc_instruments *in, const mc_market *market, int32_t numeraire,
                           unsigned n_threads, double *value)
{
    double *const memory = mc_alloc(in->n_terms + 2 * in->n, sizeof(double));
    if (memory == NULL)
        return MC_ERR_MEMORY;
    double *const base = memory + in->n_terms, *const scale = base + in->n;
    for (size_t i = 0; i < in->n; ++i)
        scale[i] = 1.0;

    const mc_scenarios still = {.n_terms = in->n_terms, .n_scenarios = 1, .spot_move = memory};
    mc_worlds worlds;
    double *const columns = expand(in, market, &still, numeraire, &worlds);
    if (columns != NULL) {
        mc_reprice job = {.instruments = in, .market = market, .worlds = &worlds, .base = base,
                          .scale = scale, .rounded = 0, .stride = 1, .cells = value};
        reprice(&job, n_threads);
    }
    mc_free(columns);
    mc_free(memory);
    return columns != NULL ? MC_OK : MC_ERR_MEMORY;
}

/* Black-76 delta, vega and price per 1.0 coin, in USD; 0, 0 and 0 for what is not an option. */
static mc_status greeks_now(const mc_instruments *in, const mc_market *market, unsigned n_threads,
                            double *delta, double *vega, double *price, mc_error *err)
{
    double *const years = mc_alloc(in->n, sizeof(double));
    uint8_t *const is_call = mc_alloc(in->n, 1);
    mc_status status = MC_ERR_MEMORY;
    if (years != NULL && is_call != NULL) {
        static const double one = 1.0;
        for (size_t i = 0; i < in->n; ++i) {
            years[i] = market->years[in->term[i]];
            is_call[i] = in->kind[i] == MC_CALL;
        }
        const mc_option_rows rows = {
            .forward = {market->forward_usd, 1}, .strike = {in->strike, 1}, .years = {years, 1},
            .vol = {market->vol, 1},
            .discount = {market->discount != NULL ? market->discount : &one,
                         market->discount != NULL},
            .is_call = is_call, .is_call_stride = 1, .n = in->n,
        };
        status = mc_black76(&rows, &(mc_greeks){.delta = delta, .vega = vega, .price = price},
                            n_threads, err);
    }
    mc_free(years);
    mc_free(is_call);
    return status;
}

static void fill_columns(const mc_instruments *in, const mc_market *market, const double *scale,
                         int32_t numeraire, double *const column[N_COLUMNS])
{
    const double unit_value = numeraire < 0 ? 1.0 : market->index_usd[numeraire];
    double *const mark = column[0], *const value = column[1], *const notional = column[2];
    double *const delta = column[3], *const basis_delta = column[4], *const vega = column[5];

    for (size_t i = 0; i < in->n; ++i) {
        const double x = scale[i] / unit_value; /* USD per 1.0 coin into quanta per lot */
        const double index = market->index_usd[in->unit[i]], forward = market->forward_usd[i];
        const double per_coin = delta[i], price = notional[i]; /* greeks_now put them there */
        const bool inverse = is_inverse(in, i);
        const double ratio = inverse ? index / forward : 1.0;
        double to_spot = forward, to_forward = 0.0;
        if (is_option(in, i)) {
            to_spot = per_coin * forward * ratio;
            to_forward = inverse ? index * (per_coin - price / forward) : to_spot;
        } else if (in->kind[i] != MC_SPOT) {
            to_spot = inverse ? 0.0 : forward;
            to_forward = forward * (inverse ? ratio / forward : 1.0);
        }
        mark[i] = rint(market->mark_usd[i] / in->contract_size[i] * x) + 0.0;
        value[i] = rint(value[i] * scale[i]) + 0.0;
        notional[i] = ceil(notional_usd(in, market, i) * x);
        delta[i] = rint(to_spot * x) + 0.0;
        basis_delta[i] = rint(to_forward * x) + 0.0;
        vega[i] = is_option(in, i) ? rint(vega[i] * ratio * x) + 0.0 : 0.0;
    }
}

/* The largest magnitude in a row, or infinity where one is not a number. Eight at a time, so that
 * the loop vectorises. */
static double largest_in(const double *row, size_t n)
{
    double largest[8] = {0.0}, nothing[8] = {0.0}; /* x - x: 0, or NaN where x is not finite */
    size_t z = 0;
    for (; z + 8 <= n; z += 8)
        for (size_t k = 0; k < 8; ++k) {
            const double a = fabs(row[z + k]);
            largest[k] = a > largest[k] ? a : largest[k];
            nothing[k] += a - a;
        }
    for (; z < n; ++z) {
        const double a = fabs(row[z]);
        largest[0] = a > largest[0] ? a : largest[0];
        nothing[0] += a - a;
    }
    for (size_t k = 1; k < 8; ++k) {
        largest[0] = largest[k] > largest[0] ? largest[k] : largest[0];
        nothing[0] += nothing[k];
    }
    return nothing[0] == 0.0 ? largest[0] : INFINITY;
}

/* Checks the cells and pads each row with its first column, which no minimum can notice. */
static mc_status close_rows(mc_risk_array *risk, mc_error *err)
{
    const mc_risk_view *v = &risk->view;
    const double limit = v->quantum > 0.0 ? MC_EXACT_LIMIT : INFINITY;
    for (size_t i = 0; i < v->n_instruments; ++i) {
        double *const row = risk->cells + i * v->stride;
        const double largest = largest_in(row, v->n_scenarios);
        if (!(largest < limit))
            return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)i,
                           "instrument %zu moves by %g quanta per risk lot; 2^53 is the limit", i,
                           largest);
        if (largest > risk->largest)
            risk->largest = largest;
        for (size_t z = v->n_scenarios; z < v->stride; ++z)
            row[z] = row[0];
    }
    return MC_OK;
}

static mc_risk_array *allocate(size_t n_instruments, size_t n_scenarios, double quantum,
                               double numeraire_usd, bool columns)
{
    mc_risk_array *risk = mc_alloc(1, sizeof *risk);
    if (risk == NULL)
        return NULL;
    const size_t stride = (n_scenarios + 7) / 8 * 8;
    risk->cells = n_instruments > SIZE_MAX / stride
                ? NULL : mc_alloc(n_instruments * stride, sizeof(double));
    risk->columns = columns ? mc_alloc(N_COLUMNS * n_instruments, sizeof(double)) : NULL;
    risk->view = (mc_risk_view){.n_instruments = n_instruments, .n_scenarios = n_scenarios,
                                .stride = stride, .quantum = quantum,
                                .quantum_usd = quantum * numeraire_usd, .cells = risk->cells};
    if (risk->cells == NULL || (columns && risk->columns == NULL)) {
        mc_risk_array_destroy(risk);
        return NULL;
    }
    return risk;
}

static mc_status add_columns(mc_risk_array *risk, const mc_instruments *in,
                             const mc_market *market, const double *scale, const double *base,
                             const mc_risk_options *options, mc_error *err)
{
    double *column[N_COLUMNS];
    for (size_t c = 0; c < N_COLUMNS; ++c)
        column[c] = risk->columns + c * in->n;
    memcpy(column[1], base, in->n * sizeof(double));
    const mc_status status =
        greeks_now(in, market, options->n_threads, column[3], column[5], column[2], err);
    if (status != MC_OK)
        return status;
    fill_columns(in, market, scale, options->numeraire, column);
    risk->view.mark = column[0];
    risk->view.value = column[1];
    risk->view.notional = column[2];
    risk->view.delta = column[3];
    risk->view.basis_delta = column[4];
    risk->view.vega = column[5];
    return MC_OK;
}

/* A numeraire moves as its unit's terms do, and only instruments say which terms those are. */
static bool has_instrument(const mc_instruments *in, int32_t unit)
{
    for (size_t i = 0; i < in->n; ++i)
        if (in->unit[i] == unit)
            return true;
    return false;
}

static mc_status check_inputs(const mc_instruments *in, const mc_market *market,
                              const mc_scenarios *s, const double *lot,
                              const mc_risk_options *options, mc_error *err)
{
    mc_status status = mc_instruments_check(in, err);
    if (status == MC_OK)
        status = mc_market_check(in, market, err);
    if (status == MC_OK)
        status = mc_scenarios_check(s, NULL, err);
    if (status != MC_OK)
        return status;
    if (lot == NULL || options == NULL || options->size != sizeof *options)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "lot is missing or the options' size is wrong");
    if (s->n_terms != in->n_terms)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "scenarios for %zu terms, instruments for %zu",
                       s->n_terms, in->n_terms);
    if (options->numeraire < -1 || options->numeraire >= (int32_t)in->n_units)
        return mc_fail(err, MC_ERR_INSTRUMENT, -1, "numeraire %d is not a unit", options->numeraire);
    if (options->numeraire >= 0 && !has_instrument(in, options->numeraire))
        return mc_fail(err, MC_ERR_INSTRUMENT, -1,
                       "numeraire %d has no instrument that says how it moves", options->numeraire);
    for (size_t i = 0; in->factor != NULL && i < in->n; ++i)
        if (in->factor[i] < -1 || in->factor[i] >= (int32_t)s->n_factors)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)i,
                           "event factor %d of %zu (instrument %zu)", in->factor[i], s->n_factors, i);
    status = mc_check_column(lot, in->n, 0.0, true, 1e36, "lot", err);
    if (status == MC_OK)
        status = mc_check_column(&options->quantum, 1, 0.0, false, 1e18, "quantum", err);
    return status;
}

mc_status mc_risk_array_create(const mc_instruments *in, const mc_market *market,
                               const mc_scenarios *s, const double *lot,
                               const mc_risk_options *options, mc_risk_array **out, mc_error *err)
{
    if (out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the risk array");
    mc_status status = check_inputs(in, market, s, lot, options, err);
    if (status != MC_OK)
        return status;

    const double quantum = options->quantum > 0.0 ? options->quantum : 1.0;
    const double unit_value = options->numeraire < 0 ? 1.0 : market->index_usd[options->numeraire];
    for (size_t i = 0; options->quantum > 0.0 && i < in->n; ++i) {
        const double quanta =
            notional_usd(in, market, i) * in->contract_size[i] * lot[i] / unit_value / quantum;
        if (quanta < LEAST_QUANTA)
            return mc_fail(err, MC_ERR_QUANTUM, (int64_t)i,
                           "a risk lot of instrument %zu is worth %.3g quanta: its cells would "
                           "round to nothing", i, quanta);
    }

    const bool rounded = options->quantum > 0.0;
    mc_risk_array *risk = allocate(in->n, s->n_scenarios, options->quantum, unit_value, rounded);
    double *const scale = mc_alloc(in->n, sizeof(double));
    double *const base = mc_alloc(in->n, sizeof(double));
    mc_worlds worlds;
    double *const columns = expand(in, market, s, options->numeraire, &worlds);
    if (risk == NULL || scale == NULL || base == NULL || columns == NULL) {
        status = mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu x %zu cells", in->n,
                         s->n_scenarios);
        goto done;
    }

    for (size_t i = 0; i < in->n; ++i)
        scale[i] = in->contract_size[i] * lot[i] / quantum;

    status = value_now(in, market, options->numeraire, options->n_threads, base);
    if (status == MC_OK) {
        mc_reprice job = {.instruments = in, .market = market, .worlds = &worlds, .base = base,
                          .scale = scale, .rounded = rounded,
                          .stride = risk->view.stride, .cells = risk->cells};
        reprice(&job, options->n_threads);
        status = close_rows(risk, err);
    }
    if (status == MC_OK && rounded)
        status = add_columns(risk, in, market, scale, base, options, err);
    if (status == MC_OK) {
        *out = risk;
        risk = NULL;
    } else if (status == MC_ERR_MEMORY) {
        mc_fail(err, MC_ERR_MEMORY, -1, "out of memory while pricing");
    }
done:
    mc_risk_array_destroy(risk);
    mc_free(scale);
    mc_free(base);
    mc_free(columns);
    return status;
}

mc_status mc_risk_array_adopt(const double *cells, size_t n_instruments, size_t n_scenarios,
                              double quantum, mc_risk_array **out, mc_error *err)
{
    if (cells == NULL || out == NULL || n_instruments == 0 || n_scenarios == 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no cells to adopt");
    if (n_instruments > INT32_MAX || n_scenarios > INT32_MAX)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "more instruments or scenarios than 2^31 - 1");
    mc_status status = mc_check_column(&quantum, 1, 0.0, false, 1e18, "quantum", err);
    if (status != MC_OK)
        return status;

    mc_risk_array *risk = allocate(n_instruments, n_scenarios, quantum, 1.0, false);
    if (risk == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu x %zu cells", n_instruments,
                       n_scenarios);
    for (size_t i = 0; status == MC_OK && i < n_instruments; ++i)
        for (size_t z = 0; z < n_scenarios; ++z) {
            const double cell = cells[i * n_scenarios + z];
            if (!mc_is_finite(cell)) {
                status = mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i,
                                 "cell %zu of instrument %zu is not a finite number", z, i);
                break;
            }
            if (quantum > 0.0 && !mc_is_whole(cell)) {
                status = mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                                 "cell %zu of instrument %zu is not whole: %.17g", z, i, cell);
                break;
            }
            risk->cells[i * risk->view.stride + z] = cell + 0.0;
        }
    if (status == MC_OK)
        status = close_rows(risk, err);
    if (status == MC_OK)
        *out = risk;
    else
        mc_risk_array_destroy(risk);
    return status;
}

void mc_risk_array_destroy(mc_risk_array *risk)
{
    if (risk == NULL)
        return;
    mc_free(risk->cells);
    mc_free(risk->columns);
    mc_free(risk);
}

void mc_risk_array_view(const mc_risk_array *risk, mc_risk_view *view)
{
    *view = risk->view;
}
