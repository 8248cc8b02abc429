/* preset_world.h - a venue with a rule of every kind, drawn from a seed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_TESTS_PRESET_WORLD_H
#define MC_TESTS_PRESET_WORLD_H

#include <margin_core/preset.h>

#include "world.h"

enum {
    P_UNITS = 3, P_TERMS = 6, P_N = 24, P_COLUMNS = 70, P_COMPETITORS = 2, P_CHARGES = 5,
    P_LEVELS = 2,
};

typedef struct preset_world {
    int32_t unit[P_N], term[P_N], pair[P_N], level[P_N], competitor[P_COLUMNS];
    uint8_t is_option[P_N], folds[P_COLUMNS];
    double value[P_N * P_COLUMNS], base[P_N], mark[P_N], delta[P_N], charge_weight[P_N];
    double weight[P_UNITS * P_COLUMNS], dampener[P_UNITS * P_COLUMNS];
    double spot_move[P_UNITS * P_COLUMNS], long_factor[P_TERMS], short_factor[P_TERMS];
    double compete_rate[P_COMPETITORS * P_TERMS], gain_offset[P_UNITS], gain_cap[P_UNITS];
    double correlation[P_UNITS * P_UNITS];
    mc_charge_rates rates[P_UNITS];
    mc_spread spreads[2];
    mc_charge charges[P_CHARGES];
    mc_credit credits[1];
    mc_preset_columns columns;
} preset_world;

static inline void fill_between(chance *c, double *x, size_t n, double low, double high)
{
    for (size_t i = 0; i < n; ++i)
        x[i] = draw_between(c, low, high);
}

/* 24 instruments: 3 units of 2 terms of 2 pairs of a call and a put. The last 4 of 70 columns
 * belong to two competitors. */
static inline void preset_world_make(preset_world *w, uint64_t seed, mc_combination combination)
{
    chance c = {seed};
    for (int i = 0; i < P_N; ++i) {
        w->unit[i] = i / 8;
        w->term[i] = i / 4;
        w->pair[i] = i / 2;
        w->level[i] = w->term[i] % P_LEVELS;
        w->is_option[i] = (uint8_t)(i % 8 > 1);
    }
    for (int z = 0; z < P_COLUMNS; ++z) {
        w->folds[z] = (uint8_t)(z % 9 == 8);
        w->competitor[z] = z < P_COLUMNS - 4 ? -1 : (z - P_COLUMNS + 4) / 2;
        for (int u = 0; u < P_UNITS; ++u)
            w->spot_move[u * P_COLUMNS + z] = (z % 7 - 3) / 16.0;
    }
    fill_between(&c, w->value, P_N * P_COLUMNS, -10.0, 20.0);
    fill_between(&c, w->base, P_N, 0.0, 10.0);
    fill_between(&c, w->mark, P_N, 0.0, 10.0);
    fill_between(&c, w->delta, P_N, -1.0, 1.0);
    fill_between(&c, w->charge_weight, P_N, -5.0, 5.0);
    fill_between(&c, w->weight, P_UNITS * P_COLUMNS, 0.25, 1.0);
    fill_between(&c, w->dampener, P_UNITS * P_COLUMNS, 0.0, 1.0);
    fill_between(&c, w->long_factor, P_TERMS, 0.9, 1.0);
    fill_between(&c, w->short_factor, P_TERMS, 1.0, 1.1);
    fill_between(&c, w->compete_rate, P_COMPETITORS * P_TERMS, 0.5, 2.0);
    fill_between(&c, w->gain_offset, P_UNITS, 0.0, 1.0);
    fill_between(&c, w->gain_cap, P_UNITS, 1.0, 50.0);
    for (int u = 0; u < P_UNITS * P_UNITS; ++u)
        w->correlation[u] = u % (P_UNITS + 1) == 0 ? 1.0 : 0.5;
    for (int u = 0; u < P_UNITS; ++u)
        w->rates[u] = (mc_charge_rates){
            .mm = 0.5, .im = 0.75, .shape = (mc_charge_shape)u, .n_tiers = 2, .above = {1.0, 5.0},
            .multiplier = {1.0, 2.0}, .ramp_slope = 0.25, .ramp_threshold = 2.0, .ramp_cap = 0.5};
    w->spreads[0] = (mc_spread){0, 0, 0.5};
    w->spreads[1] = (mc_spread){0, 1, 0.25};
    for (int k = 0; k < P_CHARGES; ++k)
        w->charges[k] = (mc_charge){
            .form = (mc_charge_form)k, .segment = (mc_charge_segment)k,
            .role = (mc_charge_role)(k % MC_CHARGE_ROLE_END), .weight = w->charge_weight,
            .level = k >= 3 ? w->level : NULL, .n_levels = k >= 3 ? P_LEVELS : 0,
            .rates = w->rates, .spreads = w->spreads, .n_spreads = k == MC_CHARGE_SPREADS ? 2 : 0};
    w->charges[MC_CHARGE_LEAST_NET].segment = MC_PER_UNIT;
    w->charges[MC_CHARGE_LEAST_NET].level = NULL;
    w->credits[0] = (mc_credit){{0, 1}, {1, -1}, {1.0, 2.0}, 0.75};
    w->columns = (mc_preset_columns){
        .size = sizeof w->columns, .n = P_N, .n_units = P_UNITS, .n_terms = P_TERMS,
        .n_columns = P_COLUMNS, .unit = w->unit, .term = w->term, .pair = w->pair,
        .is_option = w->is_option, .value = w->value, .base = w->base, .mark = w->mark,
        .delta = w->delta, .weight = w->weight, .long_factor = w->long_factor,
        .short_factor = w->short_factor, .folds = w->folds, .competitor = w->competitor,
        .n_competitors = P_COMPETITORS, .compete_rate = w->compete_rate, .dampener = w->dampener,
        .gain_offset = w->gain_offset, .gain_cap = w->gain_cap, .core_quantum = 0.0,
        .charges = w->charges, .n_charges = P_CHARGES, .combination = combination,
        .lambda_frac = 0.5, .correlation = w->correlation, .credits = w->credits, .n_credits = 1,
        .spot_move = w->spot_move, .mm_factor = 0.8, .im_factor = 1.0};
}

/* `n` accounts of up to 12 positions in quarters. */
typedef struct preset_book {
    int64_t *offset;
    int32_t *instrument;
    double *lots;
    mc_book_columns columns;
} preset_book;

static inline void preset_book_make(preset_book *b, uint64_t seed, size_t n)
{
    chance c = {seed};
    b->offset = calloc(n + 1, sizeof *b->offset);
    b->instrument = calloc(P_N * n, sizeof *b->instrument);
    b->lots = calloc(P_N * n, sizeof *b->lots);
    for (size_t a = 0; a < n; ++a) {
        int64_t p = b->offset[a];
        for (int i = 0; i < P_N; ++i)
            if (draw_below(&c, 2) == 0) {
                b->instrument[p] = i;
                b->lots[p++] = (double)(draw_below(&c, 401) - 200) / 4.0;
            }
        b->offset[a + 1] = p;
    }
    b->columns = (mc_book_columns){.n_accounts = n, .n_instruments = P_N, .offset = b->offset,
                                   .instrument = b->instrument, .lots = b->lots, .fractional = 1};
}

static inline void preset_book_free(preset_book *b)
{
    free(b->offset);
    free(b->instrument);
    free(b->lots);
}

#endif
