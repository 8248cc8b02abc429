/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/collateral.h>

#include "base/check.h"
#include "collateral/collateral.h"

static mc_status check_asset(const mc_asset *asset, size_t row, mc_error *err)
{
    const struct { double value, low, high; const char *name; } bounds[] = {
        {asset->haircut_mm_frac, 0.0, 1.0, "haircut_mm_frac"},
        {asset->haircut_im_frac, asset->haircut_mm_frac, 1.0, "haircut_im_frac"},
        {asset->exit_depth_usd, 0.0, 1e18, "exit_depth_usd"},
        {asset->exit_impact_frac, 0.0, 1.0, "exit_impact_frac"},
        {asset->unscanned_frac, 0.0, 1.0, "unscanned_frac"},
    };
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; ++b) {
        if (!mc_is_finite(bounds[b].value))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)row, "%s of asset %zu is not finite",
                           bounds[b].name, row);
        if (bounds[b].value < bounds[b].low || bounds[b].value > bounds[b].high)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row,
                           "%s of asset %zu is %g; %g to %g is allowed", bounds[b].name, row,
                           bounds[b].value, bounds[b].low, bounds[b].high);
    }
    if (asset->exit_market < 0)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row, "exit_market of asset %zu is %d", row,
                       asset->exit_market);
    return MC_OK;
}

size_t mc_exit_market_of(const mc_asset *assets, size_t k)
{
    for (size_t j = 0; j < k && assets[k].exit_market > 0; ++j)
        if (assets[j].exit_market == assets[k].exit_market)
            return j;
    return k;
}

mc_status mc_assets_check(const mc_asset *assets, size_t n_assets, const mc_instruments *in,
                          mc_error *err)
{
    if (in == NULL || (n_assets > 0 && assets == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "assets or instruments are missing");
    for (size_t k = 0; k < n_assets; ++k) {
        const int32_t i = assets[k].instrument;
        if (i < 0 || (size_t)i >= in->n)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)k, "instrument %d of %zu (asset %zu)",
                           i, in->n, k);
        if (k > 0 && i <= assets[k - 1].instrument)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)k, "instrument %d of asset %zu follows %d",
                           i, k, assets[k - 1].instrument);
        if (in->kind[i] != MC_SPOT)
            return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)k, "instrument %d of asset %zu is no spot",
                           i, k);
        const mc_status status = check_asset(&assets[k], k, err);
        if (status != MC_OK)
            return status;
        const mc_asset *same = &assets[mc_exit_market_of(assets, k)];
        if (same->exit_depth_usd != assets[k].exit_depth_usd
            || same->exit_impact_frac != assets[k].exit_impact_frac)
            return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)k,
                           "assets %td and %zu share exit_market %d and differ in its depth",
                           same - assets, k, same->exit_market);
    }
    return MC_OK;
}
