/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/liquidation.h>

#include "check.h"
#include "world.h"

/* The paper world with a depth of its own. BTC perpetual: a lot is a coin of 100 USD, MM of a long
 * is its worst cell, -25 USD, and 1/64 of 100 for the roll; see test_margin.c. */
static paper W;
static mc_risk_array *RISK;
static mc_margin *MARGIN;

#define USD INT64_C(1000000)

enum { SIDES = 2 * PAPER_N };
static int64_t OFFSETS[SIDES + 1];
static double LADDER[SIDES], PRICE[SIDES], TAKEN[SIDES];

/* `lots` at `cost` USD on each side of every contract; nobody buys or sells coins. */
static mc_depth depth_of(double lots, double cost)
{
    int64_t level = 0;
    for (int side = 0; side < SIDES; ++side) {
        OFFSETS[side] = level;
        TAKEN[side] = 0;
        if (side / 2 != BTC) {
            LADDER[level] = lots;
            PRICE[level++] = cost * 1e6;
        }
    }
    OFFSETS[SIDES] = level;
    return (mc_depth){.n_instruments = PAPER_N, .offset = OFFSETS, .lots = LADDER, .cost = PRICE,
                      .taken = TAKEN};
}

typedef struct one {
    int64_t offset[2], cash, order_offset[2];
    int32_t instrument[PAPER_N], order_instrument[1];
    double lots[PAPER_N], order_lots[1], order_limit[1];
    uint8_t mode;
    mc_book_columns columns;
    mc_book *book;
} one;

static void hold(one *o, int n, const int32_t *instrument, const double *lots, int64_t cash,
                 uint8_t mode)
{
    *o = (one){.offset = {0, n}, .cash = cash, .mode = mode};
    for (int i = 0; i < n; ++i) {
        o->instrument[i] = instrument[i];
        o->lots[i] = lots[i];
    }
    o->columns = (mc_book_columns){
        .n_accounts = 1, .n_instruments = PAPER_N, .offset = o->offset, .instrument = o->instrument,
        .lots = o->lots, .cash = &o->cash, .mode = &o->mode};
    CHECK(mc_book_create(&o->columns, &o->book, NULL) == MC_OK);
}

static mc_plan planned(const one *o, const mc_plan_rules *rules, const mc_depth *depth,
                       mc_trade *trades)
{
    const int64_t account[] = {0};
    mc_plan plan = {0};
    size_t done = 0;
    mc_error err = {0};
    const mc_status status = mc_plan_accounts(MARGIN, o->book, NULL, NULL, account, 1, rules, depth,
                                              trades, PAPER_N, &plan, &done, &err);
    if (status != MC_OK)
        fprintf(stderr, "%s\n", err.message);
    CHECK(status == MC_OK && done == plan.count);
    return plan;
}

/* What a sweep says of the account after the trades, closed at the mark less cost and fee. */
static void check_post_state(const one *o, const mc_plan *plan, const mc_trade *trades)
{
    one after = *o;
    after.columns.offset = after.offset;
    after.columns.instrument = after.instrument;
    after.columns.lots = after.lots;
    after.columns.cash = &after.cash;
    after.columns.mode = &after.mode;
    after.columns.order_offset = NULL;
    for (size_t t = 0; t < plan->count; ++t)
        for (int i = 0; i < o->offset[1]; ++i)
            if (after.instrument[i] == trades[t].instrument) {
                const double before = after.lots[i];
                after.lots[i] += trades[t].lots;
                CHECK(fabs(after.lots[i]) < fabs(before) && after.lots[i] * before >= 0);
                after.cash -= (int64_t)(trades[t].lots * W.mark[after.instrument[i]] * 1e6);
                after.cash -= trades[t].cost + trades[t].fee;
            }
    mc_book *book = NULL;
    int64_t equity, mm;
    CHECK(mc_book_create(&after.columns, &book, NULL) == MC_OK);
    CHECK(mc_sweep(MARGIN, book, &(mc_range){0, 1, 1}, NULL, NULL,
                   &(mc_standing){.equity = &equity, .mm = &mm}, NULL) == MC_OK);
    CHECK(equity == plan->equity_after && mm == plan->mm_after);
    mc_book_destroy(book);
}

static void a_healthy_account_is_left_alone(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -700 * USD, MC_PORTFOLIO);
    const mc_depth depth = depth_of(100, 1);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_HEALTHY && plan.count == 0 && plan.equity == 300 * USD);
    CHECK(plan.equity_after == plan.equity && plan.mm_after == plan.mm);
    mc_book_destroy(o.book);
}

/* A long of 10 with an isolated rate of 1/8: MM = 12.5 a coin. Equity 100: 100 - c >= 12.5 (10 - c)
 * where closing costs 1 a coin: c >= 25 / 11.5, that is 3. */
static void the_least_number_of_lots_restores_a_linear_account(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -900 * USD, MC_ISOLATED);
    const mc_depth depth = depth_of(100, 1);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.equity == 100 * USD && plan.mm == 125 * USD);
    CHECK(plan.outcome == MC_PLAN_RESTORED && plan.count == 1);
    CHECK(trades[0].instrument == BTC_PERPETUAL && trades[0].lots == -3);
    CHECK(trades[0].cost == 3 * USD && trades[0].fee == 0);
    CHECK(plan.equity_after == 97 * USD && plan.mm_after == 87500000);
    CHECK(depth.taken[2 * BTC_PERPETUAL] == 3 && depth.taken[2 * BTC_PERPETUAL + 1] == 0);
    check_post_state(&o, &plan, trades);
    mc_book_destroy(o.book);
}

/* The same with a buffer of 1/4 and a fee of 1/128 of the notional, 0.78125 a coin:
 * 100 - 1.78125 c >= 15.625 (10 - c), c >= 56.25 / 13.84375, that is 5. */
static void buffer_and_fee_are_counted(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -900 * USD, MC_ISOLATED);
    const mc_depth depth = depth_of(100, 1);
    mc_plan_rules rules = MC_PLAN_RULES_INIT;
    rules.buffer_k = 256;
    rules.fee_k = 1 << 13;
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &rules, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_RESTORED && trades[0].lots == -5);
    CHECK(trades[0].fee == 5 * 781250);
    check_post_state(&o, &plan, trades);
    mc_book_destroy(o.book);
}

/* Closing helps if and only if cost <= equity / notional (MM is proportional): equity of 4 a coin
 * bears a cost of 4 and not one of 5. */
static void at_the_law_s_edge_closing_turns_into_a_handover(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -960 * USD, MC_ISOLATED);
    mc_trade trades[PAPER_N];
    mc_depth depth = depth_of(100, 4);
    mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_RESTORED); /* ends flat: equity 0, MM 0 */
    CHECK(trades[0].lots == -10 && plan.equity_after == 0 && plan.mm_after == 0);
    depth = depth_of(100, 4.000001);
    plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_BACKSTOP && plan.count == 0);
    CHECK(plan.equity_after == 40 * USD && depth.taken[2 * BTC_PERPETUAL] == 0);
    mc_book_destroy(o.book);
}

static void a_bankrupt_account_is_handed_over_at_once(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -1001 * USD, MC_ISOLATED);
    const mc_depth depth = depth_of(100, 0);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_BACKSTOP && plan.count == 0);
    mc_book_destroy(o.book);
}

/* Of 3 coins that it needs to sell 2 are in the interval's limit. */
static void a_limit_makes_it_wait_and_the_next_interval_goes_on(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -900 * USD, MC_ISOLATED);
    mc_depth depth = depth_of(100, 1);
    double limit[SIDES];
    for (int side = 0; side < SIDES; ++side)
        limit[side] = 2.75;
    depth.limit = limit;
    mc_trade trades[PAPER_N];
    mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_WAITS && trades[0].lots == -2);
    check_post_state(&o, &plan, trades);
    plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_WAITS && plan.count == 0);
    mc_book_destroy(o.book);
}

/* 11 perpetuals at 100 against 10 futures at 110 lose nothing in any scenario but a roll each; 400
 * ETH perpetuals do. Without an offset between the two coins the hedge frees nothing by either leg. */
static void a_hedge_is_kept(void)
{
    one o;
    mc_margin *const offset = MARGIN;
    W.lambda_k[0] = 0;
    CHECK(paper_margin(&W, RISK, &MARGIN, NULL) == MC_OK);
    hold(&o, 3, (int32_t[]){BTC_PERPETUAL, BTC_FUTURE, ETH_PERPETUAL}, (double[]){11, -10, 400},
         -3150 * USD, MC_PORTFOLIO);
    const mc_depth depth = depth_of(1000, 0.0625);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.equity < plan.mm && plan.equity > 0);
    CHECK(plan.outcome == MC_PLAN_RESTORED && plan.count == 1);
    CHECK(trades[0].instrument == ETH_PERPETUAL && trades[0].lots < 0);
    check_post_state(&o, &plan, trades);
    mc_book_destroy(o.book);
    mc_margin_destroy(MARGIN);
    MARGIN = offset;
    W.lambda_k[0] = 512;
}

/* The hedge alone: neither leg frees margin, both together do. */
static void legs_that_hedge_each_other_go_together(void)
{
    one o;
    const double lots[] = {704, -640};
    const int32_t legs[] = {BTC_PERPETUAL, BTC_FUTURE};
    hold(&o, 2, legs, lots, 0, MC_PORTFOLIO);
    int64_t equity, mm;
    CHECK(mc_sweep(MARGIN, o.book, &(mc_range){0, 1, 1}, NULL, NULL,
                   &(mc_standing){.equity = &equity, .mm = &mm}, NULL) == MC_OK);
    mc_book_destroy(o.book);
    hold(&o, 2, legs, lots, mm - equity - 500 * USD, MC_PORTFOLIO);
    const mc_depth depth = depth_of(1000, 0.0625);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_RESTORED && plan.count == 2);
    CHECK(trades[0].lots < 0 && fabs(1.1 * trades[1].lots + trades[0].lots) <= 4);
    check_post_state(&o, &plan, trades);
    mc_book_destroy(o.book);
}

/* f = (MM - E) / (MM - cost of everything): Derive's fraction without reserved cash. */
static void a_proportional_plan_closes_the_exact_fraction(void)
{
    one o;
    hold(&o, 3, (int32_t[]){BTC_PERPETUAL, BTC_CALL, ETH_PERPETUAL},
         (double[]){0x1p20, -0x1p20, 0x1p22}, 0, MC_PORTFOLIO);
    int64_t equity, mm;
    CHECK(mc_sweep(MARGIN, o.book, &(mc_range){0, 1, 1}, NULL, NULL,
                   &(mc_standing){.equity = &equity, .mm = &mm}, NULL) == MC_OK);
    mc_book_destroy(o.book);
    hold(&o, 3, (int32_t[]){BTC_PERPETUAL, BTC_CALL, ETH_PERPETUAL},
         (double[]){0x1p20, -0x1p20, 0x1p22}, mm - equity - mm / 8, MC_PORTFOLIO);
    const mc_depth depth = depth_of(0x1p23, 0.0625);
    mc_plan_rules rules = MC_PLAN_RULES_INIT;
    rules.proportional = 1;
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &rules, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_RESTORED && plan.count == 3);
    const double lacking = (double)(plan.mm - plan.equity);
    const double share = lacking / ((double)plan.mm - 6 * 0x1p20 * 62500);
    for (int t = 0; t < 3; ++t)
        CHECK(fabs(fabs(trades[t].lots) / fabs(o.lots[t]) - share) <= 2 * 0x1p-20);
    check_post_state(&o, &plan, trades);
    mc_book_destroy(o.book);
}

/* Nobody has ever bought the call back: closing the others alone is no proportion. */
static void a_proportional_plan_of_a_contract_without_levels_trades_nothing(void)
{
    one o;
    hold(&o, 3, (int32_t[]){BTC_PERPETUAL, BTC_CALL, ETH_PERPETUAL}, (double[]){1024, -1024, 4096},
         0, MC_PORTFOLIO);
    int64_t equity, mm;
    CHECK(mc_sweep(MARGIN, o.book, &(mc_range){0, 1, 1}, NULL, NULL,
                   &(mc_standing){.equity = &equity, .mm = &mm}, NULL) == MC_OK);
    mc_book_destroy(o.book);
    hold(&o, 3, (int32_t[]){BTC_PERPETUAL, BTC_CALL, ETH_PERPETUAL}, (double[]){1024, -1024, 4096},
         mm - equity - mm / 8, MC_PORTFOLIO);
    for (int has = 0; has < 2; ++has) {
        const mc_depth depth = depth_of(0x1p13, 0.0625);
        if (!has)
            for (int side = 2 * BTC_CALL + 2; side <= SIDES; ++side)
                --OFFSETS[side]; /* the levels are all alike: the last one goes */
        mc_plan_rules rules = MC_PLAN_RULES_INIT;
        rules.proportional = 1;
        mc_trade trades[PAPER_N];
        const mc_plan plan = planned(&o, &rules, &depth, trades);
        CHECK(plan.outcome == (has ? MC_PLAN_RESTORED : MC_PLAN_BACKSTOP));
        CHECK(plan.count == (has ? 3 : 0));
        for (int side = 0; side < SIDES && !has; ++side)
            CHECK(depth.taken[side] == 0);
    }
    mc_book_destroy(o.book);
}

static void cancelling_orders_comes_first(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){1}, -85 * USD, MC_ISOLATED);
    mc_book_destroy(o.book);
    o.order_offset[1] = 1;
    o.order_instrument[0] = BTC_PERPETUAL;
    o.order_lots[0] = 1;
    o.order_limit[0] = 100e6;
    o.columns.order_offset = o.order_offset;
    o.columns.order_instrument = o.order_instrument;
    o.columns.order_lots = o.order_lots;
    o.columns.order_limit = o.order_limit;
    CHECK(mc_book_create(&o.columns, &o.book, NULL) == MC_OK);
    const mc_depth depth = depth_of(100, 1);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    CHECK(plan.mm == 25 * USD && plan.mm_after == 12500000);
    CHECK(plan.outcome == MC_PLAN_RESTORED && plan.count == 0 && plan.rounds == 0);
    mc_book_destroy(o.book);
}

static void a_doubtful_price_pauses_the_account(void)
{
    one o;
    hold(&o, 2, (int32_t[]){BTC_PERPETUAL, ETH_PERPETUAL}, (double[]){10, 1}, -910 * USD,
         MC_ISOLATED);
    const mc_depth depth = depth_of(100, 1);
    const uint8_t paused[] = {0, 1};
    mc_plan_rules rules = MC_PLAN_RULES_INIT;
    rules.paused = paused;
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &rules, &depth, trades);
    CHECK(plan.outcome == MC_PLAN_PAUSED && plan.count == 0 && plan.equity_after == plan.equity);
    mc_book_destroy(o.book);
}

/* An inverse contract's mark is paid in its coin: whole lots down, the rest in cash. */
static void an_inverse_contract_settles_in_its_coin(void)
{
    one o;
    hold(&o, 2, (int32_t[]){BTC, BTC_PERPETUAL}, (double[]){-10, 10}, 200 * USD, MC_PORTFOLIO);
    mc_book_destroy(o.book);
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -900 * USD, MC_PORTFOLIO);
    const mc_depth depth = depth_of(100, 1);
    const int32_t settles_in[PAPER_N] = {-1, BTC, -1, -1, -1, -1};
    mc_plan_rules rules = MC_PLAN_RULES_INIT;
    rules.settles_in = settles_in;
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &rules, &depth, trades);
    /* What it frees as a contract it needs again as a coin, but for the roll and the closing. */
    CHECK(plan.outcome == MC_PLAN_BACKSTOP || plan.outcome == MC_PLAN_RESTORED);
    for (size_t t = 0; t < plan.count; ++t)
        CHECK(plan.mm_after > 0 && trades[t].instrument == BTC_PERPETUAL);
    const int32_t broken[PAPER_N] = {-1, BTC_CALL, -1, -1, -1, -1};
    rules.settles_in = broken;
    const int64_t account[] = {0};
    mc_plan untouched = {.rounds = 77};
    size_t done = 9;
    mc_error err;
    CHECK(mc_plan_accounts(MARGIN, o.book, NULL, NULL, account, 1, &rules, &depth, trades, PAPER_N,
                           &untouched, &done, &err) == MC_ERR_INSTRUMENT && err.row == 1);
    CHECK(untouched.rounds == 77 && done == 9);
    mc_book_destroy(o.book);
}

static void what_does_not_fit_is_refused_and_writes_nothing(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -900 * USD, MC_ISOLATED);
    mc_depth depth = depth_of(100, 1);
    mc_trade trades[PAPER_N] = {{.reserved = 5}};
    mc_plan plan = {.rounds = 77};
    size_t done = 9;
    mc_error err;
    mc_plan_rules rules = MC_PLAN_RULES_INIT;
    const int64_t zero[] = {0}, twice[] = {0, 0}, far[] = {1}, before[] = {-1};
#define REFUSED(accounts, n, room, status)                                                       \
    CHECK(mc_plan_accounts(MARGIN, o.book, NULL, NULL, accounts, n, &rules, &depth, trades, room, \
                           &plan, &done, &err) == status)
    REFUSED(far, 1, PAPER_N, MC_ERR_INSTRUMENT);
    REFUSED(before, 1, PAPER_N, MC_ERR_INSTRUMENT);
    REFUSED(twice, 2, PAPER_N, MC_ERR_ORDER);
    CHECK(err.row == 1);
    REFUSED(zero, 1, 0, MC_ERR_ARGUMENT);
    rules.buffer_k = 1025;
    REFUSED(zero, 1, PAPER_N, MC_ERR_ARGUMENT);
    rules.buffer_k = 0;
    rules.size = 1;
    REFUSED(zero, 1, PAPER_N, MC_ERR_ARGUMENT);
    rules.size = sizeof rules;
    depth.taken[0] = 1;
    REFUSED(zero, 1, PAPER_N, MC_ERR_DOMAIN); /* the coin has no levels */
    depth.taken[0] = 0;
    depth.n_instruments = 1;
    REFUSED(zero, 1, PAPER_N, MC_ERR_ARGUMENT);
    CHECK(plan.rounds == 77 && done == 9 && trades[0].reserved == 5 && TAKEN[2] == 0);
    mc_book_destroy(o.book);
}

static void a_plan_holds_as_long_as_its_account_does(void)
{
    one o;
    hold(&o, 1, (int32_t[]){BTC_PERPETUAL}, (double[]){10}, -900 * USD, MC_ISOLATED);
    const mc_depth depth = depth_of(100, 1);
    mc_trade trades[PAPER_N];
    const mc_plan plan = planned(&o, &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades);
    mc_error err;
    CHECK(mc_plan_check(&plan, o.book, &err) == MC_OK);
    o.cash += 1;
    CHECK(mc_plan_check(&plan, o.book, &err) == MC_ERR_ORDER && err.row == 0);
    o.cash -= 1;
    o.lots[0] = 9;
    CHECK(mc_plan_check(&plan, o.book, &err) == MC_ERR_ORDER);
    o.lots[0] = 10;
    o.mode = MC_CROSS;
    CHECK(mc_plan_check(&plan, o.book, &err) == MC_ERR_ORDER);
    mc_book_destroy(o.book);
}

/* Long 10 with equity 200, MM 125: a fall by 75 / (1000 + 125) takes it there at the latest. */
static void the_next_threshold_is_never_too_far(void)
{
    one o;
    hold(&o, 2, (int32_t[]){BTC_PERPETUAL, ETH_PERPETUAL}, (double[]){10, -10}, -700 * USD,
         MC_ISOLATED);
    int64_t equity, mm;
    CHECK(mc_sweep(MARGIN, o.book, &(mc_range){0, 1, 1}, NULL, NULL,
                   &(mc_standing){.equity = &equity, .mm = &mm}, NULL) == MC_OK);
    double move[2 * PAPER_UNITS];
    CHECK(mc_next_thresholds(MARGIN, RISK, o.book, &equity, &mm, 1, move, NULL) == MC_OK);
    CHECK(equity == 200 * USD && mm == 137500000);
    CHECK(move[0] == 62.5 / (1000 + 137.5) && isinf(move[1]));
    CHECK(isinf(move[2]) && move[3] == 62.5 / (100 + 137.5));
    mm = equity + 1;
    CHECK(mc_next_thresholds(MARGIN, RISK, o.book, &equity, &mm, 1, move, NULL) == MC_OK);
    CHECK(isinf(move[0]) && isinf(move[3])); /* it is below already */
    CHECK(mc_next_thresholds(MARGIN, NULL, o.book, &equity, &mm, 1, move, NULL) == MC_ERR_ARGUMENT);
    mc_book_destroy(o.book);
}

/* ---- at random ---- */

enum { CROWD = 400 };

static double SPREAD[2 * R_N * MC_DEPTH_LEVELS], LEVELS[2 * R_N * MC_DEPTH_LEVELS], GONE[2 * R_N];
static int64_t EDGES[2 * R_N + 1];

static mc_depth random_depth(const mc_risk_view *view, uint64_t seed)
{
    chance c = {seed};
    int64_t level = 0;
    for (int side = 0; side < 2 * R_N; ++side) {
        EDGES[side] = level;
        GONE[side] = 0;
        size_t n = 0;
        const double notional = view->notional[side / 2];
        CHECK(mc_depth_square_root(notional > 1 ? notional : 1, draw_between(&c, 10, 3000), 0x1p-12,
                                   draw_between(&c, 0.001, 0.05), LEVELS + level, SPREAD + level,
                                   &n, NULL) == MC_OK);
        level += (int64_t)n;
    }
    EDGES[2 * R_N] = level;
    return (mc_depth){.n_instruments = R_N, .offset = EDGES, .lots = LEVELS, .cost = SPREAD,
                      .taken = GONE};
}

typedef struct crowd {
    random_world world;
    random_book accounts;
    mc_risk_array *risk;
    mc_margin *margin;
    mc_book *book;
    mc_risk_view view;
    int64_t equity[CROWD], mm[CROWD], order[CROWD];
} crowd;

static crowd C;

static void crowd_make(uint64_t seed)
{
    random_world_make(&C.world, seed, 17);
    random_book_make(&C.accounts, seed + 1, CROWD);
    for (int i = 0; i < R_N; ++i)
        C.world.lot[i] = 0.1;
    mc_risk_options options = MC_RISK_OPTIONS_INIT;
    CHECK(mc_risk_array_create(&C.world.instruments, &C.world.market, &C.world.scenarios,
                               C.world.lot, &options, &C.risk, NULL) == MC_OK);
    CHECK(mc_margin_create(C.risk, &C.world.instruments, &C.world.market, &C.world.model, &C.margin,
                           NULL) == MC_OK);
    mc_risk_array_view(C.risk, &C.view);
    CHECK(mc_book_create(&C.accounts.columns, &C.book, NULL) == MC_OK);
    const mc_standing out = {.equity = C.equity, .mm = C.mm};
    CHECK(mc_sweep(C.margin, C.book, &(mc_range){0, CROWD, 1}, NULL, NULL, &out, NULL) == MC_OK);
    chance c = {seed + 2}; /* cash that puts every account near its requirement, below or above */
    for (int a = 0; a < CROWD; ++a)
        C.accounts.cash[a] += C.mm[a] - C.equity[a]
                            - (int64_t)(draw_between(&c, -0.2, 1.1) * (double)C.mm[a]);
    CHECK(mc_sweep(C.margin, C.book, &(mc_range){0, CROWD, 1}, NULL, NULL, &out, NULL) == MC_OK);
    CHECK(mc_rank(C.equity, C.mm, CROWD, C.order, NULL) == MC_OK);
}

static void crowd_free(void)
{
    mc_book_destroy(C.book);
    mc_margin_destroy(C.margin);
    mc_risk_array_destroy(C.risk);
    random_book_free(&C.accounts);
    random_world_free(&C.world);
}

static mc_trade CROWD_TRADES[CROWD * BOOK_POSITIONS];
static mc_plan CROWD_PLANS[CROWD];

/* Margins account `a` of the crowd after the trades of its plan, one lot less of trade `less`. */
static mc_plan after(const mc_plan *plan, size_t less, const mc_depth *depth, const double *taken)
{
    const int64_t a = plan->account, first = C.accounts.offset[a];
    const int64_t n = C.accounts.offset[a + 1] - first;
    double lots[BOOK_POSITIONS];
    int64_t cash = C.accounts.cash[a];
    const int64_t offset[] = {0, n};
    memcpy(lots, C.accounts.lots + first, (size_t)n * sizeof *lots);
    for (size_t t = plan->first; t < plan->first + plan->count; ++t) {
        const mc_trade *trade = &CROWD_TRADES[t];
        double q = trade->lots;
        int64_t cost = trade->cost;
        if (t == less) {
            q -= q > 0 ? 1 : -1;
            cost = 0;
            double left = fabs(q), skip = taken[2 * trade->instrument + (q > 0)];
            if (q == 0)
                skip = 0;
            for (int64_t l = depth->offset[2 * trade->instrument + (trade->lots > 0)]; left > 0; ++l) {
                const double here = fmin(depth->lots[l], skip), more = fmin(depth->lots[l] - here, left);
                skip -= here;
                cost += (int64_t)(more * depth->cost[l]);
                left -= more;
            }
        }
        for (int64_t i = 0; i < n; ++i)
            if (C.accounts.instrument[first + i] == trade->instrument)
                lots[i] += q;
        cash -= (int64_t)(q * C.view.mark[trade->instrument]) + cost;
    }
    const mc_book_columns columns = {
        .n_accounts = 1, .n_instruments = R_N, .offset = offset,
        .instrument = C.accounts.instrument + first, .lots = lots, .cash = &cash,
        .mode = &C.accounts.mode[a]};
    mc_book *book = NULL;
    mc_plan found = {.account = a};
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    CHECK(mc_sweep(C.margin, book, &(mc_range){0, 1, 1}, NULL, NULL,
                   &(mc_standing){.equity = &found.equity, .mm = &found.mm}, NULL) == MC_OK);
    mc_book_destroy(book);
    return found;
}

static void plans_of_a_crowd_keep_the_law(void)
{
    int outcomes[MC_PLAN_OUTCOME_END] = {0};
    for (uint64_t seed = 1; seed <= 8; ++seed) {
        crowd_make(seed);
        const mc_depth depth = random_depth(&C.view, seed);
        mc_plan_rules rules = MC_PLAN_RULES_INIT;
        rules.buffer_k = seed % 2 ? 0 : 100;
        size_t done = 0;
        double taken[2 * R_N] = {0};
        CHECK(mc_plan_accounts(C.margin, C.book, NULL, NULL, C.order, CROWD, &rules, &depth,
                               CROWD_TRADES, CROWD * BOOK_POSITIONS, CROWD_PLANS, &done, NULL)
              == MC_OK);
        for (int k = 0; k < CROWD; ++k) {
            const mc_plan *plan = &CROWD_PLANS[k];
            ++outcomes[plan->outcome];
            CHECK(plan->account == C.order[k]);
            CHECK((plan->outcome == MC_PLAN_HEALTHY) == (plan->equity >= plan->mm));
            const mc_plan left = after(plan, SIZE_MAX, &depth, taken);
            if (plan->outcome != MC_PLAN_HEALTHY)
                CHECK(left.equity == plan->equity_after && left.mm == plan->mm_after);
            if (plan->outcome == MC_PLAN_RESTORED) {
                CHECK((double)plan->equity_after * 1024
                      >= (double)plan->mm_after * (1024 + rules.buffer_k) - 1e6);
                for (size_t t = plan->first; t < plan->first + plan->count; ++t) {
                    const mc_plan less = after(plan, t, &depth, taken);
                    CHECK(less.equity * 1024 < less.mm * (1024 + rules.buffer_k));
                }
            }
            /* equity / MM has not fallen */
            if (plan->count > 0 && plan->mm_after > 0)
                CHECK((double)plan->equity_after / (double)plan->mm_after
                      >= (double)plan->equity / (double)plan->mm * (1 - 1e-12));
            for (size_t t = plan->first; t < plan->first + plan->count; ++t)
                taken[2 * CROWD_TRADES[t].instrument + (CROWD_TRADES[t].lots > 0)] +=
                    fabs(CROWD_TRADES[t].lots);
        }
        for (int side = 0; side < 2 * R_N; ++side)
            CHECK(taken[side] == depth.taken[side]);
        CHECK(mc_depth_check(&depth, NULL) == MC_OK);
        crowd_free();
    }
    CHECK(outcomes[MC_PLAN_HEALTHY] > 100 && outcomes[MC_PLAN_RESTORED] > 100);
    CHECK(outcomes[MC_PLAN_BACKSTOP] > 100);
}

static void every_copy_of_the_kernels_plans_the_same(void)
{
    crowd_make(3);
    static mc_trade trades[CROWD * BOOK_POSITIONS];
    static mc_plan plans[CROWD];
    const char *const used = mc_isa();
    for (size_t k = 0; mc_isa_at(k) != NULL; ++k) {
        CHECK(mc_isa_select(mc_isa_at(k), NULL) == MC_OK);
        const mc_depth depth = random_depth(&C.view, 3);
        size_t done = 0;
        memset(trades, 0, sizeof trades);
        CHECK(mc_plan_accounts(C.margin, C.book, NULL, NULL, C.order, CROWD,
                               &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades,
                               CROWD * BOOK_POSITIONS, plans, &done, NULL) == MC_OK);
        if (k == 0) {
            memcpy(CROWD_TRADES, trades, sizeof trades);
            memcpy(CROWD_PLANS, plans, sizeof plans);
        }
        CHECK(memcmp(CROWD_TRADES, trades, sizeof trades) == 0);
        CHECK(memcmp(CROWD_PLANS, plans, sizeof plans) == 0);
    }
    CHECK(mc_isa_select(used, NULL) == MC_OK);
    crowd_free();
}

int main(void)
{
    paper_make(&W);
    CHECK(paper_risk(&W, &RISK, NULL) == MC_OK);
    CHECK(paper_margin(&W, RISK, &MARGIN, NULL) == MC_OK);
    RUN(a_healthy_account_is_left_alone);
    RUN(the_least_number_of_lots_restores_a_linear_account);
    RUN(buffer_and_fee_are_counted);
    RUN(at_the_law_s_edge_closing_turns_into_a_handover);
    RUN(a_bankrupt_account_is_handed_over_at_once);
    RUN(a_limit_makes_it_wait_and_the_next_interval_goes_on);
    RUN(a_hedge_is_kept);
    RUN(legs_that_hedge_each_other_go_together);
    RUN(a_proportional_plan_closes_the_exact_fraction);
    RUN(a_proportional_plan_of_a_contract_without_levels_trades_nothing);
    RUN(cancelling_orders_comes_first);
    RUN(a_doubtful_price_pauses_the_account);
    RUN(an_inverse_contract_settles_in_its_coin);
    RUN(what_does_not_fit_is_refused_and_writes_nothing);
    RUN(a_plan_holds_as_long_as_its_account_does);
    RUN(the_next_threshold_is_never_too_far);
    RUN(plans_of_a_crowd_keep_the_law);
    RUN(every_copy_of_the_kernels_plans_the_same);
    mc_margin_destroy(MARGIN);
    mc_risk_array_destroy(RISK);
    return REPORT();
}
