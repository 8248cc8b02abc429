/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include <margin_core/margin.h>

#include "base/alloc.h"
#include "base/check.h"
#include "collateral/collateral.h"
#include "kernels/fmath.h"
#include "kernels/lanes.h"
#include "kernels/requirement.h"
#include "risk/risk_array.h"

enum { FIRST_NODE_POWER = -6 }; /* the smallest node of an impact curve is depth / 64 */
#define LEAST_DEPTH_QUANTA 0x1p27 /* nodes stay apart in units of 2^20 quanta */
#define MOST_DEPTH_QUANTA 0x1p60  /* and below 2^44 of them: rates times sizes fit in 64 bits */

typedef struct bound {
    double value;
    double high;
    const char *name;
} bound;

static mc_status check_tiers(const mc_unit_margin *u, size_t row, mc_error *err)
{
    if (u->n_tiers < 1 || u->n_tiers > MC_MAX_TIERS)
        return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)row, "%zu tiers; 1 to %d are allowed",
                       u->n_tiers, MC_MAX_TIERS);
    for (size_t t = 0; t < u->n_tiers; ++t) {
        const mc_tier *tier = &u->tiers[t];
        const double values[] = {tier->above_usd, tier->mm_frac, tier->im_frac};
        for (size_t v = 0; v < 3; ++v)
            if (!mc_is_finite(values[v]))
                return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)row,
                               "tier %zu of unit %zu is not finite", t, row);
        if (tier->mm_frac < 0.0 || tier->im_frac < tier->mm_frac || tier->im_frac > 1.0)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row,
                           "tier %zu of unit %zu: 0 <= mm_frac <= im_frac <= 1 is needed", t, row);
        if (t == 0 ? tier->above_usd != 0.0
                   : tier->above_usd <= tier[-1].above_usd || tier->mm_frac < tier[-1].mm_frac
                         || tier->im_frac < tier[-1].im_frac)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)row,
                           "tiers of unit %zu must start at 0 and rise", row);
        if (tier->above_usd > 1e18)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row, "tier %zu of unit %zu starts at %g", t,
                           row, tier->above_usd);
    }
    return MC_OK;
}

static bool is_depth(double usd, double quantum)
{
    return usd == 0.0
        || (usd / quantum >= LEAST_DEPTH_QUANTA && usd / quantum <= MOST_DEPTH_QUANTA);
}

static mc_status check_unit(const mc_unit_margin *u, size_t row, double quantum, mc_error *err)
{
    const bound bounds[] = {
        {u->roll_move_frac, 10.0, "roll_move_frac"},
        {u->roll_min_frac, 1.0, "roll_min_frac"},
        {u->short_option_mm_frac, 1.0, "short_option_mm_frac"},
        {u->short_option_im_frac, 1.0, "short_option_im_frac"},
        {u->vega_twist, 10.0, "vega_twist"},
        {u->close_frac, 1.0, "close_frac"},
        {u->depth_usd, 1e18, "depth_usd"},
        {u->impact_frac, 1.0, "impact_frac"},
        {u->market_depth_usd, 1e18, "market_depth_usd"},
        {u->market_impact_frac, 1.0, "market_impact_frac"},
        {u->asset_haircut_frac, 1.0, "asset_haircut_frac"},
        {u->isolated_mm_frac, 1.0, "isolated_mm_frac"},
        {u->isolated_im_frac, 1.0, "isolated_im_frac"},
        {u->open_interest_usd, 1e18, "open_interest_usd"},
        {u->open_interest_lower_usd, 1e18, "open_interest_lower_usd"},
        {u->open_interest_upper_usd, 1e18, "open_interest_upper_usd"},
    };
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; ++b) {
        if (!mc_is_finite(bounds[b].value))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)row, "%s of unit %zu is not finite",
                           bounds[b].name, row);
        if (bounds[b].value < 0.0 || bounds[b].value > bounds[b].high)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row,
                           "%s of unit %zu is %g; 0 to %g is allowed", bounds[b].name, row,
                           bounds[b].value, bounds[b].high);
    }
    const double depths[] = {u->depth_usd, u->market_depth_usd};
    for (size_t d = 0; d < 2; ++d)
        if (!is_depth(depths[d], quantum))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row,
                           "a depth of unit %zu is %g: 0, or 2^27 to 2^60 quanta", row, depths[d]);
    if (u->short_option_im_frac < u->short_option_mm_frac || u->isolated_im_frac < u->isolated_mm_frac)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row, "an IM rate of unit %zu is below its MM rate",
                       row);
    if (u->open_interest_upper_usd > 0.0
        && u->open_interest_upper_usd <= u->open_interest_lower_usd)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row,
                       "open interest bounds of unit %zu must rise", row);
    return check_tiers(u, row, err);
}

static mc_status check_model(const mc_margin_model *model, const mc_instruments *in, double quantum,
                             mc_error *err)
{
    if (model == NULL || model->size != sizeof *model || model->units == NULL
        || model->lambda_k == NULL || model->n_groups == 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the model is incomplete or its size is wrong");
    if (model->n_units != in->n_units)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a model for %zu units, instruments of %zu",
                       model->n_units, in->n_units);
    for (size_t g = 0; g < model->n_groups; ++g)
        if (model->lambda_k[g] < 0 || model->lambda_k[g] > MC_LAMBDA_MAX)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)g,
                           "lambda_k of group %zu is %d; 0 to %d is allowed", g, model->lambda_k[g],
                           MC_LAMBDA_MAX);
    if (model->mm_factor_k < 1 || model->im_factor_k < model->mm_factor_k
        || model->im_factor_k > 16 * 1024)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "1 <= mm_factor_k <= im_factor_k <= 16384 is needed");
    double edge = 0.0;
    for (size_t b = 0; b < MC_VEGA_BUCKETS - 1; ++b) {
        if (!(model->vega_edge_years[b] > edge) || !mc_is_finite(model->vega_edge_years[b]))
            return mc_fail(err, MC_ERR_DOMAIN, -1, "vega_edge_years must be positive and rise");
        edge = model->vega_edge_years[b];
    }
    const mc_status of_assets = mc_assets_check(model->assets, model->n_assets, in, err);
    if (of_assets != MC_OK)
        return of_assets;
    for (size_t k = 0; k < model->n_assets; ++k)
        if (!is_depth(model->assets[k].exit_depth_usd, quantum))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)k,
                           "exit_depth_usd of asset %zu is %g: 0, or 2^27 to 2^60 quanta", k,
                           model->assets[k].exit_depth_usd);
    for (size_t u = 0; u < model->n_units; ++u) {
        const int32_t group = model->units[u].group;
        if (group < 0 || (size_t)group >= model->n_groups)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)u, "group %d of %zu (unit %zu)", group,
                           model->n_groups, u);
        if (u > 0 && group < model->units[u - 1].group)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)u, "groups must not fall (unit %zu)", u);
        const mc_status status = check_unit(&model->units[u], u, quantum, err);
        if (status != MC_OK)
            return status;
    }
    return MC_OK;
}

static int64_t rate_of(double frac)
{
    return (int64_t)ceil(frac * (double)MC_RATE_ONE);
}

static mc_impact impact_of(double depth_usd, double impact_frac, double quantum)
{
    mc_impact impact;
    for (int j = 0; j < MC_IMPACT_LANES; ++j)
        impact.node[j] = INFINITY;
    for (int j = 0; j <= MC_IMPACT_NODES; ++j)
        impact.segment[j] = (mc_impact_segment){.span = 1, .inverse = 1.0};
    if (depth_usd <= 0.0)
        return impact;

    for (int j = 0; j < MC_IMPACT_NODES; ++j) {
        const double share = ldexp(1.0, j + FIRST_NODE_POWER);
        const double most = (double)MC_RATE_ONE;
        const int64_t rate = (int64_t)fmin(rint(most * impact_frac * sqrt(share)), most);
        const int64_t size = (int64_t)rint(depth_usd / quantum / most * share);
        mc_impact_segment *const s = &impact.segment[j];
        impact.node[j] = (double)size;
        s->rise = rate - s->rate;
        s->span = size - s->size;
        s->inverse = (1.0 + 0x1p-50) / (double)s->span;
        s[1].size = size;
        s[1].rate = rate;
    }
    return impact;
}

static mc_unit_rates rates_of(const mc_unit_margin *u, double quantum)
{
    double crowd = 0.0;
    if (u->open_interest_upper_usd > 0.0) {
        crowd = (u->open_interest_usd - u->open_interest_lower_usd)
              / (u->open_interest_upper_usd - u->open_interest_lower_usd);
        crowd = crowd < 0.0 ? 0.0 : crowd > 1.0 ? 1.0 : crowd;
    }
    mc_unit_rates rates = {
        .group = u->group,
        .n_tiers = (int32_t)u->n_tiers,
        .haircut = rate_of(u->asset_haircut_frac),
        .isolated_mm = rate_of(u->isolated_mm_frac),
        .isolated_im = rate_of(u->isolated_im_frac),
        .owner_impact = impact_of(u->depth_usd, u->impact_frac, quantum),
        .market_impact = impact_of(u->market_depth_usd, u->market_impact_frac, quantum),
    };
    for (size_t t = 0; t < u->n_tiers; ++t) {
        const mc_tier *tier = &u->tiers[t];
        const double above = rint(tier->above_usd / quantum);
        rates.above[t] = above < MC_EXACT_LIMIT ? (int64_t)above : (int64_t)MC_EXACT_LIMIT;
        rates.tier_mm[t] = rate_of(tier->mm_frac + (1.0 - tier->mm_frac) * crowd);
        rates.tier_im[t] = rate_of(tier->im_frac + (1.0 - tier->im_frac) * crowd);
    }
    return rates;
}

static size_t bucket_of(const mc_margin_model *model, double years)
{
    size_t bucket = 0;
    while (bucket < MC_VEGA_BUCKETS - 1 && years >= model->vega_edge_years[bucket])
        ++bucket;
    return bucket;
}

static mc_row_tail tail_of(const mc_risk_view *risk, const mc_instruments *in,
                           const mc_market *market, const mc_margin_model *model,
                           const mc_asset *asset, size_t i)
{
    const mc_unit_margin *u = &model->units[in->unit[i]];
    const double years = market->years[in->term[i]];
    const bool option = in->kind[i] == MC_CALL || in->kind[i] == MC_PUT;
    const bool spot = in->kind[i] == MC_SPOT;
    const double confidence =
        market->confidence_frac != NULL ? market->confidence_frac[in->unit[i]] : 0.0;
    const double growth = mc_exp(u->roll_move_frac * years) - 1.0;

    const double side = in->kind[i] == MC_PUT ? -1.0 : 1.0;

    mc_row_tail tail = {
        .mark = risk->mark[i],
        .roll = spot ? 0.0 : rint(risk->basis_delta[i]
                                  * (growth > u->roll_min_frac ? growth : u->roll_min_frac)) + 0.0,
        .short_option_mm = option ? -ceil(risk->notional[i] * u->short_option_mm_frac) : 0.0,
        .short_option_im = option ? -ceil(risk->notional[i] * u->short_option_im_frac) : 0.0,
        .closing = spot ? 0.0 : ceil(risk->notional[i] * u->close_frac),
        .oracle = ceil(risk->notional[i] * confidence),
        .one = 1.0,
        .longs = side * risk->notional[i],
        .shorts = -side * risk->notional[i],
    };
    if (asset != NULL) {
        const double mark = fmax(risk->mark[i], 0.0);
        tail.haircut_mm = ceil(mark * asset->haircut_mm_frac);
        tail.haircut_im = ceil(mark * asset->haircut_im_frac);
        if (asset->exit_depth_usd > 0.0)
            tail.longs = 0.0; /* its own exit is charged instead */
    }
    if (option) {
        tail.vega_all = rint(risk->vega[i] * u->vega_twist) + 0.0;
        tail.vega[bucket_of(model, years)] = tail.vega_all;
    }
    return tail;
}

/* Largest magnitude among the row's cells and rates. */
static double largest_of(const double *cells, size_t n, const mc_row_tail *tail)
{
    double largest = 0.0;
    for (size_t z = 0; z < n; ++z)
        largest = fmax(largest, fabs(cells[z]));
    const double rates[] = {tail->mark, tail->roll, tail->short_option_mm, tail->short_option_im,
                            tail->closing, tail->oracle, tail->shorts};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; ++r)
        largest = fmax(largest, fabs(rates[r]));
    return fmax(largest, fabs(tail->vega_all));
}

/* A row's cells without the base's; padded with the first of them, which no minimum can notice. */
static void fill_cells(const mc_margin *m, const mc_risk_array *risk, size_t i)
{
    void *const to = m->table + i * m->row;
    if (m->narrow) {
        memcpy(to, risk->moves + i * m->stride, m->stride * sizeof(int32_t));
        return;
    }
    double *const cells = to;
    const double *const row = risk->cells + i * risk->view.stride;
    for (size_t k = 0; k < m->stride; ++k) {
        const size_t move = k + 1 < m->n_scenarios ? k : 0;
        cells[k] = m->n_scenarios > 1 ? row[move + (move >= risk->base)] : 0.0;
    }
}

static mc_status fill_table(mc_margin *m, const mc_risk_array *array, const mc_instruments *in,
                            const mc_market *market, const mc_margin_model *model, mc_error *err)
{
    const mc_risk_view *risk = &array->view;
    int32_t pair = 0;
    size_t next = 0; /* asset */
    for (size_t i = 0; i < risk->n_instruments; ++i) {
        const bool has = next < model->n_assets && (size_t)model->assets[next].instrument == i;
        const mc_asset *const asset = has ? &model->assets[next++] : NULL;
        const mc_row_tail tail = tail_of(risk, in, market, model, asset, i);
        if (i > 0 && (in->term[i] != in->term[i - 1] || in->strike[i] != in->strike[i - 1]))
            ++pair;
        m->places[i] = mc_place_of(m->units[in->unit[i]].group, in->unit[i], in->term[i], pair);
        const double largest =
            largest_of(risk->cells + i * risk->stride, risk->n_scenarios, &tail);
        if (!(largest < MC_EXACT_LIMIT))
            return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)i,
                           "a rate of instrument %zu is 2^53 quanta per risk lot or more", i);
        fill_cells(m, array, i);
        memcpy(m->table + i * m->row + m->cells, &tail, sizeof tail);
        m->unit_of[i] = in->unit[i];
        m->facts[i] = (mc_row_facts){.notional = risk->notional[i], .largest = largest,
                                     .side = in->kind[i] == MC_PUT ? -1 : 1, .kind = in->kind[i]};
        m->largest = fmax(m->largest, largest);
        m->largest_mark = fmax(m->largest_mark, fabs(tail.mark));
    }
    return MC_OK;
}

/* The unit's range, and of what it leaves what scenarios would hold of the asset; rounded up. */
static void fill_unscanned(mc_margin *m, const mc_margin_model *model)
{
    for (size_t i = 0; i < m->n_instruments; ++i)
        m->unscanned[i] = (int32_t)m->units[m->unit_of[i]].haircut;
    for (size_t k = 0; k < model->n_assets; ++k) {
        int32_t *rate = &m->unscanned[model->assets[k].instrument];
        const int64_t left = MC_RATE_ONE - rate_of(model->assets[k].unscanned_frac);
        *rate = (int32_t)(MC_RATE_ONE - (MC_RATE_ONE - *rate) * left / MC_RATE_ONE);
    }
}

/* The exits of assets that have a depth, and the depths. */
static void fill_exits(mc_margin *m, const mc_margin_model *model, double quantum)
{
    int32_t n = 0;
    m->n_exit_markets = 0;
    for (size_t i = 0; i < m->n_instruments; ++i)
        m->exit_of[i] = -1;
    for (size_t k = 0; k < model->n_assets; ++k) {
        const mc_asset *asset = &model->assets[k];
        if (asset->exit_depth_usd == 0.0)
            continue;
        const size_t same = mc_exit_market_of(model->assets, k);
        if (same == k)
            m->exit_impact[m->n_exit_markets++] =
                impact_of(asset->exit_depth_usd, asset->exit_impact_frac, quantum);
        m->exits[n] = (mc_exit){
            .market = same == k ? (int32_t)m->n_exit_markets - 1
                                : m->exits[m->exit_of[model->assets[same].instrument]].market,
            .left_mm = MC_RATE_ONE - rate_of(asset->haircut_mm_frac),
            .left_im = MC_RATE_ONE - rate_of(asset->haircut_im_frac)};
        m->exit_of[asset->instrument] = n++;
    }
}

static size_t in_lines(size_t bytes)
{
    return (bytes + MC_ALIGNMENT - 1) / MC_ALIGNMENT * MC_ALIGNMENT;
}

mc_status mc_margin_create(const mc_risk_array *risk, const mc_instruments *in,
                           const mc_market *market, const mc_margin_model *model, mc_margin **out,
                           mc_error *err)
{
    if (risk == NULL || out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no risk array, or nowhere to put the margin");
    const mc_risk_view *view = &risk->view;
    if (view->mark == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1,
                       "margin needs a rounded risk array that was priced here");
    mc_status status = mc_instruments_check(in, err);
    if (status == MC_OK)
        status = mc_market_check(in, market, err);
    if (status == MC_OK && in->n != view->n_instruments)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "a risk array of %zu instruments, columns of %zu",
                         view->n_instruments, in->n);
    if (status == MC_OK)
        status = check_model(model, in, view->quantum_usd, err);
    if (status == MC_OK
        && (in->n >> MC_TERM_BIT != 0 || in->n_terms >> (MC_UNIT_BIT - MC_TERM_BIT) != 0
            || in->n_units >> (MC_GROUP_BIT - MC_UNIT_BIT) != 0
            || model->n_groups >> (MC_PLACE_BITS - MC_GROUP_BIT) != 0))
        status = mc_fail(err, MC_ERR_ARGUMENT, -1,
                         "more than 2^22 instruments, 2^18 terms, 2^12 units or 2^11 groups");
    if (status != MC_OK)
        return status;

    mc_margin *m = mc_alloc(1, sizeof *m);
    if (m == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for a margin table");
    const bool narrow = risk->moves != NULL;
    const size_t stride = view->n_scenarios > 1 ? risk->moves_stride : MC_LANES;
    const size_t cells = in_lines(stride * (narrow ? sizeof(int32_t) : sizeof(double)));
    *m = (mc_margin){
        .n_instruments = in->n, .n_scenarios = view->n_scenarios, .narrow = narrow,
        .stride = stride, .base = (int32_t)risk->base, .cells = cells,
        .row = cells + in_lines(sizeof(mc_row_tail)),
        .n_units = model->n_units, .n_groups = model->n_groups,
        .mm_factor_k = model->mm_factor_k, .im_factor_k = model->im_factor_k,
    };
    m->table = mc_alloc(m->n_instruments, m->row);
    m->unit_of = mc_alloc(m->n_instruments, sizeof *m->unit_of);
    m->places = mc_alloc(m->n_instruments, sizeof *m->places);
    m->facts = mc_alloc(m->n_instruments, sizeof *m->facts);
    m->units = mc_alloc(m->n_units, sizeof *m->units);
    m->lambda_k = mc_alloc(m->n_groups, sizeof *m->lambda_k);
    m->alone_k = mc_alloc(m->n_units, sizeof *m->alone_k);
    size_t n_exits = 0;
    bool unscanned = false;
    for (size_t k = 0; k < model->n_assets; ++k) {
        n_exits += model->assets[k].exit_depth_usd > 0.0;
        unscanned |= model->assets[k].unscanned_frac > 0.0;
    }
    if (unscanned)
        m->unscanned = mc_alloc(m->n_instruments, sizeof *m->unscanned);
    if (n_exits > 0) {
        m->exit_of = mc_alloc(m->n_instruments, sizeof *m->exit_of);
        m->exits = mc_alloc(n_exits, sizeof *m->exits);
        m->exit_impact = mc_alloc(n_exits, sizeof *m->exit_impact);
    }
    if (m->table == NULL || (unscanned && m->unscanned == NULL)
        || (n_exits > 0 && (m->exit_of == NULL || m->exits == NULL || m->exit_impact == NULL))
        || m->unit_of == NULL || m->places == NULL || m->facts == NULL || m->units == NULL
        || m->lambda_k == NULL || m->alone_k == NULL) {
        status = mc_fail(err, MC_ERR_MEMORY, -1, "no memory for a margin table");
    } else {
        for (size_t g = 0; g < m->n_groups; ++g)
            m->lambda_k[g] = model->lambda_k[g];
        for (size_t u = 0; u < m->n_units; ++u) {
            m->units[u] = rates_of(&model->units[u], view->quantum_usd);
            m->alone_k[u] = MC_FACTOR_ONE - m->lambda_k[m->units[u].group];
        }
        if (n_exits > 0)
            fill_exits(m, model, view->quantum_usd);
        status = fill_table(m, risk, in, market, model, err);
        if (status == MC_OK && unscanned)
            fill_unscanned(m, model);
    }
    if (status == MC_OK)
        *out = m;
    else
        mc_margin_destroy(m);
    return status;
}

void mc_margin_destroy(mc_margin *m)
{
    if (m == NULL)
        return;
    mc_free(m->table);
    mc_free(m->unit_of);
    mc_free(m->places);
    mc_free(m->facts);
    mc_free(m->unscanned);
    mc_free(m->exit_of);
    mc_free(m->exits);
    mc_free(m->exit_impact);
    mc_free(m->units);
    mc_free(m->lambda_k);
    mc_free(m->alone_k);
    mc_free(m);
}

mc_status mc_margin_rates_of(const mc_margin *m, size_t instrument, mc_margin_rates *rates,
                             mc_error *err)
{
    if (m == NULL || rates == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no margin table, or nowhere to put the rates");
    if (instrument >= m->n_instruments)
        return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)instrument, "instrument %zu of %zu",
                       instrument, m->n_instruments);
    const mc_row_tail *tail = mc_tail(m, (int32_t)instrument);
    *rates = (mc_margin_rates){
        .mark = tail->mark, .roll = tail->roll, .short_option_mm = -tail->short_option_mm + 0.0,
        .short_option_im = -tail->short_option_im + 0.0, .closing = tail->closing, .oracle = tail->oracle,
        .haircut_mm = tail->haircut_mm, .haircut_im = tail->haircut_im,
        .notional = m->facts[instrument].notional, .crowding = fabs(tail->longs),
        .side = m->facts[instrument].side,
    };
    memcpy(rates->vega, tail->vega, sizeof rates->vega);
    return MC_OK;
}
