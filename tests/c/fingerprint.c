/* Prints one hash a copy of the kernels, over everything that a fixed workload computes: cells,
 * rates, requirements, rankings, volatilities, ranges and auctions (test_pricing.c does the same
 * for prices and Greeks).
 * Compilers, levels of optimisation, threads and processors must agree on it; `fingerprint FILE`
 * compares it with the line in FILE.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin_core.h>

#include <stdio.h>
#include <string.h>

#include "bars.h"
#include "preset_world.h"
#include "world.h"

enum { ACCOUNTS = 2500 };

static uint64_t hash;

/* FNV-1a. Source: G. Fowler, L. Noll, K.-P. Vo, IETF draft-eastlake-fnv. */
static void add(const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t b = 0; b < bytes; ++b)
        hash = (hash ^ at[b]) * UINT64_C(0x100000001b3);
}

/* Stops at the first call that fails: there is nothing to compare then. */
static void must(mc_status status)
{
    if (status != MC_OK) {
        fprintf(stderr, "%s\n", mc_status_name(status));
        exit(2);
    }
}

/* Plans of every account in the order of the ranking, against one depth of square-root ladders. */
static void add_plans(const mc_margin *margin, const mc_book *book, const mc_risk_view *view,
                      const int64_t *market, const int64_t *owners, const int64_t *order)
{
    static mc_trade trades[ACCOUNTS * BOOK_POSITIONS];
    static mc_plan plans[ACCOUNTS];
    static double lots[2 * R_N * MC_DEPTH_LEVELS], cost[2 * R_N * MC_DEPTH_LEVELS], taken[2 * R_N];
    int64_t offset[2 * R_N + 1] = {0};
    for (int side = 0; side < 2 * R_N; ++side) {
        const double notional = view->notional[side / 2];
        size_t n;
        taken[side] = 0.0;
        must(mc_depth_square_root(notional > 1.0 ? notional : 1.0, 100.0 + 37.0 * side, 0x1p-12,
                                  0x1p-6, lots + offset[side], cost + offset[side], &n, NULL));
        offset[side + 1] = offset[side] + (int64_t)n;
    }
    const mc_depth depth = {.n_instruments = R_N, .offset = offset, .lots = lots, .cost = cost,
                            .taken = taken};
    mc_plan_rules rules = MC_PLAN_RULES_INIT;
    rules.buffer_k = 51;
    rules.fee_k = 1 << 10;
    size_t done = 0;
    memset(trades, 0, sizeof trades);
    must(mc_plan_accounts(margin, book, market, owners, order, ACCOUNTS, &rules, &depth, trades,
                          ACCOUNTS * BOOK_POSITIONS, plans, &done, NULL));
    must(mc_depth_recover(&depth, 7.0, 11.0, NULL));
    add(trades, sizeof trades);
    add(plans, sizeof plans);
    add(taken, sizeof taken);
}

static void add_margin(size_t n_scenarios, double quantum)
{
    random_world world;
    random_book accounts;
    mc_risk_array *risk;
    mc_margin *margin;
    mc_book *book;
    mc_risk_view view;
    static double pnl[ACCOUNTS];
    static int32_t scenario[ACCOUNTS];
    static int64_t order[ACCOUNTS];
    int64_t market[2 * R_UNITS], owners[2 * R_UNITS * BOOK_OWNERS];

    random_world_make(&world, 101, n_scenarios);
    random_book_make(&accounts, 102, ACCOUNTS);
    const mc_range all = {0, ACCOUNTS, 2};
    const mc_risk_options options = {sizeof options, quantum, -1, 2};
    must(mc_risk_lots(&world.instruments, &world.market, world.range, 1e-6, world.lot, NULL));
    add(world.lot, sizeof world.lot);
    for (int i = 0; i < R_N; ++i)
        world.lot[i] = 0.1;
    must(mc_risk_array_create(&world.instruments, &world.market, &world.scenarios, world.lot,
                              &options, &risk, NULL));
    must(mc_book_create(&accounts.columns, &book, NULL));
    mc_risk_array_view(risk, &view);
    add(view.cells, R_N * view.stride * sizeof(double));
    must(mc_scan(risk, book, &all, pnl, scenario, NULL));
    add(pnl, sizeof pnl);
    add(scenario, sizeof scenario);
    if (quantum > 0.0) {
        const double *const columns[] = {view.mark, view.value, view.notional, view.delta,
                                         view.basis_delta, view.vega};
        whole_standing standing;
        for (size_t c = 0; c < 6; ++c)
            add(columns[c], R_N * sizeof(double));
        must(mc_margin_create(risk, &world.instruments, &world.market, &world.model, &margin, NULL));
        must(mc_exposure(margin, book, 2, market, owners, NULL));
        whole_standing_make(&standing, ACCOUNTS, R_UNITS, R_GROUPS, 0);
        must(mc_sweep(margin, book, &all, market, owners, &standing.columns, NULL));
        must(mc_rank(standing.columns.equity, standing.columns.mm, ACCOUNTS, order, NULL));
        add(market, sizeof market);
        add(owners, sizeof owners);
        add(standing.memory, standing.bytes);
        add(order, sizeof order);
        add_plans(margin, book, &view, market, owners, order);
        free(standing.memory);
        mc_margin_destroy(margin);
    }
    mc_book_destroy(book);
    mc_risk_array_destroy(risk);
    random_book_free(&accounts);
    random_world_free(&world);
}

static void add_preset(mc_combination combination)
{
    static preset_world world;
    static double mm[ACCOUNTS], im[ACCOUNTS], row[ACCOUNTS * P_UNITS * P_COLUMNS];
    static int32_t worst[ACCOUNTS * P_UNITS];
    preset_book accounts;
    mc_preset *preset;
    mc_book *book;
    preset_world_make(&world, 103, combination);
    preset_book_make(&accounts, 104, ACCOUNTS);
    must(mc_preset_create(&world.columns, &preset, NULL));
    must(mc_book_create(&accounts.columns, &book, NULL));
    const mc_preset_standing out = {.mm = mm, .im = im, .unit_worst = worst, .unit_row = row};
    must(mc_preset_sweep(preset, book, &(mc_range){0, ACCOUNTS, 2}, NULL, &out, NULL));
    add(mm, sizeof mm);
    add(im, sizeof im);
    add(worst, sizeof worst);
    add(row, sizeof row);
    mc_book_destroy(book);
    mc_preset_destroy(preset);
    preset_book_free(&accounts);
}

static void add_dynamics(void)
{
    static made_bars made;
    static double out[BARS * SERIES];
    static mc_threshold_state units[SERIES];
    make_bars(&made, 480001, 7);
    for (int32_t kind = 0; kind < MC_VOL_KIND_END; ++kind) {
        mc_vol_options options = vol_options(kind, 24);
        mc_vol_state state = {.n_series = SERIES};
        const mc_bars bars = some_bars(&made, 0, BARS);
        options.n_threads = 2;
        state.memory = calloc(mc_vol_memory(&options) * SERIES, sizeof(double));
        must(mc_vol_update(&options, &bars, &state, out, NULL, NULL));
        add(out, sizeof out);
        free(state.memory);
    }
    const mc_threshold_model model = threshold_model();
    const mc_prices prices = {.n_steps = BARS, .n_units = SERIES, .time_ns = made.end_ns,
                              .price_usd = made.close, .present = made.present};
    memset(units, 0, sizeof units);
    must(mc_threshold_update(&model, &prices, units, out, 2, NULL));
    add(out, sizeof out);
    add(units, sizeof units);
}

/* Shares, prices and accounts of many auctions, in money and in quanta, and dYdX's prices. */
static void add_auctions(void)
{
    enum { ROWS = 4000 };
    static double equity[ROWS], mm[ROWS], reserved[ROWS], elapsed_s[ROWS], want[ROWS], size[ROWS];
    static double out[5][ROWS];
    static uint8_t insolvent[ROWS];
    const mc_bids bids = {out[0], out[1], out[2], out[3], out[4]};
    mc_auction_rules rules;
    mc_auction_derive(&rules);
    const mc_decay *const derive = rules.decay;
    const mc_decay halves = {.size = sizeof halves, .kind = MC_DECAY_EXPONENTIAL, .start = 0.95,
                             .every_s = 700.0, .floor = 0.05};
    const mc_decay stair = {.size = sizeof stair, .kind = MC_DECAY_STAIR, .start = 1.3,
                            .step = 0.01, .every_s = 90.0};
    const mc_decay *const decays[] = {derive, &halves, &stair};
    chance c = {105};
    for (int i = 0; i < ROWS; ++i) {
        insolvent[i] = (uint8_t)draw_below(&c, 2);
        reserved[i] = (double)draw_below(&c, 1000000);
        const double worth = (double)(1 + draw_below(&c, 1 << 30));
        equity[i] = reserved[i] + (insolvent[i] ? -worth : worth);
        mm[i] = (double)(1 + draw_below(&c, INT64_C(1) << 31));
        elapsed_s[i] = draw_between(&c, 0.0, 20000.0);
        want[i] = draw_between(&c, 0.0, 1.0);
        size[i] = draw_between(&c, 0.1, 9.0);
    }
    const mc_auction_rows rows = {ROWS, equity, mm, reserved};
    const mc_liquidated positions = {ROWS, size, equity, mm, reserved, mm};
    for (int d = 0; d < 3; ++d) {
        rules.decay = decays[d];
        rules.reserve_price_frac = d == 1 ? 0.1 : 0.0;
        for (rules.quanta = 0; rules.quanta < 2; ++rules.quanta) {
            must(mc_auction_bid(&rules, &rows, insolvent, elapsed_s, want, &bids, NULL));
            add(out, sizeof out);
        }
        rules.quanta = 0;
        must(mc_decay_at(decays[d], elapsed_s, ROWS, out[0], NULL));
        must(mc_auction_largest_share(&rules, &rows, out[0], out[1], NULL));
        must(mc_auction_fee(&rules, &rows, out[2], NULL));
        must(mc_fillable_price(&positions, 1.1, 1.5, out[3], NULL));
        must(mc_bankruptcy_price(&positions, out[4], NULL));
        add(out, sizeof out);
    }
}

int main(int argc, char **argv)
{
    char expected[32] = "", line[32];
    int differ = 0;
    if (argc > 1) {
        FILE *file = fopen(argv[1], "r");
        if (file == NULL || fscanf(file, "%31s", expected) != 1)
            return 2;
        fclose(file);
    }
    const char *isa;
    for (size_t k = 0; (isa = mc_isa_at(k)) != NULL; ++k) {
        must(mc_isa_select(isa, NULL));
        hash = UINT64_C(0xcbf29ce484222325);
        add_margin(33, 1e-6);
        add_margin(130, 1e-6);
        add_margin(65, 0.0);
        for (int rule = 0; rule < MC_COMBINATION_END; ++rule)
            add_preset((mc_combination)rule);
        add_dynamics();
        add_auctions();
        snprintf(line, sizeof line, "%016llx", (unsigned long long)hash);
        differ |= argc > 1 && strcmp(line, expected) != 0;
        printf("%s %s\n", line, isa);
    }
    if (differ)
        fprintf(stderr, "expected %s. Where numbers are meant to change, write the new line to %s "
                        "and say so under \"Changed numbers\" in CHANGELOG.md.\n", expected, argv[1]);
    return differ;
}
