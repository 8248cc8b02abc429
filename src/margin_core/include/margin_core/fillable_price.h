/* fillable_price.h - the price at which dYdX v4 offers a position of a liquidatable account. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_FILLABLE_PRICE_H
#define MARGIN_CORE_FILLABLE_PRICE_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* Positions of accounts in liquidation, amounts of one unit of money; a view, borrowed for the
 * call. */
typedef struct mc_liquidated {
    size_t n;
    const double *size;        /* [n] signed, not 0                           */
    const double *notional;    /* [n] signed, size times the oracle's price   */
    const double *position_mm; /* [n] >= 0, of the position                   */
    const double *equity;      /* [n] of the account                          */
    const double *mm;          /* [n] > 0, of the account                     */
} mc_liquidated;

/* price, out, [n]: the oracle's price less a spread that grows as equity falls below MM; where a
 * position is short, more.
 *
 *   notional / size - ratio spread_to_mm position_mm / size
 *   ratio = adjustment (1 - equity / mm), within 0 and 1
 *
 *   adjustment    >= 1, the bankruptcy adjustment
 *   spread_to_mm  >= 0, the spread to maintenance margin ratio
 *
 * Operations in that order, each rounded once: the same bits everywhere. Source: dYdX v4.
 * Errors: MC_ERR_ARGUMENT a null pointer; MC_ERR_NOT_FINITE; MC_ERR_DOMAIN a number out of range,
 * or a price beyond the largest double (err->row)
 * On error `price` is untouched. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_fillable_price(const mc_liquidated *rows, double adjustment,
                                                 double spread_to_mm, double *price,
                                                 mc_error *err);

/* price, out, [n]: at which closing the position uses up its part of the account's equity, by its
 * MM: notional / size - equity (position_mm / mm) / size. Errors and source as above. */
MC_API MC_MUST_CHECK mc_status mc_bankruptcy_price(const mc_liquidated *rows, double *price,
                                                   mc_error *err);

MC_END_DECLS

#endif
