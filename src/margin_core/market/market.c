/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>

#include <margin_core/market.h>

#include "kernels/column.h"

/* Wider than any market, far from overflow in every product that follows. */
#define MAX_PRICE 1e15
#define MAX_VOL 1e3
#define MAX_YEARS 1e3

mc_status mc_market_check(const mc_instruments *in, const mc_market *market, mc_error *err)
{
    if (in == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a market without instruments");
    if (market == NULL || market->index_usd == NULL || market->years == NULL
        || market->forward_usd == NULL || market->vol == NULL || market->mark_usd == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a column of the market is missing");

    mc_status status =
        mc_check_column(market->index_usd, in->n_units, 0.0, true, MAX_PRICE, "index_usd", err);
    if (status == MC_OK && market->confidence_frac != NULL)
        status = mc_check_column(market->confidence_frac, in->n_units, 0.0, false, 1.0,
                                 "confidence_frac", err);
    if (status == MC_OK)
        status = mc_check_column(market->years, in->n_terms, 0.0, false, MAX_YEARS, "years", err);
    if (status == MC_OK)
        status = mc_check_column(market->forward_usd, in->n, 0.0, true, MAX_PRICE, "forward_usd",
                                 err);
    if (status == MC_OK && market->discount != NULL)
        status = mc_check_column(market->discount, in->n, 0.0, true, 1e3, "discount", err);
    if (status == MC_OK)
        status = mc_check_column(market->vol, in->n, 0.0, false, MAX_VOL, "vol", err);
    if (status == MC_OK)
        status = mc_check_column(market->mark_usd, in->n, -MAX_PRICE, false, MAX_PRICE,
                                 "mark_usd", err);
    if (status == MC_OK && market->quote_usd != NULL)
        status = mc_check_column(market->quote_usd, in->n, 0.0, true, MAX_PRICE, "quote_usd", err);
    return status;
}
