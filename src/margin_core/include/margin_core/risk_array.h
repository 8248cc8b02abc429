/* risk_array.h - the P&L of one risk lot of every instrument in every scenario.
 *
 * The hand-over between pricing and margin. A cell is a whole number of quanta, rounded once;
 * everything after it is exact integer arithmetic carried in doubles. Immutable once built, so
 * threads and processes share it without locks.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_RISK_ARRAY_H
#define MARGIN_CORE_RISK_ARRAY_H

#include <margin_core/instrument.h>
#include <margin_core/market.h>
#include <margin_core/scenario.h>

MC_BEGIN_DECLS

typedef struct mc_risk_array mc_risk_array;

/* The risk lot of every instrument: its step times the smallest power of ten for which
 * notional * range_frac is at least 2^16 quanta (range_frac 0 counts as 1), so that no cell that
 * matters rounds to nothing.
 *
 *   range_frac  [n_units] the unit's largest ordinary move
 *   quantum     > 0, in USD: times the coin's price where a coin is the numeraire
 *   lot         out, [n] units of quantity
 *
 * Errors: as mc_market_check, and MC_ERR_QUANTUM  no power of ten up to 1e18 suffices
 */
MC_API MC_MUST_CHECK mc_status mc_risk_lots(const mc_instruments *instruments,
                                            const mc_market *market, const double *range_frac,
                                            double quantum, double *lot, mc_error *err);

typedef struct mc_risk_options {
    size_t size;      /* sizeof(mc_risk_options): lets the struct grow                          */
    double quantum;   /* > 0: what cells are rounded to; 0: unrounded, for research             */
    int32_t numeraire; /* -1: USD; else a unit, whose coin values are counted in                */
    unsigned n_threads; /* 0: one per processor                                                 */
} mc_risk_options;

#define MC_RISK_OPTIONS_INIT {sizeof(mc_risk_options), 1e-6, -1, 1}

/* Prices every instrument in every scenario, by full revaluation.
 *
 *   R[i, z] = round( weight_z (V_i(z) - V_i) contract_size_i lot_i / quantum )
 *
 * V is the value of 1.0 coin of the contract in the numeraire: the asset's price (spot), F Q
 * (linear future), -S/F (inverse future, per USD: its coins sit in the balance), D B76(F, K, vol,
 * T) Q (linear option), D B76 S/F (inverse option); Q is the market's quote_usd, which no scenario
 * moves. V_i(z) and V_i come from the same formula, and the base column is exactly 0.
 *
 *   lot   [n] > 0, from mc_risk_lots or the venue's own
 *   out   a new array; mc_risk_array_destroy frees it
 *
 * Errors: those of the three checks; MC_ERR_QUANTUM  a risk lot whose notional is below 2^16
 * quanta (err->row); MC_ERR_EXACTNESS  a cell of 2^53 quanta or more (err->row); MC_ERR_MEMORY.
 */
MC_API MC_MUST_CHECK mc_status mc_risk_array_create(const mc_instruments *instruments,
                                                    const mc_market *market,
                                                    const mc_scenarios *scenarios,
                                                    const double *lot,
                                                    const mc_risk_options *options,
                                                    mc_risk_array **out, mc_error *err);

/* Takes cells that somebody else computed (a venue's published arrays, a historical simulation).
 *
 *   cells  [n_instruments * n_scenarios] row-major; whole numbers below 2^53 if quantum > 0
 *
 * Such an array can be scanned; margin needs the columns that mc_risk_array_create adds.
 * Errors: MC_ERR_NOT_FINITE, MC_ERR_DOMAIN (not whole), MC_ERR_EXACTNESS; err->row is the
 * instrument
 */
MC_API MC_MUST_CHECK mc_status mc_risk_array_adopt(const double *cells, size_t n_instruments,
                                                   size_t n_scenarios, double quantum,
                                                   mc_risk_array **out, mc_error *err);

MC_API void mc_risk_array_destroy(mc_risk_array *risk); /* NULL is fine */

/* What the array holds; pointers live as long as the array. */
typedef struct mc_risk_view {
    size_t n_instruments;
    size_t n_scenarios;
    size_t stride;        /* doubles from one row of cells to the next, a multiple of 8         */
    double quantum;       /* in the numeraire; 0: unrounded                                     */
    double quantum_usd;   /* the same in USD at the snapshot; adopted: the quantum itself       */
    const double *cells;  /* [n_instruments * stride] 64-byte aligned, padded with column 0 */
    /* Per risk lot, [n_instruments] quanta, whole numbers; NULL if adopted or unrounded.       */
    const double *mark;        /* the venue's value                                             */
    const double *value;       /* the model's value, the base of every cell                     */
    const double *notional;    /* >= 0                                                          */
    const double *delta;       /* gain per +100 % of the unit's spot, basis held                */
    const double *basis_delta; /* gain per +100 % of the forward, spot held                     */
    const double *vega;        /* gain per +1.00 of volatility                                  */
} mc_risk_view;

MC_API void mc_risk_array_view(const mc_risk_array *risk, mc_risk_view *view);

MC_END_DECLS

#endif
