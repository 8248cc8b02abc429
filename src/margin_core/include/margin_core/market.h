/* market.h - the state of the world at one instant, as columns beside the instruments. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_MARKET_H
#define MARGIN_CORE_MARKET_H

#include <margin_core/instrument.h>

MC_BEGIN_DECLS

/* A view, borrowed for the call. */
typedef struct mc_market {
    const double *index_usd;       /* [n_units] > 0, price of one coin of the unit             */
    const double *confidence_frac; /* [n_units] >= 0, half width of the index's confidence
                                      band as a fraction of it; NULL: all 0                    */
    const double *years;           /* [n_terms] >= 0, to expiry; 0 for spot and perpetuals     */
    const double *forward_usd;     /* [n] > 0: the asset's price (spot), the contract's mark
                                      (perpetual, future), the expiry's forward (option)       */
    const double *discount;        /* [n] > 0, value now of 1 paid at expiry; NULL: all 1      */
    const double *vol;             /* [n] >= 0 for options, a fraction per root year           */
    const double *mark_usd;        /* [n] the venue's value of 1.0 of quantity: it counts in
                                      equity, never in a scenario                              */
    const double *quote_usd;       /* [n] > 0, price of the currency that a linear contract's
                                      forward and strike are in; NULL: all 1. Nothing to spot
                                      and inverse contracts                                    */
} mc_market;

/* Checks every rule above.
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_NOT_FINITE, MC_ERR_DOMAIN; err->row is the instrument, unit or
 * term that the message names. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_market_check(const mc_instruments *instruments,
                                               const mc_market *market, mc_error *err);

MC_END_DECLS

#endif
