/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/depth.h>

#include "check.h"

/* One instrument: three levels to sell into, two to buy from. */
static const int64_t OFFSET[] = {0, 3, 5};
static const double LOTS[] = {10, 20, 40, 5, 50}, COST[] = {1, 2, 8, 3, 3};

static mc_depth made(double *taken)
{
    return (mc_depth){.n_instruments = 1, .offset = OFFSET, .lots = LOTS, .cost = COST,
                      .taken = taken};
}

static void a_sound_ladder_passes_and_a_broken_one_is_named(void)
{
    double taken[] = {70, 0};
    mc_error err;
    mc_depth d = made(taken);
    CHECK(mc_depth_check(&d, &err) == MC_OK);
    CHECK(mc_depth_check(NULL, NULL) == MC_ERR_ARGUMENT);

    taken[1] = 55.5;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 1);
    taken[1] = 56;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 1);
    taken[1] = NAN;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 1);
    taken[1] = 0;

    const double negative[] = {10, -20, 40, 5, 50}, none[] = {10, 20, 0, 5, 50},
                 part[] = {10, 20, 40, 5.5, 50}, broken[] = {10, 20, 40, 5, INFINITY},
                 huge[] = {10, 20, 40, 5, 0x1p53};
    d.lots = negative;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 1);
    d.lots = none;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 2);
    d.lots = part;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 3);
    d.lots = broken;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_NOT_FINITE && err.row == 4);
    d.lots = huge;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_EXACTNESS && err.row == 1);
    d.lots = LOTS;

    const double better[] = {1, 2, 1, 3, 3}, paid[] = {-1, 2, 8, 3, 3};
    d.cost = better;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_ORDER && err.row == 2);
    d.cost = paid;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 0);
    d.cost = NULL;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_ARGUMENT);
    d.cost = COST;

    const int64_t falling[] = {0, 3, 2}, late[] = {1, 3, 5};
    d.offset = falling;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_ORDER && err.row == 1);
    d.offset = late;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_ORDER && err.row == 0);
    d.offset = OFFSET;

    const double limit[] = {3, NAN};
    d.limit = limit;
    CHECK(mc_depth_check(&d, &err) == MC_ERR_DOMAIN && err.row == 1);
}

/* At the nodes the average is the law's, and nowhere below it. */
static void the_square_root_law_is_met_from_above(void)
{
    double lots[MC_DEPTH_LEVELS], cost[MC_DEPTH_LEVELS];
    size_t n = 0;
    CHECK(mc_depth_square_root(1e6, 64000, 0x1p-10, 0x1p-6, lots, cost, &n, NULL) == MC_OK);
    CHECK(n == MC_DEPTH_LEVELS);
    double size = 0.0, total = 0.0, last = 0.0;
    for (size_t l = 0; l < n; ++l) {
        CHECK(lots[l] > 0.0 && cost[l] >= last && cost[l] == rint(cost[l]));
        size += lots[l];
        total += lots[l] * cost[l];
        last = cost[l];
        const double law = size * 1e6 * (0x1p-10 + 0x1p-6 * sqrt(size / 64000));
        CHECK(size == ldexp(1000.0, (int)l) && total >= law * (1 - 1e-12) && total <= law + size);
    }
    CHECK(size == 16 * 64000.0);
}

static void a_depth_of_few_lots_has_fewer_levels(void)
{
    double lots[MC_DEPTH_LEVELS], cost[MC_DEPTH_LEVELS];
    size_t n = 0;
    CHECK(mc_depth_square_root(100, 1, 0, 0.5, lots, cost, &n, NULL) == MC_OK);
    CHECK(n == 5); /* up to 1, 2, 4, 8 and 16 lots */
    CHECK(lots[0] == 1 && cost[0] == 50);
    n = 7;
    mc_error err;
    CHECK(mc_depth_square_root(100, 0.5, 0, 0.5, lots, cost, &n, &err) == MC_ERR_DOMAIN);
    CHECK(mc_depth_square_root(0, 1, 0, 0.5, lots, cost, &n, &err) == MC_ERR_DOMAIN);
    CHECK(mc_depth_square_root(100, 1, -0.1, 0.5, lots, cost, &n, &err) == MC_ERR_DOMAIN);
    CHECK(mc_depth_square_root(NAN, 1, 0, 0.5, lots, cost, &n, &err) == MC_ERR_NOT_FINITE);
    CHECK(mc_depth_square_root(1e12, 1e9, 0, 0.5, lots, cost, &n, &err) == MC_ERR_EXACTNESS);
    CHECK(mc_depth_square_root(100, 1, 0, 0.5, NULL, cost, &n, &err) == MC_ERR_ARGUMENT);
    CHECK(n == 7 && lots[0] == 1);
}

static void what_was_taken_comes_back_by_halves(void)
{
    double taken[] = {40, 1};
    const mc_depth d = made(taken);
    CHECK(mc_depth_recover(&d, 10.0, 10.0, NULL) == MC_OK);
    CHECK(fabs(taken[0] - 20) < 1e-12 && taken[1] == 0);
    CHECK(mc_depth_recover(&d, 0.0, 10.0, NULL) == MC_OK && taken[0] > 19.99);
    CHECK(mc_depth_recover(&d, 1e9, 10.0, NULL) == MC_OK && taken[0] == 0 && taken[1] == 0);
    /* A few lots come back in short steps too: 3 halve to 0.5 within 2.6 half-lives. */
    taken[0] = 3;
    for (int step = 0; step < 260; ++step)
        CHECK(mc_depth_recover(&d, 0.1, 10.0, NULL) == MC_OK);
    CHECK(taken[0] == 0);
    CHECK(mc_depth_recover(&d, -1.0, 10.0, NULL) == MC_ERR_DOMAIN);
    CHECK(mc_depth_recover(&d, 1.0, 0.0, NULL) == MC_ERR_DOMAIN);
    CHECK(mc_depth_recover(&d, NAN, 1.0, NULL) == MC_ERR_NOT_FINITE);
    CHECK(mc_depth_recover(NULL, 1.0, 1.0, NULL) == MC_ERR_ARGUMENT);
}

static void a_limit_is_a_share_or_a_distance_whichever_is_nearer(void)
{
    double taken[] = {0, 0}, limit[2];
    const double unit[] = {100}, move[] = {0.02, INFINITY};
    const mc_depth d = made(taken);
    CHECK(mc_depth_limit(&d, unit, move, 0.5, 0.0, limit, NULL) == MC_OK);
    CHECK(limit[0] == 30 && limit[1] == 27); /* levels at 1 and 2 quanta; half of 55 */
    CHECK(mc_depth_limit(&d, unit, NULL, 0.5, 0.0, limit, NULL) == MC_OK && limit[0] == 35);
    const double close[] = {0.001, 0.001};
    CHECK(mc_depth_limit(&d, unit, close, 0.5, 0.1, limit, NULL) == MC_OK);
    CHECK(limit[0] == 7 && limit[1] == 6); /* a tenth, rounded up, goes on */
    mc_error err;
    CHECK(mc_depth_limit(&d, unit, move, 0.1, 0.5, limit, &err) == MC_ERR_DOMAIN);
    const double back[] = {0.1, -0.1}, nothing[] = {0};
    CHECK(mc_depth_limit(&d, unit, back, 0.5, 0.1, limit, &err) == MC_ERR_DOMAIN && err.row == 1);
    CHECK(mc_depth_limit(&d, nothing, move, 0.5, 0.1, limit, &err) == MC_ERR_DOMAIN && err.row == 0);
    CHECK(mc_depth_limit(&d, unit, move, 0.5, 0.1, NULL, &err) == MC_ERR_ARGUMENT);
    CHECK(limit[0] == 7);
}

int main(void)
{
    RUN(a_sound_ladder_passes_and_a_broken_one_is_named);
    RUN(the_square_root_law_is_met_from_above);
    RUN(a_depth_of_few_lots_has_fewer_levels);
    RUN(what_was_taken_comes_back_by_halves);
    RUN(a_limit_is_a_share_or_a_distance_whichever_is_nearer);
    return REPORT();
}
