/* scenario.h - what could happen: columns of shocks that every unit and expiry goes through.
 *
 * A grid, a tail, a historical day, a Monte Carlo draw and a named event are all columns of the
 * same table. Column z is the same world for every unit.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_SCENARIO_H
#define MARGIN_CORE_SCENARIO_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* Term by term, [n_terms * n_scenarios] row-major except where said; a view. A NULL column has
 * no effect anywhere.
 *
 *   S' = S (1 + spot_move)
 *   F' = F (1 + spot_move) (1 + basis_move)
 *   vol' = max(vol_floor, max(0, vol vol_scale + vol_shift))
 *          * max(0, 1 + clamp(skew_slope ln(K / F), -skew_cap, skew_cap))
 *   T' = max(0, T - horizon_years),  D' = D^(T'/T)
 */
typedef struct mc_scenarios {
    size_t n_terms;
    size_t n_scenarios;
    const double *spot_move;     /* > -1, a fraction; the same for all terms of a unit         */
    const double *basis_move;    /* > -1, a fraction of the forward                            */
    const double *vol_scale;     /* >= 0                                                       */
    const double *vol_shift;     /* absolute, 0.01 is one vol point                            */
    const double *vol_floor;     /* >= 0                                                       */
    const double *skew_slope;    /* relative change of vol per unit of log-moneyness           */
    const double *skew_cap;      /* >= 0, largest relative change by skew                      */
    const double *weight;        /* >= 0, folded into the P&L before rounding                  */
    const double *horizon_years; /* [n_scenarios] >= 0, by how much options age                */
    const double *event_move;    /* [n_factors * n_scenarios] >= -1: extra move of the spot
                                    assets that follow a factor (a depeg, a bridge's failure)  */
    size_t n_factors;
} mc_scenarios;

/* Checks every rule above, and that at least one column, the base, moves nothing at all.
 *
 *   base  out, the first such column; may be NULL
 *
 * Errors: MC_ERR_ARGUMENT    no scenarios, no spot moves, or no base column
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  a cell that cannot be; err->row is
 *                            term * n_scenarios + scenario
 */
MC_API MC_MUST_CHECK mc_status mc_scenarios_check(const mc_scenarios *scenarios, size_t *base,
                                                  mc_error *err);

/* (30 / max(days, days_floor))^p with p = power_short below 30 days and power_long from there:
 * how much more a near volatility moves than a far one. days = 365 years.
 *
 *   factor  out, [n]
 *
 * Errors: MC_ERR_NOT_FINITE, MC_ERR_DOMAIN (negative years, days_floor not positive)
 */
MC_API MC_MUST_CHECK mc_status mc_vol_term_factor(const double *years, size_t n, double days_floor,
                                                  double power_short, double power_long,
                                                  double *factor, mc_error *err);

MC_END_DECLS

#endif
