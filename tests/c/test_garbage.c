/* Columns of rubbish: whatever they hold, a check comes back with a status. Meant to run under
 * the address sanitizer; lengths are true, for no C function can know them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin_core.h>

#include <float.h>

#include "check.h"
#include "bars.h"
#include "preset_world.h"
#include "world.h"

enum { N = 6, ROUNDS = 20000 };

/* Numbers that break things, and now and then a harmless one. */
static double rubbish(chance *c)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1.0, -1.0, 0.5, 1e308, -1e308,
                                 5e-324, 0x1p53, -0x1p53, 1e15, 100.0, 3.0};
    return odd[draw_below(c, 16)];
}

static int32_t small_int(chance *c)
{
    return draw_below(c, 12) ? (int32_t)draw_below(c, 8) - 1
                             : draw_below(c, 2) ? INT32_MIN : INT32_MAX;
}

/* Mostly a good column with one bad place, else all rubbish. */
static void fill(chance *c, double *x, size_t n, double good)
{
    const int64_t kind = draw_below(c, 4);
    for (size_t i = 0; i < n; ++i)
        x[i] = kind == 0 ? rubbish(c) : good;
    if (kind == 1 && n > 0)
        x[draw_below(c, (int64_t)n)] = rubbish(c);
}

static int in_range(mc_status status)
{
    return status >= MC_OK && status < MC_STATUS_END;
}

static void rubbish_instruments_and_markets_get_a_status(void)
{
    chance c = {1};
    for (int round = 0; round < ROUNDS; ++round) {
        int32_t unit[N], term[N], factor[N];
        uint8_t kind[N], inverse[N];
        double strike[N], size[N], step[N], index[N], years[N], forward[N], vol[N], mark[N], lot[N];
        const int tidy = draw_below(&c, 2) == 0;
        for (int i = 0; i < N; ++i) {
            unit[i] = tidy ? i / 3 : small_int(&c);
            term[i] = tidy ? i : small_int(&c);
            kind[i] = (uint8_t)(draw_below(&c, 8) ? draw_below(&c, 3) : draw_below(&c, 256));
            inverse[i] = (uint8_t)draw(&c);
            factor[i] = small_int(&c);
        }
        fill(&c, strike, N, 0.0);
        fill(&c, size, N, 1.0);
        fill(&c, step, N, 1.0);
        fill(&c, index, N, 100.0);
        fill(&c, years, N, 0.5);
        fill(&c, forward, N, 100.0);
        fill(&c, vol, N, 0.5);
        fill(&c, mark, N, 100.0);
        fill(&c, lot, N, 1.0);
        double moves[N * 3] = {0}, event[3] = {0};
        fill(&c, moves, N * 3, 0.0);
        const mc_instruments in = {
            .n = N, .n_units = (size_t)draw_below(&c, N + 1), .n_terms = N, .unit = unit,
            .term = term, .kind = kind, .inverse = draw_below(&c, 2) ? inverse : NULL,
            .factor = draw_below(&c, 2) ? factor : NULL, .strike = strike, .contract_size = size,
            .step = step};
        const mc_market market = {.index_usd = index, .years = years, .forward_usd = forward,
                                  .vol = vol, .mark_usd = mark};
        const mc_scenarios scenarios = {.n_terms = N, .n_scenarios = 3, .spot_move = moves,
                                        .event_move = event, .n_factors = 1};
        const mc_risk_options options = {sizeof options, fabs(rubbish(&c)), small_int(&c), 1};
        double lots[N];
        mc_risk_array *risk = NULL;
        mc_error err;
        CHECK(in_range(mc_instruments_check(&in, &err)));
        CHECK(in_range(mc_market_check(&in, &market, &err)));
        CHECK(in_range(mc_risk_lots(&in, &market, index, 1e-6, lots, &err)));
        CHECK(in_range(mc_risk_array_create(&in, &market, &scenarios, lot, &options, &risk, &err)));
        mc_risk_array_destroy(risk);
    }
}

static void rubbish_scenarios_get_a_status(void)
{
    chance c = {2};
    for (int round = 0; round < ROUNDS; ++round) {
        double columns[8][N], horizon[3], event[6];
        for (int k = 0; k < 8; ++k)
            fill(&c, columns[k], N, k == 2 || k == 7 ? 1.0 : 0.0);
        fill(&c, horizon, 3, 0.0);
        fill(&c, event, 6, 0.0);
        const double *column[8];
        for (int k = 0; k < 8; ++k)
            column[k] = draw_below(&c, 3) ? columns[k] : NULL;
        const int events = draw_below(&c, 2) == 0;
        const mc_scenarios scenarios = {
            .n_terms = 2, .n_scenarios = 3, .spot_move = column[0], .basis_move = column[1],
            .vol_scale = column[2], .vol_shift = column[3], .vol_floor = column[4],
            .skew_slope = column[5], .skew_cap = column[6], .weight = column[7],
            .horizon_years = draw_below(&c, 2) ? horizon : NULL,
            .event_move = events ? event : NULL, .n_factors = events ? 2 : 0};
        size_t base = 0;
        CHECK(in_range(mc_scenarios_check(&scenarios, &base, NULL)) && base < 3);
    }
}

static void rubbish_books_get_a_status(void)
{
    chance c = {3};
    for (int round = 0; round < ROUNDS; ++round) {
        int64_t offset[N + 1] = {0}, order_offset[N + 1] = {0}, cash[N];
        int32_t instrument[N], order_instrument[N], owner[N];
        double lots[N], order_lots[N], limit[N];
        uint8_t mode[N];
        for (int a = 0; a <= N; ++a) { /* within the columns, in no order */
            offset[a] = draw_below(&c, 4) ? a : draw_below(&c, N + 1);
            order_offset[a] = draw_below(&c, 4) ? a : draw_below(&c, N + 1);
        }
        for (int p = 0; p < N; ++p) {
            instrument[p] = draw_below(&c, 4) ? p : small_int(&c);
            order_instrument[p] = draw_below(&c, 4) ? p : small_int(&c);
            owner[p] = small_int(&c);
            mode[p] = (uint8_t)(draw_below(&c, 8) ? draw_below(&c, 3) : draw_below(&c, 256));
            cash[p] = draw_below(&c, 4) ? 100 : (int64_t)draw(&c);
        }
        fill(&c, lots, N, 1.0);
        fill(&c, order_lots, N, 1.0);
        fill(&c, limit, N, 1.0);
        const mc_book_columns columns = {
            .n_accounts = N, .n_instruments = draw_below(&c, 8) ? N : (size_t)draw(&c),
            .offset = offset, .instrument = instrument, .lots = lots,
            .cash = draw_below(&c, 2) ? cash : NULL, .mode = draw_below(&c, 2) ? mode : NULL,
            .owner = draw_below(&c, 2) ? owner : NULL, .n_owners = draw_below(&c, 8) ? 7 : draw(&c),
            .order_offset = draw_below(&c, 2) ? order_offset : NULL,
            .order_instrument = order_instrument, .order_lots = order_lots, .order_limit = limit};
        mc_book *book = NULL;
        const mc_status status = mc_book_create(&columns, &book, NULL);
        CHECK(in_range(status) && (book != NULL) == (status == MC_OK));
        mc_book_destroy(book);
    }
}

/* Every estimator and the thresholds, over bars and prices of which some are rubbish. */
static void rubbish_bars_and_prices_get_a_status_and_never_a_nan(void)
{
    enum { BARS_HERE = 4, ALL = BARS_HERE * N };
    chance c = {9};
    for (int round = 0; round < ROUNDS; ++round) {
        int64_t end_ns[BARS_HERE];
        double open[ALL], high[ALL], low[ALL], close[ALL], out[ALL] = {0}, ranges[ALL] = {0};
        double memory[N * 64] = {0};
        uint8_t present[ALL];
        mc_threshold_state units[N] = {{0}};
        mc_threshold_model model = threshold_model();
        mc_vol_options options = vol_options((int32_t)draw_below(&c, MC_VOL_KIND_END), 3);
        for (int b = 0; b < BARS_HERE; ++b)
            end_ns[b] = (b + 1) * HOUR_NS + (draw_below(&c, 40) ? 0 : (int64_t)draw(&c) % HOUR_NS);
        fill(&c, open, ALL, 2.0);
        fill(&c, high, ALL, 3.0);
        fill(&c, low, ALL, 1.0);
        fill(&c, close, ALL, draw_between(&c, 1.0, 3.0));
        for (int i = 0; i < ALL; ++i)
            present[i] = (uint8_t)draw_below(&c, 4);
        model.tail = draw_below(&c, 4) ? 2.0 : rubbish(&c);
        model.warmup_days = 0.0;
        const mc_bars bars = {BARS_HERE, N, end_ns, open, high, low, close, present};
        mc_vol_state state = {.n_series = N, .memory = memory};
        CHECK(mc_vol_memory(&options) <= 64);
        CHECK(in_range(mc_vol_update(&options, &bars, &state, out, NULL, NULL)));
        const mc_prices prices = {BARS_HERE, N, end_ns, close, present};
        CHECK(in_range(mc_threshold_update(&model, &prices, units, ranges, 1, NULL)));
        for (int i = 0; i < ALL; ++i)
            CHECK(out[i] >= 0.0 && out[i] < 1e9 && ranges[i] >= 0.0 && ranges[i] <= 0.9);
    }
}

static void rubbish_presets_get_a_status(void)
{
    static preset_world w;
    chance c = {9};
    for (int round = 0; round < ROUNDS / 20; ++round) {
        mc_preset *preset = NULL;
        preset_world_make(&w, (uint64_t)round, (mc_combination)draw_below(&c, 5));
        double *const numbers[] = {w.value, w.base, w.mark, w.weight, w.dampener, w.spot_move,
                                   w.long_factor, w.compete_rate, w.gain_cap, w.charge_weight,
                                   w.correlation, &w.columns.core_quantum, &w.spreads[0].rate,
                                   &w.rates[1].above[1], &w.credits[0].ratio[1]};
        int32_t *const indices[] = {w.unit, w.term, w.pair, w.level, w.competitor,
                                    &w.spreads[1].against, w.credits[0].unit, &w.rates[0].n_tiers};
        for (int k = 0; k < 2; ++k) {
            *numbers[draw_below(&c, 15)] = rubbish(&c);
            *indices[draw_below(&c, 8)] = small_int(&c);
        }
        w.charges[draw_below(&c, P_CHARGES)].n_levels = (size_t)draw_below(&c, 40);
        w.charges[draw_below(&c, P_CHARGES)].form = (mc_charge_form)draw_below(&c, 7);
        const mc_status status = mc_preset_create(&w.columns, &preset, NULL);
        CHECK(in_range(status) && (status == MC_OK) == (preset != NULL));
        mc_preset_destroy(preset);
    }
}

static int64_t odd_amount(chance *c)
{
    static const int64_t odd[] = {INT64_MIN, INT64_MAX, INT64_C(1) << 61, -(INT64_C(1) << 61), -1};
    return draw_below(c, 4) ? draw_below(c, 1000) : odd[draw_below(c, 5)];
}

static void rubbish_events_get_a_status_and_nothing_is_lost(void)
{
    chance c = {4};
    int64_t cash[N] = {0}, pnl[N] = {0}, haircuts[N];
    mc_receipt journal[3];
    mc_ledger ledger = {.n_accounts = N, .cash = cash, .pnl = pnl, .journal = journal,
                        .n_journal = 3, .waterfall = {1000, MC_ADL_PRO_RATA, 1, 0}};
    for (int round = 0; round < 20 * ROUNDS; ++round) {
        int64_t candidates[N];
        for (int i = 0; i < N; ++i)
            candidates[i] = draw_below(&c, 8) ? i : odd_amount(&c);
        const int64_t account = draw_below(&c, 8) ? draw_below(&c, N) : odd_amount(&c);
        const mc_event event = {
            .id = draw_below(&c, 8) ? ledger.last_id + 1 : draw(&c), .kind = small_int(&c),
            .account = account, .counterparty = draw_below(&c, N + 1), .amount = odd_amount(&c),
            .pnl = draw_below(&c, 2) && account >= 0 && account < N ? pnl[account] : odd_amount(&c),
            .fee = odd_amount(&c), .first = draw_below(&c, 8) ? 0 : (size_t)draw(&c),
            .count = draw_below(&c, 8) ? (size_t)draw_below(&c, N) : (size_t)draw(&c)};
        size_t done;
        CHECK(in_range(mc_ledger_apply(&ledger, &event, 1, candidates, N, haircuts, NULL, &done,
                                       NULL)));
        CHECK(mc_ledger_check(&ledger, NULL) == MC_OK);
    }
    CHECK(ledger.last_id > ROUNDS);
}

/* Decays, accounts and clocks; what is sold is a share, and a price is a number. */
static void rubbish_auctions_get_a_status_and_never_a_nan(void)
{
    chance c = {8};
    size_t sold = 0;
    for (int round = 0; round < ROUNDS; ++round) {
        double knot_s[3] = {0.0, 1.0, 2.0}, knot_share[3] = {1.0, 0.5, 0.0}, out[5][N], price[N];
        double equity[N], mm[N], reserved[N], elapsed_s[N], want[N], size[N];
        uint8_t insolvent[N];
        const int odd = draw_below(&c, 2) == 0;
        if (odd)
            (draw_below(&c, 2) ? knot_s : knot_share)[draw_below(&c, 3)] = rubbish(&c);
        const mc_decay decay = {.size = sizeof decay, .kind = (int32_t)draw_below(&c, 4),
                                .start = odd ? rubbish(&c) : 1.0, .step = odd ? rubbish(&c) : 0.1,
                                .every_s = odd ? rubbish(&c) : 9.0, .floor = rubbish(&c) < 0.5,
                                .n_knots = (size_t)draw_below(&c, 4), .knot_s = knot_s,
                                .knot_share = knot_share};
        mc_auction_rules rules;
        mc_auction_derive(&rules);
        rules.decay = &decay;
        rules.quanta = (uint8_t)draw_below(&c, 3);
        if (draw_below(&c, 4) == 0)
            rules.whole_below = rules.insolvent_s = rubbish(&c);
        fill(&c, equity, N, 80.0);
        fill(&c, mm, N, 100.0);
        fill(&c, reserved, N, 0.0);
        fill(&c, elapsed_s, N, 1.0);
        fill(&c, want, N, 0.5);
        fill(&c, size, N, 2.0);
        for (int i = 0; i < N; ++i)
            insolvent[i] = draw_below(&c, 30) ? !(equity[i] > reserved[i]) : 1;
        const mc_auction_rows rows = {N, equity, mm, reserved};
        const mc_bids bids = {out[0], out[1], out[2], out[3], out[4]};
        const mc_status status =
            mc_auction_bid(&rules, &rows, insolvent, elapsed_s, want, &bids, NULL);
        CHECK(in_range(status));
        for (int i = 0; status == MC_OK && i < N; ++i, ++sold)
            CHECK(out[0][i] >= 0.0 && out[0][i] <= 1.0 && fabs(out[1][i]) < 1e305
                  && fabs(out[2][i]) < 1e305 && out[3][i] >= 0.0 && out[4][i] >= 0.0);
        const mc_liquidated positions = {N, size, equity, mm, equity, mm};
        if (mc_fillable_price(&positions, 1.0, fabs(rubbish(&c)), price, NULL) == MC_OK)
            for (int i = 0; i < N; ++i)
                CHECK(fabs(price[i]) <= DBL_MAX);
        mc_auction_clock clock = {.seen_ns = (int64_t)draw(&c), .ran_ns = (int64_t)draw(&c),
                                  .running = small_int(&c)};
        const uint8_t valid = (uint8_t)draw_below(&c, 3);
        if (mc_auction_follow(&clock, 1, (int64_t)draw(&c), &valid, &clock, NULL) == MC_OK)
            CHECK(clock.ran_ns >= 0);
    }
    CHECK(sold > 1000);
}

/* Ladders that are mostly sound; what is planned on them only shrinks positions. */
static void rubbish_depths_get_a_status_and_plans_only_shrink(void)
{
    chance c = {6};
    paper world;
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    size_t planned = 0;
    for (int round = 0; round < ROUNDS; ++round) {
        enum { LEVELS = 4 * PAPER_N };
        int64_t offset[2 * PAPER_N + 1] = {0};
        double lots[LEVELS], cost[LEVELS], taken[2 * PAPER_N], limit[2 * PAPER_N];
        for (int side = 0; side < 2 * PAPER_N; ++side)
            offset[side + 1] = offset[side] + (draw_below(&c, 30) ? draw_below(&c, 3) : -1);
        if (draw_below(&c, 30) == 0)
            offset[draw_below(&c, 2 * PAPER_N + 1)] = draw_below(&c, 2) ? -1 : 1;
        fill(&c, lots, LEVELS, 5.0);
        fill(&c, cost, LEVELS, (double)draw_below(&c, 3000000));
        fill(&c, taken, 2 * PAPER_N, 0.0);
        fill(&c, limit, 2 * PAPER_N, 4.5);
        int64_t held[] = {0, 3}, cash = -draw_below(&c, 1200000000), account[] = {0};
        int32_t instrument[] = {BTC_PERPETUAL, BTC_CALL, ETH_PERPETUAL};
        double position[3];
        for (int i = 0; i < 3; ++i)
            position[i] = (double)(draw_below(&c, 21) - 10);
        const uint8_t mode = (uint8_t)draw_below(&c, MC_MODE_END);
        const mc_book_columns columns = {
            .n_accounts = 1, .n_instruments = PAPER_N, .offset = held, .instrument = instrument,
            .lots = position, .cash = &cash, .mode = &mode};
        mc_book *book = NULL;
        CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
        const mc_depth depth = {.n_instruments = PAPER_N, .offset = offset, .lots = lots,
                                .cost = cost, .taken = taken,
                                .limit = draw_below(&c, 2) ? limit : NULL};
        mc_trade trades[3];
        mc_plan plan;
        size_t done = 0;
        const int broken = offset[2 * PAPER_N] > LEVELS || offset[2 * PAPER_N] < 0;
        const mc_status status =
            broken ? MC_ERR_ORDER
                   : mc_plan_accounts(margin, book, NULL, NULL, account, 1,
                                      &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades, 3, &plan,
                                      &done, NULL);
        CHECK(in_range(status));
        for (size_t t = 0; status == MC_OK && t < done; ++t)
            for (int i = 0; i < 3; ++i)
                if (instrument[i] == trades[t].instrument) {
                    const double after = position[i] + trades[t].lots;
                    CHECK(fabs(after) < fabs(position[i]) && after * position[i] >= 0.0);
                    CHECK(trades[t].cost >= 0);
                    ++planned;
                }
        mc_book_destroy(book);
    }
    CHECK(planned > 100);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
}

int main(void)
{
    RUN(rubbish_instruments_and_markets_get_a_status);
    RUN(rubbish_scenarios_get_a_status);
    RUN(rubbish_books_get_a_status);
    RUN(rubbish_bars_and_prices_get_a_status_and_never_a_nan);
    RUN(rubbish_presets_get_a_status);
    RUN(rubbish_depths_get_a_status_and_plans_only_shrink);
    RUN(rubbish_auctions_get_a_status_and_never_a_nan);
    RUN(rubbish_events_get_a_status_and_nothing_is_lost);
    return REPORT();
}
