/* depth.h - what it costs to trade: a ladder of levels on each side of every instrument.
 *
 * Selling instrument i runs down side 2 i, buying it up side 2 i + 1. A level offers `lots` at
 * `cost` quanta a lot given up against the mark, and levels never get cheaper, so the cost of a
 * trade is a sum of whole numbers, convex in its size. What has been traded is `taken` from the
 * front of a side until it recovers. A book's snapshot is a ladder as it stands, a law of impact
 * one by mc_depth_square_root.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_DEPTH_H
#define MARGIN_CORE_DEPTH_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

enum { MC_DEPTH_LEVELS = 11 }; /* of the square-root law */

/* The caller's columns, borrowed; `taken` is state and is written. */
typedef struct mc_depth {
    size_t n_instruments;
    const int64_t *offset; /* [2 * n_instruments + 1] side s has levels offset[s] to
                              offset[s + 1] - 1                                            */
    const double *lots;    /* [n_levels] whole, > 0                                        */
    const double *cost;    /* [n_levels] whole quanta per lot, >= 0, never falling within a
                              side                                                         */
    double *taken;         /* [2 * n_instruments] lots, 0 .. the side's sum; while parts of
                              one come back, plans count it whole                          */
    const double *limit;   /* [2 * n_instruments] lots up to which a side may be taken,
                              >= 0; NULL: all there is                                     */
} mc_depth;

/* Errors: MC_ERR_ARGUMENT  a missing column
 *         MC_ERR_ORDER     offsets that do not start at 0 or fall (err->row is the side), costs
 *                          that fall (err->row is the level)
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  lots that are not whole or not above 0, a cost below 0
 *                          (err->row is the level); taken or a limit out of range (err->row is the
 *                          side); a limit may be infinite
 *         MC_ERR_EXACTNESS a side's lots, or lots times costs, add up to 2^53 or more (the side)
 * Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_depth_check(const mc_depth *depth, mc_error *err);

/* The ladder of an impact that grows with the square root of size: on average a trade of q lots
 * gives up mark (half_spread_frac + impact_frac sqrt(q / depth_lots)) a lot, exactly so at q =
 * depth_lots 2^-6 .. 2^4 and linearly in total between them. Beyond 16 depths there is nobody.
 *
 *   mark        > 0, quanta per lot; the side's notional where a mark means nothing
 *   lots, cost  out, [MC_DEPTH_LEVELS]; levels of no whole lot are left out
 *   n_levels    out
 *
 * Source: the square-root law of market impact, e.g. Toth et al., Phys. Rev. X 1, 021006 (2011).
 * Errors: MC_ERR_ARGUMENT, MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  depth_lots < 1, a fraction not in
 * [0, 1]; MC_ERR_EXACTNESS  16 depths cost 2^53 quanta or more
 */
MC_API MC_MUST_CHECK mc_status mc_depth_square_root(double mark, double depth_lots,
                                                    double half_spread_frac, double impact_frac,
                                                    double *lots, double *cost, size_t *n_levels,
                                                    mc_error *err);

/* Lots that come back: `taken` shrinks to 2^(-elapsed / half_life) of itself, and to 0 from half a
 * lot down: a side that is left alone is whole again after some half-lives, in steps of any length.
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  elapsed_s < 0, half_life_s <= 0
 */
MC_API MC_MUST_CHECK mc_status mc_depth_recover(const mc_depth *depth, double elapsed_s,
                                                double half_life_s, mc_error *err);

/* How far every side may be taken in an interval: `share` of its lots, or up to the first level
 * that lies further from the mark than the price may move, where that is less; never below `least`
 * of its lots, so that a liquidation goes on.
 *
 *   unit   quanta per lot that a move of 1 stands for, [n_instruments] > 0: the notional
 *   move   [2 * n_instruments] >= 0, how far the price may be pushed on that side, as a fraction;
 *          infinite: any distance. NULL: all of them
 *   limit  out, [2 * n_instruments] whole lots
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  0 <= least <= share <= 1 is needed, a
 * move below 0 (err->row is the side), a unit not above 0 (err->row is the instrument)
 */
MC_API MC_MUST_CHECK mc_status mc_depth_limit(const mc_depth *depth, const double *unit,
                                              const double *move, double share, double least,
                                              double *limit, mc_error *err);

MC_END_DECLS

#endif
