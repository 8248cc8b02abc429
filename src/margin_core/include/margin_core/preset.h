/* preset.h - margin as a venue computes it: its rules as columns, in doubles.
 *
 * For what an account holds of unit u, term by term, q of instrument i:
 *
 *   V[z]      = sum of q value[i, z];  V0 = sum of q base[i]
 *   pnl[z]    = weight[u, z] ((V[z] >= 0 ? long_factor[t] : short_factor[t]) V[z] - V0)
 *               a column that folds: -|pnl[z]|
 *               a competitor's columns: rate[c, t] min(0, least of V - V0 over all of them)
 *   row_u[z]  = sum of pnl[z] over the unit's terms, as r:
 *               r < 0 ? min(0, r + dampener[u, z]) : min(gain_cap[u], gain_offset[u] r)
 *   core_u    = max(0, -least of row_u), to the nearest multiple of core_quantum
 *   need_u    = max(max(core_u - credit_u, core floors) + inside charges, unit floors)
 *   MM        = mm_factor sum of need_u + outside charges + provision; IM alike
 *
 * Credits are what units set off against each other. A charge is amount times rate, and IM may
 * have more of it: docs/venues says which venue has which. Amounts are in the numeraire that the
 * values are in. float64; sums run in the order of instruments, so that results are the same for
 * any instruction set and number of threads.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_PRESET_H
#define MARGIN_CORE_PRESET_H

#include <margin_core/charge.h>
#include <margin_core/sweep.h>

MC_BEGIN_DECLS

typedef enum mc_combination {
    MC_UNITS_SUM = 0,
    MC_UNITS_JOINT = 1,      /* lambda of what one minimum over their summed rows saves   */
    MC_UNITS_CORRELATED = 2, /* sqrt(core' rho core)                                      */
    MC_UNITS_CREDITS = 3,    /* a part of the price risk of offsetting deltas is forgiven */
    MC_COMBINATION_END
} mc_combination;

/* ratio[k] deltas of unit[k], long (+1) or short (-1), make a spread; its credit is a part of
 * what they risk. A unit's price risk is its loss where it is worst, the mean over that move,
 * less the mean where nothing moves. */
typedef struct mc_credit {
    int32_t unit[2];
    int32_t side[2];
    double ratio[2];
    double credit_frac;
} mc_credit;

/* Columns are read while the preset is made, and not after. NULL where a comment says what then
 * holds. Factors, rates and weights are in [0, 1e9]. */
typedef struct mc_preset_columns {
    size_t size; /* sizeof(mc_preset_columns): lets the struct grow */
    size_t n;    /* instruments, sorted by unit, term and pair      */
    size_t n_units;
    size_t n_terms;
    size_t n_columns;
    const int32_t *unit;          /* [n]                                                       */
    const int32_t *term;          /* [n] each of one unit                                      */
    const int32_t *pair;          /* [n] the same for the call and put of a term and strike    */
    const uint8_t *is_option;     /* [n]                                                       */
    const double *value;          /* [n * n_columns]                                           */
    const double *base;           /* [n] value now; 0 where `value` is P&L already             */
    const double *mark;           /* [n] what counts in equity                                 */
    const double *delta;          /* [n] for credits; else NULL                                */
    const double *weight;         /* [n_units * n_columns]; NULL: 1                            */
    const double *long_factor;    /* [n_terms]; NULL: 1                                        */
    const double *short_factor;   /* [n_terms]; NULL: 1                                        */
    const uint8_t *folds;         /* [n_columns]; NULL: none                                   */
    const int32_t *competitor;    /* [n_columns] -1 scanned, then whose column, never falling;
                                     NULL: all scanned                                         */
    size_t n_competitors;         /* none of more than 64 columns                              */
    const double *compete_rate;   /* [n_competitors * n_terms]                                 */
    const double *dampener;       /* [n_units * n_columns]; NULL: 0                            */
    const double *gain_offset;    /* [n_units]; NULL: 1                                        */
    const double *gain_cap;       /* [n_units], infinity: none; NULL: none                     */
    double core_quantum;          /* 0: cores are not rounded                                  */
    const mc_charge *charges;     /* [n_charges]                                               */
    size_t n_charges;
    mc_combination combination;
    double lambda_frac;           /* of joint, in [0, 1]                                       */
    const double *correlation;    /* [n_units * n_units]                                       */
    const mc_credit *credits;     /* [n_credits] in order of priority                          */
    size_t n_credits;
    const double *spot_move;      /* [n_units * n_columns] for credits; else NULL              */
    double mm_factor;
    double im_factor;
} mc_preset_columns;

typedef struct mc_preset mc_preset;

/* Lays a preset out for sweeps. The result is immutable and owns all it needs.
 *
 * Errors: MC_ERR_ARGUMENT    a missing column, a wrong count, an unknown enumerator, more than
 *                            MC_PRESET_SUMS sums
 *         MC_ERR_INSTRUMENT  a unit, term, pair, level or competitor out of range
 *         MC_ERR_ORDER       instruments or columns out of order (err->row)
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  a number out of range (err->row is its place)
 *         MC_ERR_MEMORY
 */
MC_API MC_MUST_CHECK mc_status mc_preset_create(const mc_preset_columns *columns, mc_preset **out,
                                                mc_error *err);
MC_API void mc_preset_destroy(mc_preset *preset); /* NULL is fine */

/* What accounts have beside positions, by account of the book, in the numeraire; NULL: 0. */
typedef struct mc_preset_accounts {
    const double *cash;
    const double *provision_mm; /* requirements that a venue adds from outside its model */
    const double *provision_im;
} mc_preset_accounts;

/* Where results go, in the numeraire; [count] each unless said, or NULL where not wanted. */
typedef struct mc_preset_standing {
    double *equity;       /* cash and marks                                          */
    double *option_value; /* the part of it that is options                          */
    double *mm;
    double *im;
    double *scan;         /* sum of core_u - credit_u, before floors and charges     */
    double *charge_mm;    /* [count * n_charges] rate times amount, before the factor */
    double *charge_im;    /* [count * n_charges]                                     */
    double *unit_core;    /* [count * n_units]                                       */
    double *unit_credit;  /* [count * n_units]                                       */
    int32_t *unit_worst;  /* [count * n_units] column; -1: nothing is lost           */
    double *unit_row;     /* [count * n_units * n_columns]                           */
} mc_preset_standing;

/* Margins accounts range->first .. range->first + range->count - 1. Of the book only positions
 * count; it may be fractional, and 1.0 lot is 1.0 of the preset's instrument.
 *
 * Errors: MC_ERR_ARGUMENT  orders, a book of another number of instruments, a range outside it
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  amounts that are not finite or overflow (err->row is
 *                          the account)
 *         MC_ERR_MEMORY
 * On error the outputs are untouched. Same bits for any number of threads and instruction set.
 */
MC_API MC_MUST_CHECK mc_status mc_preset_sweep(const mc_preset *preset, const mc_book *book,
                                               const mc_range *range,
                                               const mc_preset_accounts *accounts,
                                               const mc_preset_standing *out, mc_error *err);

MC_END_DECLS

#endif
