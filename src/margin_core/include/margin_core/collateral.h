/* collateral.h - what no price scenario says about an asset: haircuts beside the scan.
 *
 * An asset is a position like any other: its price, its discount and its depeg are scenarios of the
 * risk array. What is left is here, on what an account holds of it at the mark, in this order:
 *
 *   exit  = value impact(sold), the law of margin.h's concentration with the asset's own depth
 *   other = (value - exit) haircut_frac: bridge, finality, redemption, wrong-way, put together
 *
 * `sold` is the value of all that the account would sell into the same depth: of the assets of one
 * exit_market together, so that half stETH and half wstETH costs what either alone costs. In cross
 * and isolated accounts it has what is bid for too. What is held of an asset with an exit is not in
 * the concentration of its unit as well. MM asks for both at the MM fraction, IM at the
 * IM fraction. What is owed has no haircut.
 *
 * Cross and isolated accounts have no scan. They pay first, of what they hold, the unit's range and
 * then unscanned_frac of what that leaves: what the scenarios hold of a discount or a depeg.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_COLLATERAL_H
#define MARGIN_CORE_COLLATERAL_H

#include <margin_core/instrument.h>

MC_BEGIN_DECLS

typedef struct mc_asset {
    int32_t instrument;      /* spot; rising from asset to asset                            */
    int32_t exit_market;     /* > 0: assets of one number share a depth; 0: own             */
    double haircut_mm_frac;  /* in [0, 1]                                                   */
    double haircut_im_frac;  /* >= the MM fraction                                          */
    double exit_depth_usd;   /* what an account sells at exit_impact_frac; 0: any amount    */
    double exit_impact_frac; /* in [0, 1]; grows with the square root of what is sold       */
    double unscanned_frac;   /* in [0, 1]; cross and isolated accounts only                 */
} mc_asset;

/* Errors: MC_ERR_ARGUMENT   a missing column, an instrument that is no spot asset, two
 *                           depths of one exit_market
 *         MC_ERR_INSTRUMENT, MC_ERR_ORDER      an instrument out of range or order
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN     a number out of range
 * err->row is the asset. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_assets_check(const mc_asset *assets, size_t n_assets,
                                               const mc_instruments *instruments, mc_error *err);

MC_END_DECLS

#endif
