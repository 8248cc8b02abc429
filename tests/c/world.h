/* world.h - a market small enough for paper, and random ones of any size. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_TESTS_WORLD_H
#define MC_TESTS_WORLD_H

#include <margin_core/margin_core.h>

#include <math.h>
#include <stdlib.h>

/* ---- on paper: two units, six instruments, four scenarios; a lot is one coin, 1e6 quanta a USD.
 *
 * Options have no volatility, so they are worth their intrinsic value and every cell is a sum
 * that one can do by hand. Fractions are dyadic: no product rounds unless a comment says so.
 */
enum { PAPER_N = 6, PAPER_TERMS = 5, PAPER_UNITS = 2, PAPER_S = 4 };
enum { BTC, BTC_PERPETUAL, BTC_FUTURE, BTC_CALL, BTC_PUT, ETH_PERPETUAL };

typedef struct paper {
    int32_t unit[PAPER_N], term[PAPER_N];
    uint8_t kind[PAPER_N], inverse[PAPER_N];
    double strike[PAPER_N], size[PAPER_N], step[PAPER_N], lot[PAPER_N];
    double index[PAPER_UNITS], confidence[PAPER_UNITS], years[PAPER_TERMS];
    double forward[PAPER_N], vol[PAPER_N], mark[PAPER_N];
    double spot_move[PAPER_TERMS * PAPER_S];
    mc_unit_margin units[PAPER_UNITS];
    int32_t lambda_k[1];
    mc_instruments instruments;
    mc_market market;
    mc_scenarios scenarios;
    mc_margin_model model;
    mc_risk_options options;
} paper;

static inline void paper_make(paper *w)
{
    static const paper numbers = {
        .unit = {0, 0, 0, 0, 0, 1},
        .term = {0, 1, 2, 3, 3, 4},
        .kind = {MC_SPOT, MC_PERPETUAL, MC_FUTURE, MC_CALL, MC_PUT, MC_PERPETUAL},
        .strike = {0, 0, 0, 100, 100, 0},
        .size = {1, 1, 1, 1, 1, 1},
        .step = {1, 1, 1, 1, 1, 1},
        .lot = {1, 1, 1, 1, 1, 1},
        .index = {100, 10},
        .confidence = {0, 0x1p-8},
        .years = {0, 0, 0.5, 1, 0},
        .forward = {100, 100, 110, 120, 120, 10},
        .mark = {100, 100, 110, 21, 1, 10},
        .spot_move = {
            0, -0.125,  0.125, -0.25, /* BTC: its four terms move together */
            0, -0.125,  0.125, -0.25,
            0, -0.125,  0.125, -0.25,
            0, -0.125,  0.125, -0.25,
            0,  0.125, -0.125, -0.25, /* ETH */
        },
        .lambda_k = {512},
        .options = MC_RISK_OPTIONS_INIT,
    };
    *w = numbers;
    for (int u = 0; u < PAPER_UNITS; ++u)
        w->units[u] = (mc_unit_margin){
            .roll_min_frac = 0x1p-6, .short_option_mm_frac = 0x1p-4, .short_option_im_frac = 0x1p-3,
            .close_frac = 0x1p-7, .asset_haircut_frac = 0.25,
            .isolated_mm_frac = 0.125, .isolated_im_frac = 0.25,
            .n_tiers = 2, .tiers = {{0, 0x1p-4, 0x1p-3}, {1000, 0x1p-3, 0x1p-2}},
        };
    w->instruments = (mc_instruments){
        .n = PAPER_N, .n_units = PAPER_UNITS, .n_terms = PAPER_TERMS, .unit = w->unit,
        .term = w->term, .kind = w->kind, .inverse = w->inverse, .strike = w->strike,
        .contract_size = w->size, .step = w->step,
    };
    w->market = (mc_market){
        .index_usd = w->index, .confidence_frac = w->confidence, .years = w->years,
        .forward_usd = w->forward, .vol = w->vol, .mark_usd = w->mark,
    };
    w->scenarios = (mc_scenarios){
        .n_terms = PAPER_TERMS, .n_scenarios = PAPER_S, .spot_move = w->spot_move,
    };
    w->model = (mc_margin_model){
        .size = sizeof w->model, .n_units = PAPER_UNITS, .units = w->units, .n_groups = 1,
        .lambda_k = w->lambda_k, .mm_factor_k = 1024, .im_factor_k = 1536,
        .vega_edge_years = {0.1, 0.25, 1.0},
    };
}

static inline mc_status paper_risk(const paper *w, mc_risk_array **risk, mc_error *err)
{
    return mc_risk_array_create(&w->instruments, &w->market, &w->scenarios, w->lot, &w->options,
                                risk, err);
}

static inline mc_status paper_margin(const paper *w, const mc_risk_array *risk, mc_margin **margin,
                                     mc_error *err)
{
    return mc_margin_create(risk, &w->instruments, &w->market, &w->model, margin, err);
}

/* ---- at random, and the same on every machine ---- */

typedef struct chance { uint64_t state; } chance;

/* Source: S. Vigna, splitmix64 (2015), public domain. */
static inline uint64_t draw(chance *c)
{
    uint64_t x = c->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline double draw_between(chance *c, double low, double high)
{
    return low + (high - low) * ((double)(draw(c) >> 11) * 0x1p-53);
}

static inline int64_t draw_below(chance *c, int64_t n)
{
    return (int64_t)(draw(c) % (uint64_t)n);
}

enum {
    R_UNITS = 5, R_GROUPS = 3, R_EXPIRIES = 2, R_STRIKES = 4,
    R_TERMS_OF_UNIT = 2 + R_EXPIRIES,                       /* spot, perpetual, expiries */
    R_OF_UNIT = 2 + R_EXPIRIES * (1 + 2 * R_STRIKES),
    R_N = R_UNITS * R_OF_UNIT, R_TERMS = R_UNITS * R_TERMS_OF_UNIT, R_FACTORS = 2,
};

/* Five units with linear and inverse contracts, every shock in use, any number of scenarios. */
typedef struct random_world {
    int32_t unit[R_N], term[R_N], factor[R_N], group[R_UNITS], lambda_k[R_GROUPS];
    uint8_t kind[R_N], inverse[R_N];
    double strike[R_N], size[R_N], step[R_N], lot[R_N];
    double index[R_UNITS], confidence[R_UNITS], range[R_UNITS], years[R_TERMS];
    double forward[R_N], discount[R_N], vol[R_N], mark[R_N], quote[R_N];
    double *shocks; /* one allocation for all columns of the scenarios */
    mc_unit_margin units[R_UNITS];
    mc_asset assets[R_UNITS];
    mc_instruments instruments;
    mc_market market;
    mc_scenarios scenarios;
    mc_margin_model model;
} random_world;

static inline void random_world_instruments(random_world *w, chance *c)
{
    int i = 0;
    for (int u = 0; u < R_UNITS; ++u) {
        static const double scale[] = {1, 10, 100, 1000, 10000}; /* no libm: same on all machines */
        w->index[u] = scale[draw_below(c, 5)] * draw_between(c, 1.0, 9.0);
        w->confidence[u] = draw_between(c, 0.0, 0.01);
        w->range[u] = draw_between(c, 0.1, 0.5);
        for (int t = 0; t < R_TERMS_OF_UNIT; ++t) {
            const int term = u * R_TERMS_OF_UNIT + t;
            const int options = t >= 2 ? 2 * R_STRIKES : 0;
            const int inverse = t > 0 && u % 2;
            const double basis = t == 0 ? 1.0 : draw_between(c, 0.97, 1.05);
            w->years[term] = t < 2 ? 0.0 : draw_between(c, 0.001, 1.5);
            for (int k = 0; k <= options; ++k, ++i) {
                w->unit[i] = u;
                w->term[i] = term;
                w->factor[i] = t == 0 ? (int32_t)draw_below(c, R_FACTORS + 1) - 1 : -1;
                w->kind[i] = (uint8_t)(k > 0 ? (k % 2 ? MC_CALL : MC_PUT)
                                     : t == 0 ? MC_SPOT : t == 1 ? MC_PERPETUAL : MC_FUTURE);
                w->inverse[i] = (uint8_t)inverse;
                w->strike[i] = k > 0 ? w->index[u] * (0.7 + 0.2 * ((k - 1) / 2)) : 0.0;
                w->size[i] = inverse && k == 0 ? 10.0 : 1.0;
                w->step[i] = 0.001;
                w->forward[i] = w->index[u] * basis;
                w->discount[i] = draw_between(c, 0.95, 1.0);
                w->vol[i] = k > 0 ? draw_between(c, 0.3, 1.2) : 0.0;
                w->mark[i] = k > 0 ? w->index[u] * draw_between(c, 0.0, 0.1)
                           : inverse ? -1.0 : w->forward[i];
                w->quote[i] = draw_between(c, 0.9, 1.1);
            }
        }
    }
}

static inline void random_world_scenarios(random_world *w, chance *c, size_t n)
{
    const size_t cells = R_TERMS * n;
    w->shocks = malloc((8 * cells + (1 + R_FACTORS) * n) * sizeof(double));
    double *const spot = w->shocks, *const basis = spot + cells, *const scale = basis + cells;
    double *const shift = scale + cells, *const floor_ = shift + cells, *const slope = floor_ + cells;
    double *const cap = slope + cells, *const weight = cap + cells, *const horizon = weight + cells;
    double *const event = horizon + n;
    for (size_t z = 0; z < n; ++z) {
        const int still = z == n / 2; /* the base need not come first */
        for (size_t u = 0; u < R_UNITS; ++u) {
            const double move = still ? 0.0 : draw_between(c, -0.4, 0.4);
            for (size_t t = u * R_TERMS_OF_UNIT; t < (u + 1) * R_TERMS_OF_UNIT; ++t) {
                const size_t at = t * n + z;
                const int first = t % R_TERMS_OF_UNIT == 0; /* spot has no basis to its own price */
                spot[at] = move;
                basis[at] = still || first ? 0.0 : draw_between(c, -0.02, 0.02);
                scale[at] = still ? 1.0 : draw_between(c, 0.5, 1.6);
                shift[at] = still ? 0.0 : draw_between(c, -0.1, 0.2);
                floor_[at] = still ? 0.0 : draw_between(c, 0.0, 0.3);
                slope[at] = still ? 0.0 : draw_between(c, -1.0, 1.0);
                cap[at] = draw_between(c, 0.0, 0.5);
                weight[at] = draw_between(c, 0.3, 1.0);
            }
        }
        horizon[z] = still ? 0.0 : draw_between(c, 0.0, 0.01);
        for (size_t f = 0; f < R_FACTORS; ++f)
            event[f * n + z] = still ? 0.0 : draw_between(c, -0.3, 0.0);
    }
    w->scenarios = (mc_scenarios){
        .n_terms = R_TERMS, .n_scenarios = n, .spot_move = spot, .basis_move = basis,
        .vol_scale = scale, .vol_shift = shift, .vol_floor = floor_, .skew_slope = slope,
        .skew_cap = cap, .weight = weight, .horizon_years = horizon, .event_move = event,
        .n_factors = R_FACTORS,
    };
}

static inline void random_world_make(random_world *w, uint64_t seed, size_t n_scenarios)
{
    chance c = {seed};
    memset(w, 0, sizeof *w);
    random_world_instruments(w, &c);
    random_world_scenarios(w, &c, n_scenarios);
    for (int u = 0; u < R_UNITS; ++u)
        w->units[u] = (mc_unit_margin){
            .group = u * R_GROUPS / R_UNITS, .roll_move_frac = 0.04, .roll_min_frac = 0.002,
            .short_option_mm_frac = 0.01, .short_option_im_frac = 0.02, .vega_twist = 0.1,
            .close_frac = 0.001, .depth_usd = 1e5, .impact_frac = 0.02, .market_depth_usd = 1e6,
            .market_impact_frac = 0.01, .asset_haircut_frac = 0.1, .isolated_mm_frac = 0.02,
            .isolated_im_frac = 0.04, .n_tiers = 3,
            .tiers = {{0, 0.01, 0.02}, {1e4, 0.03, 0.05}, {1e6, 0.1, 0.2}},
            .open_interest_usd = 5e6, .open_interest_lower_usd = 1e6, .open_interest_upper_usd = 1e8,
        };
    for (int u = 0; u < R_UNITS; ++u) /* each unit's first instrument is its coin */
        w->assets[u] = (mc_asset){.instrument = u * R_OF_UNIT, .exit_market = u > 2,
                                  .haircut_mm_frac = 0.01 * u, .haircut_im_frac = 0.02 * u,
                                  .exit_depth_usd = u > 1 ? 1e4 : 0.0, .exit_impact_frac = 0.05,
                                  .unscanned_frac = 0.03 * u};
    for (int g = 0; g < R_GROUPS; ++g)
        w->lambda_k[g] = 300 * g;
    w->instruments = (mc_instruments){
        .n = R_N, .n_units = R_UNITS, .n_terms = R_TERMS, .unit = w->unit, .term = w->term,
        .kind = w->kind, .inverse = w->inverse, .factor = w->factor, .strike = w->strike,
        .contract_size = w->size, .step = w->step,
    };
    w->market = (mc_market){
        .index_usd = w->index, .confidence_frac = w->confidence, .years = w->years,
        .forward_usd = w->forward, .discount = w->discount, .vol = w->vol, .mark_usd = w->mark,
        .quote_usd = w->quote,
    };
    w->model = (mc_margin_model){
        .size = sizeof w->model, .n_units = R_UNITS, .units = w->units, .n_groups = R_GROUPS,
        .lambda_k = w->lambda_k, .mm_factor_k = 1100, .im_factor_k = 1400,
        .vega_edge_years = {0.05, 0.25, 1.0}, .n_assets = R_UNITS, .assets = w->assets,
    };
}

static inline void random_world_free(random_world *w)
{
    free(w->shocks);
}

/* Accounts of every mode with positions and orders; every third belongs to one of the owners. */
typedef struct random_book {
    int64_t *offset, *order_offset, *cash;
    int32_t *instrument, *order_instrument, *owner;
    double *lots, *order_lots, *order_limit;
    uint8_t *mode;
    mc_book_columns columns;
} random_book;

enum { BOOK_POSITIONS = 12, BOOK_ORDERS = 4, BOOK_OWNERS = 7 };

static inline void random_book_make(random_book *b, uint64_t seed, size_t n_accounts)
{
    chance c = {seed};
    b->offset = calloc(n_accounts + 1, sizeof *b->offset);
    b->order_offset = calloc(n_accounts + 1, sizeof *b->order_offset);
    b->cash = calloc(n_accounts, sizeof *b->cash);
    b->mode = calloc(n_accounts, sizeof *b->mode);
    b->owner = calloc(n_accounts, sizeof *b->owner);
    b->instrument = calloc(n_accounts * BOOK_POSITIONS, sizeof *b->instrument);
    b->lots = calloc(n_accounts * BOOK_POSITIONS, sizeof *b->lots);
    b->order_instrument = calloc(n_accounts * BOOK_ORDERS, sizeof *b->order_instrument);
    b->order_lots = calloc(n_accounts * BOOK_ORDERS, sizeof *b->order_lots);
    b->order_limit = calloc(n_accounts * BOOK_ORDERS, sizeof *b->order_limit);
    for (size_t a = 0; a < n_accounts; ++a) {
        int64_t p = b->offset[a], o = b->order_offset[a];
        int32_t i = (int32_t)draw_below(&c, 20);
        for (; i < R_N && p - b->offset[a] < BOOK_POSITIONS; i += 1 + (int32_t)draw_below(&c, 25)) {
            b->instrument[p] = i;
            b->lots[p++] = (double)(draw_below(&c, 2001) - 1000);
        }
        if (draw_below(&c, 3) == 0)
            for (i = (int32_t)draw_below(&c, 30);
                 i < R_N && o - b->order_offset[a] < BOOK_ORDERS; i += (int32_t)draw_below(&c, 40)) {
                b->order_instrument[o] = i;
                b->order_lots[o] = (double)(draw_below(&c, 401) - 200);
                b->order_limit[o++] = (double)draw_below(&c, 1000000);
            }
        b->offset[a + 1] = p;
        b->order_offset[a + 1] = o;
        b->cash[a] = draw_below(&c, INT64_C(2000000000)) - 500000000;
        b->mode[a] = (uint8_t)(draw_below(&c, 5) < 3 ? MC_PORTFOLIO : 1 + draw_below(&c, 2));
        b->owner[a] = a % 3 ? -1 : (int32_t)draw_below(&c, BOOK_OWNERS);
    }
    b->columns = (mc_book_columns){
        .n_accounts = n_accounts, .n_instruments = R_N, .offset = b->offset,
        .instrument = b->instrument, .lots = b->lots, .cash = b->cash, .mode = b->mode,
        .owner = b->owner, .n_owners = BOOK_OWNERS, .order_offset = b->order_offset,
        .order_instrument = b->order_instrument, .order_lots = b->order_lots,
        .order_limit = b->order_limit,
    };
}

static inline void random_book_free(random_book *b)
{
    free(b->offset);
    free(b->order_offset);
    free(b->cash);
    free(b->mode);
    free(b->owner);
    free(b->instrument);
    free(b->lots);
    free(b->order_instrument);
    free(b->order_lots);
    free(b->order_limit);
}

/* ---- everything that a sweep can return, in one piece that memcmp compares ---- */

typedef struct whole_standing {
    mc_standing columns;
    void *memory;
    size_t bytes;
} whole_standing;

static inline void whole_standing_make(whole_standing *s, size_t n, size_t n_units, size_t n_groups,
                                       int filling)
{
    const size_t per_account = 14 * 8 + n_groups * 12 + n_units * 12 + 1;
    s->bytes = n * per_account;
    s->memory = malloc(s->bytes);
    memset(s->memory, filling, s->bytes);
    int64_t *at = s->memory;
    int64_t **const wide[] = {
        &s->columns.equity, &s->columns.im, &s->columns.mm, &s->columns.core,
        &s->columns.short_option_mm, &s->columns.short_option_im, &s->columns.roll,
        &s->columns.vega, &s->columns.concentration, &s->columns.oracle, &s->columns.closing,
        &s->columns.haircut_mm, &s->columns.haircut_im, &s->columns.rounding,
    };
    for (size_t c = 0; c < sizeof wide / sizeof wide[0]; ++c, at += n)
        *wide[c] = at;
    s->columns.joint_scan = at;
    s->columns.unit_scan = at + n * n_groups;
    int32_t *const narrow = (int32_t *)(at + n * (n_groups + n_units));
    s->columns.joint_scenario = narrow;
    s->columns.unit_scenario = narrow + n * n_groups;
    s->columns.status = (uint8_t *)(narrow + n * (n_groups + n_units));
}

#endif
