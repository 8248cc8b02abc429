/* SPDX-License-Identifier: Apache-2.0 */
#include "liquidation/depth.h"

#include <inttypes.h>
#include <math.h>

#include "base/check.h"
#include "kernels/fmath.h"

static mc_status check_level(const mc_depth *d, size_t side, int64_t l, mc_error *err)
{
    const double lots = d->lots[l], cost = d->cost[l];
    if (!mc_is_finite(lots) || !mc_is_finite(cost))
        return mc_fail(err, MC_ERR_NOT_FINITE, l, "level %" PRId64 " is not finite", l);
    if (!(lots > 0.0) || !mc_is_whole(lots))
        return mc_fail(err, MC_ERR_DOMAIN, l, "level %" PRId64 " offers %g lots: a whole number "
                       "above 0 is needed", l, lots);
    if (cost < 0.0 || !mc_is_whole(cost))
        return mc_fail(err, MC_ERR_DOMAIN, l, "level %" PRId64 " costs %g quanta: a whole number "
                       "of at least 0 is needed", l, cost);
    if (l > d->offset[side] && cost < d->cost[l - 1])
        return mc_fail(err, MC_ERR_ORDER, l, "level %" PRId64 " is cheaper than the one before it",
                       l);
    return MC_OK;
}

static mc_status check_side(const mc_depth *d, size_t side, mc_error *err)
{
    double lots = 0.0, value = 0.0;
    for (int64_t l = d->offset[side]; l < d->offset[side + 1]; ++l) {
        const mc_status status = check_level(d, side, l, err);
        if (status != MC_OK)
            return status;
        lots += d->lots[l];
        value += d->lots[l] * d->cost[l];
    }
    if (!(lots < MC_EXACT_LIMIT && value < MC_EXACT_LIMIT))
        return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)side,
                       "side %zu adds up to %.3g lots that cost %.3g quanta, past 2^53", side, lots,
                       value);
    const double taken = d->taken[side];
    if (!(taken >= 0.0 && taken <= lots))
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)side,
                       "of side %zu %g lots are taken; it has %g", side, taken, lots);
    if (d->limit != NULL && !(d->limit[side] >= 0.0))
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)side, "the limit of side %zu is %g", side,
                       d->limit[side]);
    return MC_OK;
}

mc_status mc_depth_check(const mc_depth *d, mc_error *err)
{
    if (d == NULL || d->offset == NULL || d->taken == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no depth, or a column of it is missing");
    if (d->offset[0] != 0)
        return mc_fail(err, MC_ERR_ORDER, 0, "offsets start at %" PRId64 ", not at 0",
                       d->offset[0]);
    for (size_t side = 0; side < 2 * d->n_instruments; ++side)
        if (d->offset[side + 1] < d->offset[side])
            return mc_fail(err, MC_ERR_ORDER, (int64_t)side, "the offset after side %zu falls",
                           side);
    if (d->offset[2 * d->n_instruments] > 0 && (d->lots == NULL || d->cost == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the levels have no lots or no costs");
    for (size_t side = 0; side < 2 * d->n_instruments; ++side) {
        const mc_status status = check_side(d, side, err);
        if (status != MC_OK)
            return status;
    }
    return MC_OK;
}

mc_status mc_depth_square_root(double mark, double depth_lots, double half_spread_frac,
                               double impact_frac, double *lots, double *cost, size_t *n_levels,
                               mc_error *err)
{
    if (lots == NULL || cost == NULL || n_levels == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the levels");
    if (!mc_is_finite(mark) || !mc_is_finite(depth_lots) || !mc_is_finite(half_spread_frac)
        || !mc_is_finite(impact_frac))
        return mc_fail(err, MC_ERR_NOT_FINITE, -1, "mark, depth, spread and impact must be finite");
    if (!(mark > 0.0 && depth_lots >= 1.0 && half_spread_frac >= 0.0 && half_spread_frac <= 1.0
          && impact_frac >= 0.0 && impact_frac <= 1.0))
        return mc_fail(err, MC_ERR_DOMAIN, -1,
                       "mark %g, depth %g lots, spread %g, impact %g: above 0, at least 1, in [0, 1]",
                       mark, depth_lots, half_spread_frac, impact_frac);
    if (!(16.0 * depth_lots * mark * (half_spread_frac + 4.0 * impact_frac) < MC_EXACT_LIMIT / 2
          && 16.0 * depth_lots < MC_EXACT_LIMIT))
        return mc_fail(err, MC_ERR_EXACTNESS, -1, "16 depths of %g lots are too many to count",
                       depth_lots);

    size_t n = 0;
    double size = 0.0, total = 0.0, last = 0.0;
    double level_lots[MC_DEPTH_LEVELS], level_cost[MC_DEPTH_LEVELS];
    for (int j = 0; j < MC_DEPTH_LEVELS; ++j) {
        const double share = ldexp(1.0, j - 6), node = floor(depth_lots * share);
        if (!(node > size))
            continue;
        const double at_node =
            node * mark * fma(impact_frac, sqrt(node / depth_lots), half_spread_frac);
        const double each = ceil((at_node - total) / (node - size));
        level_lots[n] = node - size;
        level_cost[n] = last = each > last ? each : last;
        total += level_lots[n] * level_cost[n];
        size = node;
        ++n;
    }
    for (size_t l = 0; l < n; ++l) {
        lots[l] = level_lots[l];
        cost[l] = level_cost[l];
    }
    *n_levels = n;
    return MC_OK;
}

mc_status mc_depth_recover(const mc_depth *d, double elapsed_s, double half_life_s, mc_error *err)
{
    if (d == NULL || d->taken == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no depth, or nothing was taken of it");
    if (!mc_is_finite(elapsed_s) || !mc_is_finite(half_life_s))
        return mc_fail(err, MC_ERR_NOT_FINITE, -1, "a time is not finite");
    if (elapsed_s < 0.0 || !(half_life_s > 0.0))
        return mc_fail(err, MC_ERR_DOMAIN, -1, "%g s passed at a half-life of %g s", elapsed_s,
                       half_life_s);
    const double lives = elapsed_s / half_life_s;
    const double left = lives < 1000.0 ? mc_exp(-0.69314718055994530942 * lives) : 0.0;
    for (size_t side = 0; side < 2 * d->n_instruments; ++side) {
        /* Parts of a lot are kept: rounded up each time, a few lots would never come back. */
        const double taken = d->taken[side] * left;
        d->taken[side] = taken > 0.5 ? taken : 0.0;
    }
    return MC_OK;
}

mc_status mc_depth_limit(const mc_depth *d, const double *unit, const double *move, double share,
                         double least, double *limit, mc_error *err)
{
    if (d == NULL || unit == NULL || limit == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "depth, units or limits are missing");
    if (!(0.0 <= least && least <= share && share <= 1.0))
        return mc_fail(err, MC_ERR_DOMAIN, -1, "least %g and share %g: 0 <= least <= share <= 1",
                       least, share);
    for (size_t side = 0; side < 2 * d->n_instruments; ++side) {
        if (!(unit[side / 2] > 0.0 && mc_is_finite(unit[side / 2])))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)(side / 2),
                           "the unit of instrument %zu is %g", side / 2, unit[side / 2]);
        if (move != NULL && !(move[side] >= 0.0))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)side, "the move of side %zu is %g", side,
                           move[side]);
    }
    for (size_t side = 0; side < 2 * d->n_instruments; ++side) {
        const double all = mc_side_lots(d, side);
        double near = 0.0;
        for (int64_t l = d->offset[side]; l < d->offset[side + 1]; ++l)
            if (move == NULL || d->cost[l] <= move[side] * unit[side / 2])
                near += d->lots[l];
        limit[side] = fmax(fmin(near, floor(share * all)), ceil(least * all));
    }
    return MC_OK;
}
