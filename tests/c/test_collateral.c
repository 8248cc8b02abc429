/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/sweep.h>

#include "check.h"
#include "world.h"

static paper world;

#define USD INT64_C(1000000)

/* Half of BTC in MM, three quarters in IM. Its exit: 4000 USD are beyond 16 depths of 200, so that
 * it costs 4/16 of them. */
static const mc_asset BITCOIN = {BTC, 0, 0.5, 0.75, 200.0, 0x1p-4, 0.0};
static const mc_asset *asset = &BITCOIN;

typedef struct result { int64_t equity, mm, im, haircut_mm, haircut_im; } result;

static result sweep_coins(mc_mode mode, double lots)
{
    const int64_t offset[] = {0, 1};
    const int32_t instrument[] = {BTC};
    const uint8_t modes[] = {(uint8_t)mode};
    const mc_book_columns columns = {.n_accounts = 1, .n_instruments = PAPER_N, .offset = offset,
                                     .instrument = instrument, .lots = &lots, .mode = modes};
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_book *book = NULL;
    result r = {0};
    const mc_standing out = {.equity = &r.equity, .mm = &r.mm, .im = &r.im,
                             .haircut_mm = &r.haircut_mm, .haircut_im = &r.haircut_im};
    paper_make(&world);
    world.model.n_assets = 1;
    world.model.assets = asset;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&world, risk, &margin, NULL) == MC_OK);
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    CHECK(mc_sweep(margin, book, &(mc_range){0, 1, 1}, NULL, NULL, &out, NULL) == MC_OK);
    mc_risk_array_destroy(risk);
    mc_margin_destroy(margin);
    mc_book_destroy(book);
    return r;
}

/* 40 coins of 100: the scan loses a quarter, the exit 1000; half of what it leaves is 1500. */
static void a_portfolio_account_pays_the_exit_and_the_rest_of_the_haircut(void)
{
    const result r = sweep_coins(MC_PORTFOLIO, 40);
    CHECK(r.equity == 4000 * USD);
    CHECK(r.haircut_mm == 1000 * USD + 1500 * USD && r.haircut_im == 1000 * USD + 2250 * USD);
    CHECK(r.mm == 1000 * USD + r.haircut_mm && r.im == 1500 * USD + r.haircut_im);
}

/* A quarter for volatility, the others on the three quarters that it leaves. */
static void a_cross_account_pays_them_after_volatility(void)
{
    const result r = sweep_coins(MC_CROSS, 40);
    CHECK(r.mm == 1000 * USD + 1875 * USD && r.im == 1000 * USD + 2437 * USD + USD / 2);
    CHECK(r.haircut_mm == 0); /* parts are a portfolio account's */
}

/* Half of the three quarters that the range leaves goes too; the others are on the rest. */
static void a_cross_account_pays_what_it_has_no_scan_for(void)
{
    const mc_asset discounted = {BTC, 0, 0.5, 0.75, 200.0, 0x1p-4, 0.5};
    asset = &discounted;
    result r = sweep_coins(MC_CROSS, 40);
    CHECK(r.mm == 2500 * USD + 2500 * USD * 3 / 8);
    CHECK(sweep_coins(MC_CROSS, -40).mm == 1000 * USD);
    r = sweep_coins(MC_PORTFOLIO, 40);
    CHECK(r.mm == 1000 * USD + 2500 * USD);
    asset = &BITCOIN;
}

static void what_is_owed_has_no_haircut(void)
{
    const result r = sweep_coins(MC_PORTFOLIO, -40);
    CHECK(r.haircut_mm == 0 && r.haircut_im == 0);
    CHECK(sweep_coins(MC_CROSS, -40).mm == 1000 * USD);
}

static mc_status refused(const mc_asset *assets, size_t n, int64_t row)
{
    mc_error err = {0};
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    const mc_status status = mc_assets_check(assets, n, &world.instruments, &err);
    CHECK(status != MC_OK && err.status == status && err.row == row);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    world.model.n_assets = n;
    world.model.assets = assets;
    CHECK(paper_margin(&world, risk, &margin, NULL) == status && margin == NULL);
    mc_risk_array_destroy(risk);
    return status;
}

static void assets_that_make_no_sense_are_refused(void)
{
    paper_make(&world);
    const mc_asset none = {.instrument = PAPER_N}, option = {.instrument = BTC_CALL},
                   nan = {.instrument = BTC, .haircut_mm_frac = NAN},
                   falling = {.instrument = BTC, .haircut_mm_frac = 0.5, .haircut_im_frac = 0.25},
                   negative = {.instrument = BTC, .exit_depth_usd = -1},
                   beyond = {.instrument = BTC, .unscanned_frac = 1.5},
                   nowhere = {.instrument = BTC, .exit_market = -1},
                   twice[] = {BITCOIN, BITCOIN};
    CHECK(refused(NULL, 1, -1) == MC_ERR_ARGUMENT);
    CHECK(refused(&none, 1, 0) == MC_ERR_INSTRUMENT);
    CHECK(refused(&option, 1, 0) == MC_ERR_ARGUMENT);
    CHECK(refused(&nan, 1, 0) == MC_ERR_NOT_FINITE);
    CHECK(refused(&falling, 1, 0) == MC_ERR_DOMAIN);
    CHECK(refused(&negative, 1, 0) == MC_ERR_DOMAIN);
    CHECK(refused(&beyond, 1, 0) == MC_ERR_DOMAIN);
    CHECK(refused(&nowhere, 1, 0) == MC_ERR_DOMAIN);
    CHECK(refused(twice, 2, 1) == MC_ERR_ORDER);
}

int main(void)
{
    RUN(a_portfolio_account_pays_the_exit_and_the_rest_of_the_haircut);
    RUN(a_cross_account_pays_them_after_volatility);
    RUN(a_cross_account_pays_what_it_has_no_scan_for);
    RUN(what_is_owed_has_no_haircut);
    RUN(assets_that_make_no_sense_are_refused);
    return REPORT();
}
