/* liquidation/depth.h - the cost of a trade on a ladder that has been checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_LIQUIDATION_DEPTH_H
#define MC_LIQUIDATION_DEPTH_H

#include <margin_core/depth.h>

/* Quanta given up in taking the first `lots` of a side, whole and within its sum. */
static inline double mc_side_cost(const mc_depth *depth, size_t side, double lots)
{
    double cost = 0.0;
    for (int64_t l = depth->offset[side]; lots > 0.0; ++l) {
        const double here = lots < depth->lots[l] ? lots : depth->lots[l];
        cost += here * depth->cost[l];
        lots -= here;
    }
    return cost;
}

static inline double mc_side_lots(const mc_depth *depth, size_t side)
{
    double lots = 0.0;
    for (int64_t l = depth->offset[side]; l < depth->offset[side + 1]; ++l)
        lots += depth->lots[l];
    return lots;
}

#endif
