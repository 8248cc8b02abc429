/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/sweep.h>

#include "check.h"
#include "world.h"

static paper world;

/* One account on the paper world, swept. Amounts below are in USD; a quantum is 1e-6 of one. */
typedef struct result {
    mc_status status;
    mc_error err;
    int64_t equity, im, mm, core, short_mm, short_im, roll, vega, concentration, oracle, closing;
    int64_t haircut_mm, haircut_im;
    int64_t rounding, joint_scan, unit_scan[2];
    int32_t joint_scenario, unit_scenario[2];
    uint8_t standing;
} result;

typedef struct holding {
    int32_t instrument;
    double lots, limit_usd; /* of an order */
} holding;

static result sweep_one(mc_mode mode, double cash_usd, const holding *positions, int64_t n,
                        const holding *orders, int64_t n_orders)
{
    const int64_t offset[] = {0, n}, order_offset[] = {0, n_orders}, cash = (int64_t)(1e6 * cash_usd);
    int32_t instrument[8], order_instrument[8];
    double lots[8], order_lots[8], limit[8];
    const uint8_t modes[] = {(uint8_t)mode};
    for (int64_t p = 0; p < n; ++p) {
        instrument[p] = positions[p].instrument;
        lots[p] = positions[p].lots;
    }
    for (int64_t o = 0; o < n_orders; ++o) {
        order_instrument[o] = orders[o].instrument;
        order_lots[o] = orders[o].lots;
        limit[o] = 1e6 * orders[o].limit_usd;
    }
    const mc_book_columns columns = {
        .n_accounts = 1, .n_instruments = PAPER_N, .offset = offset, .instrument = instrument,
        .lots = lots, .cash = &cash, .mode = modes, .order_offset = order_offset,
        .order_instrument = order_instrument, .order_lots = order_lots, .order_limit = limit,
    };
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_book *book = NULL;
    result r = {.status = MC_STATUS_END};
    const mc_standing out = {
        &r.equity, &r.im, &r.mm, &r.standing, &r.core, &r.short_mm, &r.short_im, &r.roll, &r.vega,
        &r.concentration, &r.oracle, &r.closing, &r.haircut_mm, &r.haircut_im, &r.rounding, &r.joint_scan, &r.joint_scenario,
        r.unit_scan, r.unit_scenario,
    };
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    r.status = mc_sweep(margin, book, &(mc_range){0, 1, 1}, NULL, NULL, &out, &r.err);
    mc_risk_array_destroy(risk);
    mc_margin_destroy(margin);
    mc_book_destroy(book);
    return r;
}

static const holding HEDGED[] = {
    {BTC_PERPETUAL, 2, 0}, {BTC_FUTURE, -1, 0}, {BTC_CALL, -1, 0}, {ETH_PERPETUAL, 4, 0}};

/* BTC: 2 perpetual - 1 future - 1 call = 0, 3.75, -3.75, -2.5; ETH: 4 perpetuals = 0, 5, -5, -10.
 * Together 0, 8.75, -8.75, -12.5. Core = ((1024 - 512) (3.75 + 10) + 512 * 12.5) / 1024. */
static void a_hedged_account_needs_what_paper_says(void)
{
    paper_make(&world);
    const result r = sweep_one(MC_PORTFOLIO, 50, HEDGED, 4, NULL, 0);
    CHECK(r.status == MC_OK);
    CHECK(r.unit_scan[0] == 3750000 && r.unit_scenario[0] == 2);
    CHECK(r.unit_scan[1] == 10000000 && r.unit_scenario[1] == 3);
    CHECK(r.joint_scan == 12500000 && r.joint_scenario == 3);
    CHECK(r.core == 13125000);
    CHECK(r.short_mm == 6250000 && r.short_im == 12500000); /* 1/16 and 1/8 of 100 */
    CHECK(r.roll == 7343750); /* (200 + 110 + 120 + 40) / 64 */
    CHECK(r.oracle == 156252); /* 4 ceil(10 / 256) */
    CHECK(r.vega == 0 && r.concentration == 0);
    CHECK(r.closing == 3437500); /* 440 / 128 */
    CHECK(r.rounding == 4); /* 8 lots */
    CHECK(r.equity == 159000000); /* 50 + 200 - 110 - 21 + 40 */
    CHECK(r.mm == 13125000 + 6250000 + 7343750 + 156252);
    CHECK(r.im == 19687500 + 12500000 + 7343750 + 156252);
    CHECK(r.standing == MC_ACCOUNT_OK);
}

static void the_standing_changes_at_im_at_mm_and_at_0(void)
{
    paper_make(&world);
    const double mm = 26.875002, im = 39.687502, marks = 109;
    const double quantum = 1e-6, half = 5e-7; /* keeps the cast from falling to the quantum below */
    const struct { double equity; uint8_t standing; } cases[] = {
        {im, MC_ACCOUNT_OK}, {im - quantum, MC_ACCOUNT_REDUCE_ONLY},
        {mm, MC_ACCOUNT_REDUCE_ONLY}, {mm - quantum, MC_ACCOUNT_LIQUIDATABLE},
        {0, MC_ACCOUNT_LIQUIDATABLE}, {-quantum, MC_ACCOUNT_BANKRUPT},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        const double cash = cases[c].equity - marks;
        const result r = sweep_one(MC_PORTFOLIO, cash + (cash < 0 ? -half : half), HEDGED, 4, NULL, 0);
        CHECK(r.standing == cases[c].standing);
        CHECK(r.equity == (int64_t)llround(1e6 * cases[c].equity));
    }
}

static void a_flat_account_needs_nothing(void)
{
    paper_make(&world);
    const result r = sweep_one(MC_PORTFOLIO, 1, NULL, 0, NULL, 0);
    CHECK(r.status == MC_OK && r.mm == 0 && r.im == 0 && r.equity == 1000000 && r.core == 0);
    CHECK(r.joint_scenario == -1 && r.unit_scenario[0] == -1 && r.unit_scenario[1] == -1);
    CHECK(r.standing == MC_ACCOUNT_OK);
}

/* A buy fills where that hurts: at its own mark it loses as a position does and gains nothing;
 * five above, it starts five down: -5, -17.5, min(0, 7.5), -30. */
static void an_order_counts_where_it_hurts(void)
{
    paper_make(&world);
    const holding at_mark = {BTC_PERPETUAL, 1, 100}, above = {BTC_PERPETUAL, 1, 105};
    result r = sweep_one(MC_PORTFOLIO, 0, NULL, 0, &at_mark, 1);
    CHECK(r.unit_scan[0] == 25000000 && r.unit_scenario[0] == 3 && r.equity == 0);
    CHECK(r.roll == 0 && r.closing == 0 && r.mm == 25000000);
    r = sweep_one(MC_PORTFOLIO, 0, NULL, 0, &above, 1);
    CHECK(r.unit_scan[0] == 30000000 && r.joint_scan == 30000000);

    /* The hedge of a short position does not help before it fills. */
    const holding shorted = {BTC_PERPETUAL, -1, 0};
    r = sweep_one(MC_PORTFOLIO, 0, &shorted, 1, &at_mark, 1);
    CHECK(r.unit_scan[0] == 12500000 && r.unit_scenario[0] == 2);
}

/* A call and a put of one strike: opposite sides are a forward, two shorts add. */
static void short_options_net_by_pair(void)
{
    paper_make(&world);
    const holding forward[] = {{BTC_CALL, 1, 0}, {BTC_PUT, -1, 0}};
    const holding strangle[] = {{BTC_CALL, -1, 0}, {BTC_PUT, -1, 0}};
    CHECK(sweep_one(MC_PORTFOLIO, 0, forward, 2, NULL, 0).short_mm == 0);
    CHECK(sweep_one(MC_PORTFOLIO, 0, strangle, 2, NULL, 0).short_mm == 12500000);
}

static void closing_costs_are_the_least_requirement(void)
{
    paper_make(&world);
    const holding put = {BTC_PUT, 1, 0}; /* gains everywhere: nothing but the cost of closing */
    const result r = sweep_one(MC_PORTFOLIO, 0, &put, 1, NULL, 0);
    CHECK(r.core == 0 && r.mm == 781250 && r.im == 781250);
}

/* Depth 128 GiB-quanta is 2^37 quanta: nodes at 2^17 * 2^(j - 6) and, at an impact of 1/4,
 * rates rint(2^18 * sqrt(2^(j - 6))). 1000 perpetuals are 1e11 quanta: g = 95368 lies between
 * the nodes 65536 (rate 185364) and 131072 (rate 262144). */
static void concentration_follows_the_square_root_between_its_nodes(void)
{
    paper_make(&world);
    world.units[0].depth_usd = 0x1p37 * 1e-6;
    world.units[0].impact_frac = 0.25;
    const holding many = {BTC_PERPETUAL, 1000, 0};
    const int64_t step = (INT64_C(262144) - 185364) * (95368 - 65536);
    const int64_t rate = 185364 + (step + 65535) / 65536;
    const int64_t notional = INT64_C(100000000000);
    const int64_t charge = (notional * rate + (1 << 20) - 1) >> 20; /* 2.2e16: fits */
    CHECK(sweep_one(MC_PORTFOLIO, 0, &many, 1, NULL, 0).concentration == charge);
}

/* Vega: the tenors' volatilities shift together in the scan, so what two buckets set off is
 * charged: ceil((|a| + |b| - |a + b|) / 2) = min(|a|, |b|) for opposite signs. */
static void tenors_that_offset_each_other_are_charged_the_smaller_one(void)
{
    paper_make(&world);
    world.term[BTC_PUT] = 4;
    world.term[ETH_PERPETUAL] = 5;
    double years[6] = {0, 0, 0.5, 0.05, 2, 0}, moves[6 * PAPER_S];
    memcpy(moves, world.spot_move, sizeof world.spot_move);
    memcpy(moves + 4 * PAPER_S, world.spot_move, PAPER_S * sizeof(double));
    memcpy(moves + 5 * PAPER_S, world.spot_move + 4 * PAPER_S, PAPER_S * sizeof(double));
    world.market.years = years;
    world.scenarios.spot_move = moves;
    world.scenarios.n_terms = world.instruments.n_terms = 6;
    world.vol[BTC_CALL] = world.vol[BTC_PUT] = 0.5;
    world.units[0].vega_twist = 0.125;

    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_margin_rates call, put;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    CHECK(mc_margin_rates_of(margin, BTC_CALL, &call, NULL) == MC_OK);
    CHECK(mc_margin_rates_of(margin, BTC_PUT, &put, NULL) == MC_OK);
    mc_risk_array_destroy(risk);
    mc_margin_destroy(margin);

    const double a = 3 * call.vega[0], b = 2 * put.vega[3];
    CHECK(a > 0 && b > 0);
    const holding calendar[] = {{BTC_CALL, 3, 0}, {BTC_PUT, -2, 0}};
    CHECK(sweep_one(MC_PORTFOLIO, 0, calendar, 2, NULL, 0).vega == (int64_t)fmin(a, b));
    const holding same_way[] = {{BTC_CALL, 3, 0}, {BTC_PUT, 2, 0}};
    CHECK(sweep_one(MC_PORTFOLIO, 0, same_way, 2, NULL, 0).vega == 0);
}

/* Spot 100/4; perpetual 1200: 1000/16 + 200/8; a long call: the smaller of its mark 21 and
 * 100/16 (IM 100/8). */
static void a_cross_account_adds_tiers_haircuts_and_what_options_can_lose(void)
{
    paper_make(&world);
    const holding held[] = {{BTC, 1, 0}, {BTC_PERPETUAL, -12, 0}, {BTC_CALL, 1, 0}};
    const result r = sweep_one(MC_CROSS, 5000, held, 3, NULL, 0);
    CHECK(r.mm == 25000000 + 62500000 + 25000000 + 6250000);
    CHECK(r.im == 25000000 + 125000000 + 50000000 + 12500000);
    CHECK(r.core == 0 && r.roll == 0 && r.closing == 0 && r.joint_scenario == -1);
    CHECK(r.equity == 5000000000 + 100000000 - 1200000000 + 21000000);

    /* An order is a position of its own, and what it fills below the mark is lost: 1300 through
     * the tiers, and 3. */
    const holding sell = {BTC_PERPETUAL, -1, 97};
    const result s = sweep_one(MC_CROSS, 5000, held, 3, &sell, 1);
    CHECK(s.mm == r.mm + 12500000 + 3000000 && s.im == r.im + 25000000 + 3000000);
}

static void open_interest_moves_the_cross_rates_towards_1(void)
{
    paper_make(&world);
    world.units[0].open_interest_lower_usd = 100;
    world.units[0].open_interest_upper_usd = 300;
    const double interest[] = {50, 200, 400};
    const int64_t mm[] = {6250000, 53125000, 100000000}; /* 1/16, half way to 1, 1 */
    for (int k = 0; k < 3; ++k) {
        world.units[0].open_interest_usd = interest[k];
        const holding one = {BTC_PERPETUAL, 1, 0};
        CHECK(sweep_one(MC_CROSS, 0, &one, 1, NULL, 0).mm == mm[k]);
    }
}

static void an_isolated_pocket_pays_its_flat_rate(void)
{
    paper_make(&world);
    const holding held[] = {{BTC_PERPETUAL, -1, 0}, {BTC_CALL, 1, 0}};
    const result r = sweep_one(MC_ISOLATED, 0, held, 2, NULL, 0);
    CHECK(r.mm == 12500000 + 12500000 && r.im == 25000000 + 21000000); /* the call: at most 21 */
    CHECK(r.core == 0 && r.unit_scan[0] == 0 && r.unit_scenario[0] == -1);
}

/* ---- the bound: one lot's largest cell or rate is 110e6 quanta of the future's mark ---- */

static void an_account_below_2_to_the_53_passes_and_the_next_lot_is_refused(void)
{
    paper_make(&world);
    const double most = floor(0x1p53 / 110e6);
    const holding below = {BTC_FUTURE, most, 0}, beyond = {BTC_FUTURE, -(most + 1), 0};
    CHECK(sweep_one(MC_PORTFOLIO, 0, &below, 1, NULL, 0).status == MC_OK);
    const result r = sweep_one(MC_PORTFOLIO, 0, &beyond, 1, NULL, 0);
    CHECK(r.status == MC_ERR_EXACTNESS && r.err.row == 0);
    CHECK(r.mm == 0 && r.equity == 0 && r.unit_scenario[0] == 0); /* as they were */
    CHECK(sweep_one(MC_ISOLATED, 0, &beyond, 1, NULL, 0).status == MC_ERR_EXACTNESS);

    /* An order counts with its distance from the mark on top. */
    const holding order = {BTC_FUTURE, floor(0x1p53 / 1110e6), 1110};
    const holding further = {BTC_FUTURE, floor(0x1p53 / 1110e6) + 1, 1110};
    CHECK(sweep_one(MC_PORTFOLIO, 0, NULL, 0, &order, 1).status == MC_OK);
    CHECK(sweep_one(MC_PORTFOLIO, 0, NULL, 0, &further, 1).status == MC_ERR_EXACTNESS);
}

/* Cells of 1, so that lots are the bound: the second account is the one at fault. */
static void the_scan_is_exact_below_2_to_the_53_and_names_the_account_beyond(void)
{
    const double cells[] = {0, -1, 0, -1};
    const int64_t offset[] = {0, 2, 4};
    const int32_t instrument[] = {0, 1, 0, 1};
    double lots[] = {0x1p52, 0x1p52 - 1, -0x1p52, 0x1p52 - 1}, pnl[2] = {5, 5};
    const mc_book_columns columns = {.n_accounts = 2, .n_instruments = 2, .offset = offset,
                                     .instrument = instrument, .lots = lots};
    mc_risk_array *risk = NULL;
    mc_book *book = NULL;
    mc_error err;
    int32_t scenario[2] = {5, 5};
    CHECK(mc_risk_array_adopt(cells, 2, 2, 1.0, &risk, NULL) == MC_OK);
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    CHECK(mc_scan(risk, book, &(mc_range){0, 2, 1}, pnl, scenario, NULL) == MC_OK);
    CHECK(pnl[0] == -(0x1p53 - 1) && scenario[0] == 1 && pnl[1] == 0.0 && scenario[1] == 0);
    mc_book_destroy(book);

    lots[3] = 0x1p52;
    pnl[0] = 5;
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    CHECK(mc_scan(risk, book, &(mc_range){0, 2, 1}, pnl, NULL, &err) == MC_ERR_EXACTNESS);
    CHECK(err.row == 1 && pnl[0] == 5);
    CHECK(mc_scan(risk, book, &(mc_range){0, 1, 1}, pnl, NULL, NULL) == MC_OK); /* without it */
    mc_book_destroy(book);
    mc_risk_array_destroy(risk);
}

/* Rows of whole lanes and others, cells that fit 32 bits and that do not, a base first, last, in
 * between or missing: always the sums of a plain loop, and the first of equal scenarios. */
static void the_scan_is_a_plain_loop(void)
{
    enum { N = 5, MOST = 130, HELD = 3 };
    static const size_t sizes[] = {1, 2, 8, 9, 16, 33, 64, 65, 66, MOST};
    static const double largest[] = {3, 0x1p31 - 1, 0x1p31, 0x1p40};
    const int64_t offset[] = {0, HELD, HELD};
    double cells[N * MOST], pnl[2];
    int32_t scenario[2];
    chance c = {7};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; ++k)
        for (size_t l = 0; l < sizeof largest / sizeof largest[0]; ++l)
            for (size_t base = 0; base <= sizes[k]; base += 1 + sizes[k] / 3) {
                const size_t n = sizes[k];
                int32_t instrument[HELD] = {0, 2, 4};
                double lots[HELD];
                for (size_t p = 0; p < HELD; ++p)
                    lots[p] = rint(draw_between(&c, -9, 9));
                for (size_t i = 0; i < N * n; ++i)
                    cells[i] = i % n == base ? 0.0 : rint(largest[l] * draw_between(&c, -1, 1));
                double worst = INFINITY;
                int32_t where = -1;
                for (size_t z = 0; z < n; ++z) {
                    double sum = 0.0;
                    for (size_t p = 0; p < HELD; ++p)
                        sum += lots[p] * cells[(size_t)instrument[p] * n + z];
                    where = sum < worst ? (int32_t)z : where;
                    worst = fmin(worst, sum);
                }

                const mc_book_columns columns = {.n_accounts = 2, .n_instruments = N,
                                                 .offset = offset, .instrument = instrument,
                                                 .lots = lots};
                mc_risk_array *risk = NULL;
                mc_book *book = NULL;
                CHECK(mc_risk_array_adopt(cells, N, n, 1.0, &risk, NULL) == MC_OK);
                CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
                CHECK(mc_scan(risk, book, &(mc_range){0, 2, 1}, pnl, scenario, NULL) == MC_OK);
                CHECK(pnl[0] == worst && scenario[0] == where);
                CHECK(pnl[1] == 0.0 && scenario[1] == 0); /* it holds nothing */
                CHECK(mc_scan(risk, book, &(mc_range){0, 1, 1}, pnl, NULL, NULL) == MC_OK);
                CHECK(pnl[0] == worst);
                mc_book_destroy(book);
                mc_risk_array_destroy(risk);
            }
}

/* ---- arguments ---- */

static void what_does_not_fit_together_is_refused_and_nothing_is_written(void)
{
    const int64_t offset[] = {0, 1};
    const int32_t instrument[] = {1};
    const double lots[] = {1};
    mc_book_columns columns = {.n_accounts = 1, .n_instruments = PAPER_N, .offset = offset,
                               .instrument = instrument, .lots = lots};
    const mc_range all = {0, 1, 1}, too_far = {1, 1, 1}, wraps = {1, SIZE_MAX, 1};
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_book *book = NULL, *other = NULL;
    int64_t mm = 5, market[4] = {5, 5, 5, 5};
    double pnl = 5;
    const mc_standing out = {.mm = &mm};
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    columns.n_instruments = 3;
    CHECK(mc_book_create(&columns, &other, NULL) == MC_OK);

    CHECK(mc_sweep(NULL, book, &all, NULL, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_sweep(margin, NULL, &all, NULL, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_sweep(margin, book, NULL, NULL, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_sweep(margin, book, &all, NULL, NULL, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_sweep(margin, other, &all, NULL, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_sweep(margin, book, &too_far, NULL, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_sweep(margin, book, &wraps, NULL, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_scan(NULL, book, &all, &pnl, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_scan(risk, NULL, &all, &pnl, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_scan(risk, book, NULL, &pnl, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_scan(risk, book, &all, NULL, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_scan(risk, other, &all, &pnl, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_scan(risk, book, &wraps, &pnl, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_exposure(NULL, book, 1, market, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_exposure(margin, NULL, 1, market, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_exposure(margin, other, 1, market, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_exposure(margin, book, 1, NULL, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mm == 5 && pnl == 5 && market[0] == 5 && market[3] == 5);

    CHECK(mc_sweep(margin, book, &(mc_range){1, 0, 0}, NULL, NULL, &out, NULL) == MC_OK);
    CHECK(mm == 5);
    CHECK(mc_sweep(margin, book, &all, NULL, NULL, &(mc_standing){0}, NULL) == MC_OK);
    mc_book_destroy(book);
    mc_book_destroy(other);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
}

/* ---- exposure ---- */

/* A long put stands on the short side; two accounts of one owner are counted together. */
static void exposure_adds_notional_by_unit_side_and_owner(void)
{
    const int64_t offset[] = {0, 2, 3, 4};
    const int32_t instrument[] = {BTC_PERPETUAL, BTC_PUT, ETH_PERPETUAL, BTC_PERPETUAL};
    const double lots[] = {2, 3, -4, -1};
    const int32_t owner[] = {0, -1, 0};
    const mc_book_columns columns = {.n_accounts = 3, .n_instruments = PAPER_N, .offset = offset,
                                     .instrument = instrument, .lots = lots, .owner = owner,
                                     .n_owners = 1};
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_book *book = NULL;
    int64_t market[4], owners[4];
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    CHECK(mc_exposure(margin, book, 1, market, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_exposure(margin, book, 1, market, owners, NULL) == MC_OK);
    CHECK(market[0] == 200000000 && market[1] == 400000000);
    CHECK(market[2] == 0 && market[3] == 40000000);
    CHECK(owners[0] == 200000000 && owners[1] == 400000000 && owners[2] == 0 && owners[3] == 0);
    mc_book_destroy(book);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
}

int main(void)
{
    RUN(a_hedged_account_needs_what_paper_says);
    RUN(the_standing_changes_at_im_at_mm_and_at_0);
    RUN(a_flat_account_needs_nothing);
    RUN(an_order_counts_where_it_hurts);
    RUN(short_options_net_by_pair);
    RUN(closing_costs_are_the_least_requirement);
    RUN(concentration_follows_the_square_root_between_its_nodes);
    RUN(tenors_that_offset_each_other_are_charged_the_smaller_one);
    RUN(a_cross_account_adds_tiers_haircuts_and_what_options_can_lose);
    RUN(open_interest_moves_the_cross_rates_towards_1);
    RUN(an_isolated_pocket_pays_its_flat_rate);
    RUN(an_account_below_2_to_the_53_passes_and_the_next_lot_is_refused);
    RUN(the_scan_is_exact_below_2_to_the_53_and_names_the_account_beyond);
    RUN(the_scan_is_a_plain_loop);
    RUN(what_does_not_fit_together_is_refused_and_nothing_is_written);
    RUN(exposure_adds_notional_by_unit_side_and_owner);
    return REPORT();
}
