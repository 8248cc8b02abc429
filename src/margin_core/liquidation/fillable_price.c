/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/fillable_price.h>

#include "base/check.h"
#include "kernels/fmath.h"

static mc_status check_row(const mc_liquidated *r, size_t i, mc_error *err)
{
    const double size = r->size[i], position_mm = r->position_mm[i], mm = r->mm[i];
    if (!mc_is_finite(size) || !mc_is_finite(r->notional[i]) || !mc_is_finite(position_mm)
        || !mc_is_finite(r->equity[i]) || !mc_is_finite(mm))
        return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i, "a number of row %zu is not finite", i);
    if (size == 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                       "a position of size 0 has no price (row %zu)", i);
    if (!(mm > 0.0))
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                       "an account without a requirement is not liquidated (row %zu)", i);
    if (position_mm < 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "position_mm must be at least 0: %.17g "
                       "(row %zu)", position_mm, i);
    return MC_OK;
}

/* What closing gives up against the oracle's price, as part of the account's equity or of MM. */
typedef struct given_up {
    int of_equity;
    double adjustment, spread_to_mm;
} given_up;

static double price_of(const mc_liquidated *r, const given_up *g, size_t i)
{
    if (g->of_equity)
        return r->notional[i] / r->size[i]
               - r->equity[i] * (r->position_mm[i] / r->mm[i]) / r->size[i];
    const double ratio = g->adjustment * (1.0 - r->equity[i] / r->mm[i]);
    return r->notional[i] / r->size[i]
           - mc_min(mc_max(ratio, 0.0), 1.0) * g->spread_to_mm * r->position_mm[i] / r->size[i];
}

static mc_status prices(const mc_liquidated *rows, const given_up *g, double *price, mc_error *err)
{
    if (rows == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "rows is a null pointer");
    if (rows->n > 0 && (rows->size == NULL || rows->notional == NULL || rows->position_mm == NULL
                        || rows->equity == NULL || rows->mm == NULL || price == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a column of the positions, or price, is missing");
    for (size_t i = 0; i < rows->n; ++i) {
        const mc_status status = check_row(rows, i, err);
        if (status != MC_OK)
            return status;
        if (!mc_is_finite(price_of(rows, g, i)))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                           "the price of row %zu is beyond the largest double", i);
    }
    for (size_t i = 0; i < rows->n; ++i)
        price[i] = price_of(rows, g, i) + 0.0;
    return MC_OK;
}

mc_status mc_fillable_price(const mc_liquidated *rows, double adjustment, double spread_to_mm,
                            double *price, mc_error *err)
{
    if (!mc_is_finite(adjustment) || !mc_is_finite(spread_to_mm))
        return mc_fail(err, MC_ERR_NOT_FINITE, -1, "adjustment or spread_to_mm is not finite");
    if (adjustment < 1.0 || spread_to_mm < 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, -1,
                       "adjustment %.17g and spread_to_mm %.17g: at least 1 and 0 are needed",
                       adjustment, spread_to_mm);
    const given_up g = {.adjustment = adjustment, .spread_to_mm = spread_to_mm};
    return prices(rows, &g, price, err);
}

mc_status mc_bankruptcy_price(const mc_liquidated *rows, double *price, mc_error *err)
{
    return prices(rows, &(given_up){.of_equity = 1}, price, err);
}
