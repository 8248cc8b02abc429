/* SPDX-License-Identifier: Apache-2.0 */
#include "risk/risk_array.h"

#include <math.h>

#include "base/alloc.h"
#include "base/threads.h"
#include "kernels/column.h"
#include "kernels/kernels.h"

/* A risk lot must be able to lose at least this much, or its cells say nothing. */
#define LEAST_QUANTA 65536.0

/* The columns of a view. */
enum { MARK, VALUE, NOTIONAL, DELTA, BASIS_DELTA, VEGA, N_COLUMNS };

static bool is_option(const mc_instruments *in, size_t i)
{
    return in->kind[i] == MC_CALL || in->kind[i] == MC_PUT;
}

static bool is_inverse(const mc_instruments *in, size_t i)
{
    return in->kind[i] != MC_SPOT && in->inverse != NULL && in->inverse[i];
}

/* USD in 1.0 of the currency that the contract's own numbers are in. */
static double quote_usd(const mc_instruments *in, const mc_market *market, size_t i)
{
    const bool linear = in->kind[i] != MC_SPOT && !is_inverse(in, i);
    return linear && market->quote_usd != NULL ? market->quote_usd[i] : 1.0;
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

/* Move k of the scenarios but the base; the lanes past the last stay at the base. */
static size_t scenario_of(size_t k, size_t n_moves, size_t base)
{
    return k < n_moves ? k + (k >= base) : base;
}

/* One allocation holds every column of the worlds. */
enum { WORLD_COLUMNS = 12 };

static double *expand(const mc_instruments *in, const mc_market *market, const mc_scenarios *s,
                      size_t base, int32_t numeraire, mc_worlds *worlds)
{
    const size_t n_moves = s->n_scenarios - 1, stride = (n_moves + 7) / 8 * 8;
    const size_t n = s->n_terms * stride;
    double *memory = mc_alloc(WORLD_COLUMNS * n + (s->n_factors + 1) * stride + 1, sizeof(double));
    if (memory == NULL)
        return NULL;
    double *const spot = memory, *const forward = spot + n, *const log_forward = forward + n;
    double *const scale = log_forward + n, *const shift = scale + n, *const floor_ = shift + n;
    double *const root = floor_ + n, *const ratio = root + n, *const weight = ratio + n;
    double *const slope = weight + n, *const cap = slope + n, *const event = cap + n;
    double *const coins = event + s->n_factors * stride, *const value = coins + n;

    for (size_t t = 0; t < s->n_terms; ++t) {
        const double years = market->years[t], root_years = sqrt(years);
        for (size_t k = 0; k < stride; ++k) {
            const size_t z = scenario_of(k, n_moves, base);
            const size_t from = t * s->n_scenarios + z, to = t * stride + k;
            spot[to] = 1.0 + s->spot_move[from];
            forward[to] = spot[to] * (1.0 + (s->basis_move != NULL ? s->basis_move[from] : 0.0));
            coins[to] = spot[to] / forward[to];
            scale[to] = s->vol_scale != NULL ? s->vol_scale[from] : 1.0;
            shift[to] = s->vol_shift != NULL ? s->vol_shift[from] : 0.0;
            floor_[to] = s->vol_floor != NULL ? s->vol_floor[from] : 0.0;
            slope[to] = s->skew_slope != NULL ? s->skew_slope[from] : 0.0;
            cap[to] = s->skew_cap != NULL ? s->skew_cap[from] : 1e3;
            weight[to] = s->weight != NULL ? s->weight[from] : 1.0;
            root[to] = root_years;
            ratio[to] = 1.0;
            if (s->horizon_years != NULL && s->horizon_years[z] > 0.0) {
                const double aged = years - s->horizon_years[z], left = aged > 0.0 ? aged : 0.0;
                root[to] = sqrt(left);
                ratio[to] = years > 0.0 ? left / years : 1.0;
            }
        }
    }
    mc_kernels_used()->logarithms(forward, n, log_forward);

    size_t term = 0; /* any of the numeraire's: spot moves are a unit's */
    for (size_t i = 0; numeraire >= 0 && i < in->n; ++i)
        if (in->unit[i] == numeraire)
            term = (size_t)in->term[i];
    for (size_t k = 0; k < stride; ++k) {
        const size_t z = scenario_of(k, n_moves, base);
        for (size_t f = 0; f < s->n_factors; ++f)
            event[f * stride + k] = 1.0 + s->event_move[f * s->n_scenarios + z];
        if (numeraire >= 0)
            value[k] = market->index_usd[numeraire] * spot[term * stride + k];
    }

    *worlds = (mc_worlds){
        .n_moves = n_moves, .stride = stride, .base = base, .forward = forward,
        .log_forward = log_forward, .coins = coins, .vol_scale = scale, .vol_shift = shift,
        .vol_floor = floor_, .skew_slope = s->skew_slope != NULL ? slope : NULL, .skew_cap = cap,
        .root_years = root,
        .years_ratio = s->horizon_years != NULL ? ratio : NULL, .weight = weight,
        .event = s->n_factors > 0 ? event : NULL, .numeraire = numeraire >= 0 ? value : NULL,
    };
    return memory;
}

/* One block of instruments after the other, whatever thread takes it. */
typedef struct pricing {
    mc_reprice reprice;
    double *base;              /* what reprice.base reads */
    double *column[N_COLUMNS]; /* the view's, filled in the end where cells are rounded */
    int32_t numeraire;
} pricing;

/* Black-76 price, delta and vega per 1.0 coin, in USD; any number for what is not an option. */
static void greeks_now(const mc_instruments *in, const mc_market *market, size_t first, size_t n,
                       double *price, double *delta, double *vega)
{
    static const double one = 1.0;
    double years[MC_REPRICE_MOST];
    uint8_t is_call[MC_REPRICE_MOST];
    for (size_t j = 0; j < n; ++j) {
        years[j] = market->years[in->term[first + j]];
        is_call[j] = in->kind[first + j] == MC_CALL;
    }
    const mc_option_rows rows = {
        .forward = {market->forward_usd + first, 1}, .strike = {in->strike + first, 1},
        .years = {years, 1}, .vol = {market->vol + first, 1},
        .discount = {market->discount != NULL ? market->discount + first : &one,
                     market->discount != NULL},
        .is_call = is_call, .is_call_stride = 1, .n = n,
    };
    mc_kernels_used()->black76(
        &rows, &(mc_greeks){.price = price, .delta = delta, .vega = vega}, 0, n);
}

/* V_i in the numeraire, by the formulas of the repricing kernel in a world where nothing moves. */
static double value_now(const mc_instruments *in, const mc_market *market, size_t i,
                        int32_t numeraire, double price)
{
    const double ratio = market->index_usd[in->unit[i]] / market->forward_usd[i];
    double value = market->forward_usd[i];
    if (is_option(in, i))
        value = is_inverse(in, i) ? price * ratio : price;
    else if (is_inverse(in, i))
        value = -ratio;
    return numeraire < 0 ? value : value / market->index_usd[numeraire];
}

/* rint(), which the baseline x86-64 only has as a call; -0 becomes 0. */
static double rounded(double x)
{
    const double a = fabs(x);
    const double whole = a < 0x1p52 ? (a + 0x1p52) - 0x1p52 : a;
    return copysign(whole, x) + 0.0;
}

/* ceil() of x >= 0, for the same reason. */
static double rounded_up(double x)
{
    const double whole = rounded(x);
    return whole < x ? whole + 1.0 : whole;
}

void mc_values_now(const mc_instruments *in, const mc_market *market, size_t first, size_t n,
                   double *value)
{
    double delta[MC_REPRICE_MOST], vega[MC_REPRICE_MOST];
    greeks_now(in, market, first, n, value, delta, vega);
    for (size_t j = 0; j < n; ++j)
        value[j] = value_now(in, market, first + j, -1, value[j]);
}

/* The columns of instrument i per lot, from price, delta and vega per 1.0 coin. */
static void fill_columns(const pricing *p, size_t i, double price, double per_coin, double vega)
{
    const mc_instruments *in = p->reprice.instruments;
    const mc_market *market = p->reprice.market;
    const double unit_value = p->numeraire < 0 ? 1.0 : market->index_usd[p->numeraire];
    const double x = p->reprice.scale[i] / unit_value; /* gain per 1.0 coin into quanta per lot */
    const double usd = x / quote_usd(in, market, i);
    const double index = market->index_usd[in->unit[i]], forward = market->forward_usd[i];
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
    p->column[MARK][i] = rounded(market->mark_usd[i] / in->contract_size[i] * usd);
    p->column[VALUE][i] = rounded(p->base[i] * p->reprice.scale[i]);
    p->column[NOTIONAL][i] = rounded_up(notional_usd(in, market, i) * usd);
    p->column[DELTA][i] = rounded(to_spot * x);
    p->column[BASIS_DELTA][i] = rounded(to_forward * x);
    p->column[VEGA][i] = is_option(in, i) ? rounded(vega * ratio * x) : 0.0;
}

static void price_block(void *context, size_t b, unsigned thread)
{
    const pricing *p = context;
    const mc_instruments *in = p->reprice.instruments;
    const size_t first = b * MC_REPRICE_MOST, left = in->n - first;
    const size_t n = left < MC_REPRICE_MOST ? left : MC_REPRICE_MOST;
    double price[MC_REPRICE_MOST], delta[MC_REPRICE_MOST], vega[MC_REPRICE_MOST];
    (void)thread;
    greeks_now(in, p->reprice.market, first, n, price, delta, vega);
    for (size_t j = 0; j < n; ++j)
        p->base[first + j] = value_now(in, p->reprice.market, first + j, p->numeraire, price[j]);
    mc_kernels_used()->reprice(&p->reprice, first, n);
    for (size_t j = 0; p->reprice.rounded && j < n; ++j)
        fill_columns(p, first + j, price[j], delta[j], vega[j]);
}

static size_t n_blocks(size_t n_instruments)
{
    return (n_instruments + MC_REPRICE_MOST - 1) / MC_REPRICE_MOST;
}

/* Returns the largest cell. */
static double price_all(pricing *p, unsigned n_threads)
{
    const size_t n = n_blocks(p->reprice.instruments->n);
    mc_parallel(n, mc_thread_count(n_threads, n), price_block, p);
    double largest = 0.0;
    for (size_t b = 0; b < n; ++b)
        largest = p->reprice.largest[b] > largest ? p->reprice.largest[b] : largest;
    return largest;
}

static double largest_in(const double *row, size_t n)
{
    double largest = 0.0;
    for (size_t z = 0; z < n; ++z) {
        if (!mc_is_finite(row[z]))
            return INFINITY;
        largest = fmax(largest, fabs(row[z]));
    }
    return largest;
}

/* Keeps the largest cell, infinity where one is not a number; refuses one past the limit of
 * exactness. */
static mc_status check_cells(mc_risk_array *risk, double largest, mc_error *err)
{
    const mc_risk_view *v = &risk->view;
    const double limit = v->quantum > 0.0 ? MC_EXACT_LIMIT : INFINITY;
    for (size_t i = 0; !(largest < limit) && i < v->n_instruments; ++i) {
        const double in_row = largest_in(risk->cells + i * v->stride, v->n_scenarios);
        if (!(in_row < limit))
            return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)i,
                           "instrument %zu moves by %g quanta per risk lot; 2^53 is the limit", i,
                           in_row);
    }
    risk->largest = largest;
    if (largest > INT32_MAX) {
        mc_free(risk->moves);
        risk->moves = NULL;
    }
    return MC_OK;
}

/* `base`: a scenario whose cells are all 0, or n_scenarios. */
static mc_risk_array *allocate(size_t n_instruments, size_t n_scenarios, size_t base,
                               double quantum, double numeraire_usd, bool columns)
{
    mc_risk_array *risk = mc_alloc(1, sizeof *risk);
    if (risk == NULL)
        return NULL;
    const size_t stride = (n_scenarios + 7) / 8 * 8;
    const bool narrow = quantum > 0.0 && base < n_scenarios && n_scenarios > 1;
    risk->base = base;
    risk->moves_stride = (n_scenarios + 6) / 8 * 8;
    risk->cells = n_instruments > SIZE_MAX / stride
                ? NULL : mc_alloc_unset(n_instruments * stride, sizeof(double));
    risk->moves = narrow && risk->cells != NULL
                ? mc_alloc_unset(n_instruments * risk->moves_stride, sizeof(int32_t)) : NULL;
    risk->columns = columns ? mc_alloc(N_COLUMNS * n_instruments, sizeof(double)) : NULL;
    risk->view = (mc_risk_view){.n_instruments = n_instruments, .n_scenarios = n_scenarios,
                                .stride = stride, .quantum = quantum,
                                .quantum_usd = quantum * numeraire_usd, .cells = risk->cells};
    if (risk->columns != NULL) {
        risk->view.mark = risk->columns + MARK * n_instruments;
        risk->view.value = risk->columns + VALUE * n_instruments;
        risk->view.notional = risk->columns + NOTIONAL * n_instruments;
        risk->view.delta = risk->columns + DELTA * n_instruments;
        risk->view.basis_delta = risk->columns + BASIS_DELTA * n_instruments;
        risk->view.vega = risk->columns + VEGA * n_instruments;
    }
    if (risk->cells == NULL || (narrow && risk->moves == NULL)
        || (columns && risk->columns == NULL)) {
        mc_risk_array_destroy(risk);
        return NULL;
    }
    return risk;
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
                              const mc_risk_options *options, size_t *base, mc_error *err)
{
    mc_status status = mc_instruments_check(in, err);
    if (status == MC_OK)
        status = mc_market_check(in, market, err);
    if (status == MC_OK)
        status = mc_scenarios_check(s, base, err);
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

static mc_status check_lots(const mc_instruments *in, const mc_market *market, const double *lot,
                            const mc_risk_options *options, mc_error *err)
{
    const double unit_value = options->numeraire < 0 ? 1.0 : market->index_usd[options->numeraire];
    for (size_t i = 0; options->quantum > 0.0 && i < in->n; ++i) {
        const double quanta = notional_usd(in, market, i) * in->contract_size[i] * lot[i]
                            / unit_value / options->quantum;
        if (quanta < LEAST_QUANTA)
            return mc_fail(err, MC_ERR_QUANTUM, (int64_t)i,
                           "a risk lot of instrument %zu is worth %.3g quanta: its cells would "
                           "round to nothing", i, quanta);
    }
    return MC_OK;
}

static mc_status price_array(const mc_instruments *in, const mc_market *market,
                             const mc_scenarios *s, const double *lot,
                             const mc_risk_options *options, size_t base_column,
                             mc_risk_array **out, mc_error *err)
{
    mc_status status = MC_OK;
    const double quantum = options->quantum > 0.0 ? options->quantum : 1.0;
    const double unit_value = options->numeraire < 0 ? 1.0 : market->index_usd[options->numeraire];
    const bool rounding = options->quantum > 0.0;
    mc_risk_array *risk =
        allocate(in->n, s->n_scenarios, base_column, options->quantum, unit_value, rounding);
    double *const scale = mc_alloc(in->n, sizeof(double));
    double *const base = mc_alloc(in->n, sizeof(double));
    double *const largest = mc_alloc(n_blocks(in->n), sizeof(double));
    mc_worlds worlds;
    double *const columns = expand(in, market, s, base_column, options->numeraire, &worlds);
    if (risk == NULL || scale == NULL || base == NULL || largest == NULL || columns == NULL) {
        status = mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu x %zu cells", in->n,
                         s->n_scenarios);
        goto done;
    }

    for (size_t i = 0; i < in->n; ++i)
        scale[i] = in->contract_size[i] * lot[i] / quantum * quote_usd(in, market, i);
    pricing p = {
        .reprice = {.instruments = in, .market = market, .worlds = &worlds, .base = base,
                    .scale = scale, .rounded = rounding, .stride = risk->view.stride,
                    .cells = risk->cells, .moves = risk->moves, .largest = largest},
        .base = base, .numeraire = options->numeraire,
    };
    for (size_t c = 0; rounding && c < N_COLUMNS; ++c)
        p.column[c] = risk->columns + c * in->n;
    status = check_cells(risk, price_all(&p, options->n_threads), err);
    if (status == MC_OK) {
        *out = risk;
        risk = NULL;
    }
done:
    mc_risk_array_destroy(risk);
    mc_free(scale);
    mc_free(base);
    mc_free(largest);
    mc_free(columns);
    return status;
}

mc_status mc_risk_array_moved(const mc_instruments *in, const mc_market *market,
                              const mc_scenarios *s, const double *lot,
                              const mc_risk_options *options, mc_risk_array **out, mc_error *err)
{
    size_t base;
    const mc_status status = check_inputs(in, market, s, lot, options, &base, err);
    return status != MC_OK ? status : price_array(in, market, s, lot, options, base, out, err);
}

mc_status mc_risk_array_create(const mc_instruments *in, const mc_market *market,
                               const mc_scenarios *s, const double *lot,
                               const mc_risk_options *options, mc_risk_array **out, mc_error *err)
{
    if (out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the risk array");
    size_t base;
    mc_status status = check_inputs(in, market, s, lot, options, &base, err);
    if (status == MC_OK)
        status = check_lots(in, market, lot, options, err);
    return status != MC_OK ? status : price_array(in, market, s, lot, options, base, out, err);
}

/* The first scenario in which no cell is other than 0; n_scenarios if there is none. */
static size_t still_scenario(const double *cells, size_t n_instruments, size_t n_scenarios)
{
    for (size_t z = 0; z < n_scenarios; ++z) {
        size_t i = 0;
        while (i < n_instruments && cells[i * n_scenarios + z] == 0.0)
            ++i;
        if (i == n_instruments)
            return z;
    }
    return n_scenarios;
}

/* What the repricing kernel does to a row that it has priced. */
static void adopt_row(mc_risk_array *risk, size_t i, const double *cells)
{
    const mc_risk_view *v = &risk->view;
    double *const row = risk->cells + i * v->stride;
    for (size_t z = 0; z < v->stride; ++z)
        row[z] = cells[z < v->n_scenarios ? z : 0] + 0.0;
    for (size_t k = 0; risk->moves != NULL && k < risk->moves_stride; ++k) {
        const size_t move = k < v->n_scenarios - 1 ? k : 0;
        const double cell = row[move + (move >= risk->base)];
        risk->moves[i * risk->moves_stride + k] = fabs(cell) <= INT32_MAX ? (int32_t)cell : 0;
    }
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

    for (size_t i = 0; i < n_instruments; ++i)
        for (size_t z = 0; z < n_scenarios; ++z) {
            const double cell = cells[i * n_scenarios + z];
            if (!mc_is_finite(cell))
                return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i,
                               "cell %zu of instrument %zu is not a finite number", z, i);
            if (quantum > 0.0 && !mc_is_whole(cell))
                return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                               "cell %zu of instrument %zu is not whole: %.17g", z, i, cell);
        }
    mc_risk_array *risk =
        allocate(n_instruments, n_scenarios, still_scenario(cells, n_instruments, n_scenarios),
                 quantum, 1.0, false);
    if (risk == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu x %zu cells", n_instruments,
                       n_scenarios);
    for (size_t i = 0; i < n_instruments; ++i)
        adopt_row(risk, i, cells + i * n_scenarios);
    status = check_cells(risk, largest_in(cells, n_instruments * n_scenarios), err);
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
    mc_free(risk->moves);
    mc_free(risk->columns);
    mc_free(risk);
}

void mc_risk_array_view(const mc_risk_array *risk, mc_risk_view *view)
{
    *view = risk->view;
}
