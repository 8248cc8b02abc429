/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/fillable_price.h>

#include "check.h"

enum { N = 5 };

/* 0.1 of 50,000 USD with MM of 500: equity at MM, half of it, none, less, and a short of half. */
static const double SIZE[N] = {0.1, 0.1, 0.1, 0.1, -0.1};
static const double NOTIONAL[N] = {5000.0, 5000.0, 5000.0, 5000.0, -5000.0};
static const double MM[N] = {500.0, 500.0, 500.0, 500.0, 500.0};
static const double EQUITY[N] = {500.0, 250.0, 0.0, -100.0, 250.0};

static mc_liquidated rows(void)
{
    return (mc_liquidated){N, SIZE, NOTIONAL, MM, EQUITY, MM};
}

static void the_spread_grows_as_equity_falls(void)
{
    const mc_liquidated r = rows();
    const double fillable[N] = {50000.0, 46250.0, 42500.0, 42500.0, 53750.0};
    const double bankruptcy[N] = {45000.0, 47500.0, 50000.0, 51000.0, 52500.0};
    double price[N];
    CHECK(mc_fillable_price(&r, 1.0, 1.5, price, NULL) == MC_OK);
    CHECK(memcmp(price, fillable, sizeof price) == 0);
    CHECK(mc_bankruptcy_price(&r, price, NULL) == MC_OK);
    CHECK(memcmp(price, bankruptcy, sizeof price) == 0);
    CHECK(mc_fillable_price(&(mc_liquidated){0}, 1.0, 1.5, NULL, NULL) == MC_OK);
}

static void what_has_no_price_is_refused_by_row(void)
{
    const double no_size[N] = {1.0, 0.0, 1.0, 1.0, 1.0}, no_mm[N] = {1.0, 1.0, 0.0, 1.0, 1.0};
    const double odd[N] = {1.0, 1.0, 1.0, NAN, 1.0}, owed[N] = {1.0, 1.0, -1.0, 1.0, 1.0};
    const double tiny[N] = {1e-320, 1.0, 1.0, 1.0, 1.0};
    double price[N] = {7.0, 7.0, 7.0, 7.0, 7.0};
    mc_error err;
#define REFUSED(field, column, code, at_row)                                                   \
    do {                                                                                       \
        mc_liquidated r = rows();                                                              \
        r.field = column;                                                                      \
        CHECK(mc_fillable_price(&r, 1.0, 1.5, price, &err) == code && err.row == at_row);      \
        CHECK(mc_bankruptcy_price(&r, price, &err) == code && err.row == at_row);              \
    } while (0)
    REFUSED(size, no_size, MC_ERR_DOMAIN, 1);
    REFUSED(size, tiny, MC_ERR_DOMAIN, 0);
    REFUSED(mm, no_mm, MC_ERR_DOMAIN, 2);
    REFUSED(position_mm, owed, MC_ERR_DOMAIN, 2);
    REFUSED(equity, odd, MC_ERR_NOT_FINITE, 3);
    REFUSED(notional, NULL, MC_ERR_ARGUMENT, -1);
#undef REFUSED
    const mc_liquidated r = rows();
    CHECK(mc_fillable_price(&r, 0.5, 1.5, price, &err) == MC_ERR_DOMAIN && err.row == -1);
    CHECK(mc_fillable_price(&r, 1.0, -0.1, price, &err) == MC_ERR_DOMAIN);
    CHECK(mc_fillable_price(&r, NAN, 1.5, price, &err) == MC_ERR_NOT_FINITE);
    CHECK(mc_bankruptcy_price(NULL, price, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_bankruptcy_price(&r, NULL, &err) == MC_ERR_ARGUMENT);
    for (int i = 0; i < N; ++i)
        CHECK(price[i] == 7.0);
}

int main(void)
{
    RUN(the_spread_grows_as_equity_falls);
    RUN(what_has_no_price_is_refused_by_row);
    return REPORT();
}
