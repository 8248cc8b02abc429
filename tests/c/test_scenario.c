/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/scenario.h>

#include "check.h"
#include "world.h"

enum { T = 2, S = 3 };

/* Scenario 1 is the base; row 4 is term 1 in scenario 1. */
static double spot[T * S], column[T * S], horizon[S], event[2 * S];
static mc_scenarios scenarios;

static void make(void)
{
    for (int c = 0; c < T * S; ++c)
        spot[c] = c % S == 1 ? 0.0 : 0.1;
    memset(horizon, 0, sizeof horizon);
    memset(event, 0, sizeof event);
    scenarios = (mc_scenarios){.n_terms = T, .n_scenarios = S, .spot_move = spot};
}

static void the_base_is_the_first_column_that_moves_nothing(void)
{
    size_t base = 99;
    make();
    CHECK(mc_scenarios_check(&scenarios, &base, NULL) == MC_OK && base == 1);
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_OK);
    spot[0] = spot[3] = 0.0;
    CHECK(mc_scenarios_check(&scenarios, &base, NULL) == MC_OK && base == 0);
}

static void a_table_that_always_moves_something_is_refused(void)
{
    size_t base = 99;
    make();
    spot[1] = 1e-9;
    CHECK(mc_scenarios_check(&scenarios, &base, NULL) == MC_ERR_ARGUMENT && base == 99);
    make();
    scenarios.horizon_years = horizon;
    horizon[1] = 0.1;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    scenarios.event_move = event;
    scenarios.n_factors = 2;
    event[S + 1] = -0.1;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    for (int c = 0; c < T * S; ++c)
        column[c] = 1.25; /* of a volatility's scale, 1 is no move */
    scenarios.vol_scale = column;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    column[1] = column[4] = 1.0;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_OK);
}

/* Every column with a value below its range, and with what is no number. */
static void a_cell_out_of_range_is_named_with_its_row(void)
{
    const struct {
        size_t at; /* of the pointer in mc_scenarios */
        double neutral, bad;
    } columns[] = {
        {offsetof(mc_scenarios, spot_move), 0, -1}, {offsetof(mc_scenarios, basis_move), 0, -1},
        {offsetof(mc_scenarios, vol_scale), 1, -0.1}, {offsetof(mc_scenarios, vol_shift), 0, -1e4},
        {offsetof(mc_scenarios, vol_floor), 0, -0.1}, {offsetof(mc_scenarios, skew_slope), 0, 1e4},
        {offsetof(mc_scenarios, skew_cap), 0, -0.1}, {offsetof(mc_scenarios, weight), 1, -0.1},
    };
    const double not_finite[] = {NAN, INFINITY, -INFINITY};
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; ++c) {
        mc_error err;
        make();
        for (int k = 0; k < T * S; ++k)
            column[k] = columns[c].neutral;
        *(const double **)((char *)&scenarios + columns[c].at) = column;
        CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_OK);
        column[4] = columns[c].bad;
        CHECK(mc_scenarios_check(&scenarios, NULL, &err) == MC_ERR_DOMAIN && err.row == 4);
        for (int k = 0; k < 3; ++k) {
            column[5] = not_finite[k];
            column[4] = columns[c].neutral;
            CHECK(mc_scenarios_check(&scenarios, NULL, &err) == MC_ERR_NOT_FINITE && err.row == 5);
        }
    }
    mc_error err;
    make();
    scenarios.horizon_years = horizon;
    horizon[2] = -1.0;
    CHECK(mc_scenarios_check(&scenarios, NULL, &err) == MC_ERR_DOMAIN && err.row == 2);
    make();
    scenarios.event_move = event;
    scenarios.n_factors = 2;
    event[3] = -1.0; /* an asset may become worthless, */
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_OK);
    event[3] = -1.01; /* but not less */
    CHECK(mc_scenarios_check(&scenarios, NULL, &err) == MC_ERR_DOMAIN && err.row == 3);
}

static void counts_that_cannot_be_are_refused_before_anything_is_read(void)
{
    make();
    CHECK(mc_scenarios_check(NULL, NULL, NULL) == MC_ERR_ARGUMENT);
    scenarios.n_scenarios = 0;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    scenarios.n_terms = 0;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    scenarios.spot_move = NULL;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    scenarios.n_scenarios = SIZE_MAX / 2; /* times two terms wraps around to nearly nothing */
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    scenarios.n_factors = 2;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    make();
    scenarios.event_move = event;
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
    scenarios.n_factors = SIZE_MAX / 3 + 1; /* times three scenarios is 0 or little */
    CHECK(mc_scenarios_check(&scenarios, NULL, NULL) == MC_ERR_ARGUMENT);
}

/* (30 / max(days, floor))^p: 120 days are four times 30, so a half power halves. */
static void the_term_factor_is_the_power_of_the_time(void)
{
    const double years[] = {120.0 / 365.0, 30.0 / 365.0, 7.5 / 365.0, 0.0};
    const double expected[] = {0.5, 1.0, 2.0, 30.0 / 7.5 / 2.0};
    double factor[4];
    CHECK(mc_vol_term_factor(years, 4, 7.5, 0.5, 0.5, factor, NULL) == MC_OK);
    for (int i = 0; i < 4; ++i)
        CHECK(fabs(factor[i] - expected[i]) < 1e-14);
    CHECK(mc_vol_term_factor(years, 4, 7.5, 1.0, 0.5, factor, NULL) == MC_OK);
    CHECK(fabs(factor[0] - 0.5) < 1e-14 && fabs(factor[2] - 4.0) < 1e-13);
}

static void a_term_factor_that_cannot_be_leaves_the_output_alone(void)
{
    double years[] = {0.1, 0.2}, factor[] = {7.0, 8.0};
    mc_error err;
    CHECK(mc_vol_term_factor(NULL, 2, 1.0, 0.5, 0.5, factor, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_vol_term_factor(years, 2, 1.0, 0.5, 0.5, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_vol_term_factor(years, 2, 0.0, 0.5, 0.5, factor, NULL) == MC_ERR_DOMAIN);
    CHECK(mc_vol_term_factor(years, 2, 1.0, NAN, 0.5, factor, NULL) == MC_ERR_NOT_FINITE);
    CHECK(mc_vol_term_factor(years, 2, 1.0, 0.5, INFINITY, factor, NULL) == MC_ERR_NOT_FINITE);
    years[1] = -0.1;
    CHECK(mc_vol_term_factor(years, 2, 1.0, 0.5, 0.5, factor, &err) == MC_ERR_DOMAIN);
    CHECK(err.row == 1);
    years[1] = NAN;
    CHECK(mc_vol_term_factor(years, 2, 1.0, 0.5, 0.5, factor, &err) == MC_ERR_NOT_FINITE);
    CHECK(factor[0] == 7.0 && factor[1] == 8.0);
}

int main(void)
{
    RUN(the_base_is_the_first_column_that_moves_nothing);
    RUN(a_table_that_always_moves_something_is_refused);
    RUN(a_cell_out_of_range_is_named_with_its_row);
    RUN(counts_that_cannot_be_are_refused_before_anything_is_read);
    RUN(the_term_factor_is_the_power_of_the_time);
    RUN(a_term_factor_that_cannot_be_leaves_the_output_alone);
    return REPORT();
}
