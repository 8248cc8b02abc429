/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin.h>

#include "check.h"
#include "world.h"

static paper world;

static mc_margin_rates rates_of(const paper *w, size_t instrument)
{
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_margin_rates rates = {0};
    CHECK(paper_risk(w, &risk, NULL) == MC_OK);
    CHECK(paper_margin(w, risk, &margin, NULL) == MC_OK);
    mc_risk_array_destroy(risk); /* the table owns all it needs */
    CHECK(mc_margin_rates_of(margin, instrument, &rates, NULL) == MC_OK);
    mc_margin_destroy(margin);
    return rates;
}

/* docs/method/margin.md, section 1, at 1e6 quanta a dollar. */
static void the_rates_are_those_on_paper(void)
{
    paper_make(&world);
    const mc_margin_rates call = rates_of(&world, BTC_CALL), put = rates_of(&world, BTC_PUT);
    CHECK(call.mark == 21e6 && call.notional == 100e6 && call.side == 1.0);
    CHECK(call.short_option_mm == 6.25e6 && call.short_option_im == 12.5e6);
    CHECK(call.roll == 1.875e6 && call.closing == 781250.0 && call.oracle == 0.0);
    CHECK(put.side == -1.0 && put.roll == 0.0 && put.short_option_mm == 6.25e6);
    const mc_margin_rates future = rates_of(&world, BTC_FUTURE), spot = rates_of(&world, BTC);
    CHECK(future.roll == 1718750.0 && future.short_option_mm == 0.0);
    CHECK(spot.roll == 0.0 && spot.closing == 0.0 && spot.notional == 100e6);
    CHECK(rates_of(&world, ETH_PERPETUAL).oracle == 39063.0); /* 39062.5 rounded up */
}

/* exp(2 ln 2 * 0.5) - 1 = 1: half a year at a roll of 2 ln 2 a year doubles the forward. */
static void the_roll_grows_with_time_and_never_falls_below_its_least(void)
{
    paper_make(&world);
    world.units[0].roll_move_frac = 1.3862943611198906;
    CHECK(rates_of(&world, BTC_FUTURE).roll == 110e6);
    CHECK(rates_of(&world, BTC_PERPETUAL).roll == 1562500.0);
}

/* Vega of an option at the money is F phi(d1) sqrt(T); it goes to the bucket of its tenor. */
static void the_vega_goes_to_the_bucket_of_its_tenor(void)
{
    const double years[] = {0.05, 0.1, 0.2, 0.25, 0.9, 1.0, 2.0};
    const int bucket[] = {0, 1, 1, 2, 2, 3, 3};
    for (int k = 0; k < 7; ++k) {
        paper_make(&world);
        world.forward[BTC_CALL] = 100;
        world.years[3] = years[k];
        world.vol[BTC_CALL] = world.vol[BTC_PUT] = 0.5;
        world.units[0].vega_twist = 0.1;
        const mc_margin_rates rates = rates_of(&world, BTC_CALL);
        const double d1 = 0.25 * sqrt(years[k]);
        const double vega = 100.0 * exp(-d1 * d1 / 2) / sqrt(2 * M_PI) * sqrt(years[k]);
        for (int b = 0; b < MC_VEGA_BUCKETS; ++b)
            CHECK(fabs(rates.vega[b] - (b == bucket[k] ? 0.1 * vega * 1e6 : 0.0)) < 1.0);
    }
}

typedef struct fault {
    const char *name;
    mc_status status;
    int64_t row;
    void (*spoil)(paper *w);
} fault;

static void wrong_size(paper *w) { w->model.size = 8; }
static void no_units(paper *w) { w->model.units = NULL; }
static void no_lambda(paper *w) { w->model.lambda_k = NULL; }
static void no_groups(paper *w) { w->model.n_groups = 0; }
static void other_units(paper *w) { w->model.n_units = 1; }
static void lambda_negative(paper *w) { w->lambda_k[0] = -1; }
static void lambda_too_high(paper *w) { w->lambda_k[0] = MC_LAMBDA_MAX + 1; }
static void factor_zero(paper *w) { w->model.mm_factor_k = 0; }
static void factor_too_high(paper *w) { w->model.im_factor_k = 16 * 1024 + 1; }
static void factors_fall(paper *w) { w->model.im_factor_k = 1023; }
static void edges_fall(paper *w) { w->model.vega_edge_years[1] = 0.1; }
static void edge_nan(paper *w) { w->model.vega_edge_years[2] = NAN; }
static void group_too_high(paper *w) { w->units[1].group = 1; }
static void group_negative(paper *w) { w->units[0].group = -1; }
static void groups_fall(paper *w)
{
    static const int32_t two[] = {1, 1};
    w->model.lambda_k = two;
    w->model.n_groups = 2;
    w->units[0].group = 1;
}
static void roll_nan(paper *w) { w->units[1].roll_move_frac = NAN; }
static void roll_negative(paper *w) { w->units[1].roll_min_frac = -0.1; }
static void close_above_1(paper *w) { w->units[0].close_frac = 1.1; }
static void twist_infinite(paper *w) { w->units[0].vega_twist = INFINITY; }
static void short_rates_fall(paper *w) { w->units[1].short_option_im_frac = 0; }
static void isolated_rates_fall(paper *w) { w->units[1].isolated_im_frac = 0.1; }
static void depth_too_small(paper *w) { w->units[0].depth_usd = 134.2; } /* 2^27 is 134217728 */
static void market_depth_too_small(paper *w) { w->units[0].market_depth_usd = 1; }
static void interest_falls(paper *w)
{
    w->units[0].open_interest_lower_usd = w->units[0].open_interest_upper_usd = 5;
}
static void no_tiers(paper *w) { w->units[0].n_tiers = 0; }
static void too_many_tiers(paper *w) { w->units[0].n_tiers = MC_MAX_TIERS + 1; }
static void tier_nan(paper *w) { w->units[1].tiers[1].above_usd = NAN; }
static void tier_starts_late(paper *w) { w->units[1].tiers[0].above_usd = 1; }
static void tiers_fall(paper *w) { w->units[1].tiers[1].above_usd = 0; }
static void tier_rates_fall(paper *w) { w->units[1].tiers[1].mm_frac = 0; }
static void tier_im_below_mm(paper *w) { w->units[1].tiers[1].im_frac = 0.1; }
static void tier_above_1(paper *w) { w->units[1].tiers[1].im_frac = 1.5; }

static void every_fault_of_the_model_is_named_with_its_unit_and_nothing_is_made(void)
{
    static const fault faults[] = {
        {"wrong size", MC_ERR_ARGUMENT, -1, wrong_size},
        {"no units", MC_ERR_ARGUMENT, -1, no_units},
        {"no lambda", MC_ERR_ARGUMENT, -1, no_lambda},
        {"no groups", MC_ERR_ARGUMENT, -1, no_groups},
        {"other units", MC_ERR_ARGUMENT, -1, other_units},
        {"lambda negative", MC_ERR_DOMAIN, 0, lambda_negative},
        {"lambda too high", MC_ERR_DOMAIN, 0, lambda_too_high},
        {"factor zero", MC_ERR_DOMAIN, -1, factor_zero},
        {"factor too high", MC_ERR_DOMAIN, -1, factor_too_high},
        {"factors fall", MC_ERR_DOMAIN, -1, factors_fall},
        {"edges fall", MC_ERR_DOMAIN, -1, edges_fall},
        {"edge NaN", MC_ERR_DOMAIN, -1, edge_nan},
        {"group too high", MC_ERR_INSTRUMENT, 1, group_too_high},
        {"group negative", MC_ERR_INSTRUMENT, 0, group_negative},
        {"groups fall", MC_ERR_ORDER, 1, groups_fall},
        {"roll NaN", MC_ERR_NOT_FINITE, 1, roll_nan},
        {"roll negative", MC_ERR_DOMAIN, 1, roll_negative},
        {"close above 1", MC_ERR_DOMAIN, 0, close_above_1},
        {"twist infinite", MC_ERR_NOT_FINITE, 0, twist_infinite},
        {"short rates fall", MC_ERR_DOMAIN, 1, short_rates_fall},
        {"isolated rates fall", MC_ERR_DOMAIN, 1, isolated_rates_fall},
        {"depth too small", MC_ERR_DOMAIN, 0, depth_too_small},
        {"market depth too small", MC_ERR_DOMAIN, 0, market_depth_too_small},
        {"open interest falls", MC_ERR_DOMAIN, 0, interest_falls},
        {"no tiers", MC_ERR_ARGUMENT, 0, no_tiers},
        {"too many tiers", MC_ERR_ARGUMENT, 0, too_many_tiers},
        {"tier NaN", MC_ERR_NOT_FINITE, 1, tier_nan},
        {"tier starts late", MC_ERR_ORDER, 1, tier_starts_late},
        {"tiers fall", MC_ERR_ORDER, 1, tiers_fall},
        {"tier rates fall", MC_ERR_ORDER, 1, tier_rates_fall},
        {"tier IM below MM", MC_ERR_DOMAIN, 1, tier_im_below_mm},
        {"tier above 1", MC_ERR_DOMAIN, 1, tier_above_1},
    };
    mc_risk_array *risk = NULL;
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; ++f) {
        mc_error err = {.row = -7};
        mc_margin *margin = NULL;
        paper_make(&world);
        faults[f].spoil(&world);
        const mc_status status = paper_margin(&world, risk, &margin, &err);
        if (status != faults[f].status || err.row != faults[f].row || margin != NULL) {
            CHECK(!"the fault is named");
            fprintf(stderr, "    %s: %s, row %lld, \"%s\"\n", faults[f].name,
                    mc_status_name(status), (long long)err.row, err.message);
        }
    }
    mc_risk_array_destroy(risk);
}

static void only_a_rounded_array_that_was_priced_here_can_be_margined(void)
{
    const double cells[PAPER_N] = {0};
    mc_risk_array *risk = NULL, *adopted = NULL, *unrounded = NULL;
    mc_margin *margin = NULL;
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    world.options.quantum = 0.0;
    CHECK(paper_risk(&world, &unrounded, NULL) == MC_OK);
    CHECK(mc_risk_array_adopt(cells, PAPER_N, 1, 1e-6, &adopted, NULL) == MC_OK);
    CHECK(paper_margin(&world, unrounded, &margin, NULL) == MC_ERR_ARGUMENT);
    CHECK(paper_margin(&world, adopted, &margin, NULL) == MC_ERR_ARGUMENT);
    CHECK(paper_margin(&world, NULL, &margin, NULL) == MC_ERR_ARGUMENT);
    CHECK(paper_margin(&world, risk, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_margin_create(risk, &world.instruments, &world.market, NULL, &margin, NULL)
          == MC_ERR_ARGUMENT);
    CHECK(mc_margin_create(risk, NULL, &world.market, &world.model, &margin, NULL)
          == MC_ERR_ARGUMENT);
    CHECK(mc_margin_create(risk, &world.instruments, NULL, &world.model, &margin, NULL)
          == MC_ERR_ARGUMENT);
    world.instruments.n = PAPER_N - 1;
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_ERR_ARGUMENT);
    CHECK(margin == NULL);
    mc_risk_array_destroy(risk);
    mc_risk_array_destroy(adopted);
    mc_risk_array_destroy(unrounded);
    mc_margin_destroy(NULL);
}

static void a_mark_too_large_to_count_exactly_is_named(void)
{
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_error err;
    paper_make(&world);
    world.mark[BTC_PUT] = 0x1p53 / 1e6 + 1.0;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, &err) == MC_ERR_EXACTNESS && err.row == BTC_PUT);
    CHECK(margin == NULL);
    mc_risk_array_destroy(risk);
}

static void rates_are_asked_of_an_instrument_that_exists(void)
{
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_margin_rates rates = {.mark = 5};
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    CHECK(mc_margin_rates_of(margin, PAPER_N, &rates, NULL) == MC_ERR_INSTRUMENT);
    CHECK(mc_margin_rates_of(NULL, 0, &rates, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_margin_rates_of(margin, 0, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(rates.mark == 5);
    mc_risk_array_destroy(risk);
    mc_margin_destroy(margin);
}

int main(void)
{
    RUN(the_rates_are_those_on_paper);
    RUN(the_roll_grows_with_time_and_never_falls_below_its_least);
    RUN(the_vega_goes_to_the_bucket_of_its_tenor);
    RUN(every_fault_of_the_model_is_named_with_its_unit_and_nothing_is_made);
    RUN(only_a_rounded_array_that_was_priced_here_can_be_margined);
    RUN(a_mark_too_large_to_count_exactly_is_named);
    RUN(rates_are_asked_of_an_instrument_that_exists);
    return REPORT();
}
