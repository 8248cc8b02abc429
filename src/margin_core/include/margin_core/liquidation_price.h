/* liquidation_price.h - how far the price of one unit may go before an account is liquidatable.
 *
 * Of whole ticks on either side of today's price, one at which equity < MM while it is not one
 * tick nearer. Everything is repriced there: the unit's index and forwards scale with the price,
 * its options' marks move with their values, and volatilities, other units, risk lots, the
 * exposures of market and owners, and the orders' limits stay: docs/method/liquidation_price.md.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_LIQUIDATION_PRICE_H
#define MARGIN_CORE_LIQUIDATION_PRICE_H

#include <margin_core/sweep.h>

MC_BEGIN_DECLS

/* What a margin table is made of; views, borrowed for the call. */
typedef struct mc_margin_inputs {
    const mc_instruments *instruments;
    const mc_market *market;
    const mc_scenarios *scenarios;
    const double *lot;           /* [n] */
    const mc_risk_options *options; /* rounded; the numeraire is not the unit that moves */
    const mc_margin_model *model;
    const int64_t *sides;        /* from mc_exposure, as in mc_sweep; NULL: none             */
    const int64_t *owners;
} mc_margin_inputs;

typedef struct mc_price_search {
    size_t size;           /* sizeof(mc_price_search): lets the struct grow                  */
    int32_t unit;          /* whose price moves                                              */
    double ticks_per_usd;  /* > 0: tick t is the price t / ticks_per_usd                     */
    double least_move;     /* in (-1, 0): how far down to look, as a fraction of today's     */
    double most_move;      /* in (0, 1000]: how far up                                       */
    size_t n_steps;        /* 1 .. 1000 looks on either side, evenly apart in the logarithm  */
} mc_price_search;

enum { /* bits */
    MC_PRICE_BELOW = 1, /* there is one below today's price */
    MC_PRICE_ABOVE = 2, /* and one above                    */
    MC_PRICE_NOW = 4    /* liquidatable at today's price: no other is looked for */
};

/* Liquidation prices of accounts range->first .. range->first + range->count - 1.
 *
 *   follows  [n_accounts] quanta of the book's cash that scale with the unit's price (the coins
 *            that an inverse contract was entered at), of accounts that hold the unit; NULL: none
 *   below    out, [count] ticks; 0 where there is none within the range
 *   above    out, [count]
 *   found    out, [count] bits of the enumeration above
 *
 * The bracket is the first look that finds the account liquidatable, so that a fall below MM and
 * back between two looks is not seen; the price within it is found by safeguarded interpolation.
 *
 * Errors: those of mc_risk_array_create, mc_margin_create and mc_sweep at today's price (err->row
 *         is theirs); MC_ERR_ARGUMENT a null pointer, a wrong size or n_steps, an unrounded array,
 *         a numeraire that is the unit; MC_ERR_INSTRUMENT the unit; MC_ERR_NOT_FINITE,
 *         MC_ERR_DOMAIN a tick or move out of range, 2^53 ticks or more; MC_ERR_EXACTNESS `follows`
 *         of 2^53 or more, or an account beyond the bound at a price that was looked at
 *         (err->row is the account); MC_ERR_MEMORY
 * On error the outputs are untouched. Same bits for any number of threads, instruction set and
 * division of the book into ranges.
 */
MC_API MC_MUST_CHECK mc_status mc_liquidation_prices(const mc_margin_inputs *inputs,
                                                     const mc_book *book, const mc_range *range,
                                                     const mc_price_search *search,
                                                     const int64_t *follows, int64_t *below,
                                                     int64_t *above, uint8_t *found,
                                                     mc_error *err);

MC_END_DECLS

#endif
