/* margin.h - a margin model, and the table that it makes of a risk array.
 *
 *   row_u[z] = sum over positions of unit u of lots R[i, z]
 *            + sum over orders of u of min(0, lots R[i, z] + (mark - limit) lots)
 *   scan_u   = -min_z row_u[z]
 *   joint_g  = -min_z sum of row_u[z] over the units of group g
 *   core     = ceil(sum_g ((1024 - k_g) sum_u scan_u + k_g joint_g) / 1024)
 *   MM       = max(ceil(mm_factor core / 1024) + charges, closing) + haircuts
 *   IM       = max(MM, ceil(im_factor core / 1024) + charges_im + haircuts_im)
 *
 * Every charge is a sum of whole lots times whole rates, rounded up once: docs/method/margin.md.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_MARGIN_H
#define MARGIN_CORE_MARGIN_H

#include <margin_core/collateral.h>
#include <margin_core/risk_array.h>

MC_BEGIN_DECLS

enum {
    MC_MAX_TIERS = 8,     /* of a unit's cross-margin rates                     */
    MC_VEGA_BUCKETS = 4,  /* tenor buckets of the vega charge                   */
    MC_LAMBDA_MAX = 819   /* 80 % of 1024: the most a group may offset (EU 153/2013 art. 27) */
};

typedef struct mc_tier {
    double above_usd; /* notional from which the rates apply, to the part above only */
    double mm_frac;
    double im_frac;
} mc_tier;

/* How one unit is margined. Fractions are of notional unless said; all are in [0, 1]. */
typedef struct mc_unit_margin {
    int32_t group;               /* 0 .. n_groups - 1, never falling from unit to unit          */
    double roll_move_frac;       /* >= 0, annualised move of a forward against spot             */
    double roll_min_frac;        /* the least such move, perpetuals included                    */
    double short_option_mm_frac; /* per net short option                                        */
    double short_option_im_frac; /* >= the MM rate                                              */
    double vega_twist;           /* >= 0, volatility by which tenor buckets move apart          */
    double close_frac;           /* cost of closing                                             */
    double depth_usd;            /* one-sided notional an owner moves at impact_frac; 0: free   */
    double impact_frac;          /* cost as a fraction at depth_usd; grows with the square root */
    double market_depth_usd;     /* the same for all accounts together                          */
    double market_impact_frac;
    double asset_haircut_frac;   /* of spot, in cross and isolated accounts                     */
    double isolated_mm_frac;
    double isolated_im_frac;
    size_t n_tiers;              /* 1 .. MC_MAX_TIERS, cross accounts                           */
    mc_tier tiers[MC_MAX_TIERS]; /* above_usd rises from 0, rates never fall                    */
    double open_interest_usd;    /* moves the cross rates towards 1 between the two bounds      */
    double open_interest_lower_usd;
    double open_interest_upper_usd; /* 0: no scaling                                            */
} mc_unit_margin;

typedef struct mc_margin_model {
    size_t size;               /* sizeof(mc_margin_model): lets the struct grow               */
    size_t n_units;
    const mc_unit_margin *units; /* [n_units]                                                 */
    size_t n_groups;
    const int32_t *lambda_k;   /* [n_groups] 0 .. MC_LAMBDA_MAX, in 1/1024                    */
    int32_t mm_factor_k;       /* 1 .. 16 * 1024, in 1/1024                                   */
    int32_t im_factor_k;       /* >= mm_factor_k                                              */
    double vega_edge_years[MC_VEGA_BUCKETS - 1]; /* > 0, rising                               */
    size_t n_assets;
    const mc_asset *assets;    /* [n_assets] of spot instruments that have haircuts; may be NULL */
} mc_margin_model;

typedef struct mc_margin mc_margin;

/* Joins a risk array with the model's rates. The result is immutable and owns all it needs.
 *
 *   instruments, market  those that the risk array was built from
 *   out                  a new table; mc_margin_destroy frees it
 *
 * Errors: MC_ERR_ARGUMENT   an adopted or unrounded risk array, counts that differ
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  a parameter out of range (err->row is the unit)
 *         MC_ERR_ORDER      groups that fall, tiers that do not rise (err->row is the unit)
 *         those of mc_assets_check (err->row is the asset)
 *         MC_ERR_EXACTNESS  a rate of 2^53 quanta or more per lot (err->row is the instrument)
 *         MC_ERR_MEMORY
 */
MC_API MC_MUST_CHECK mc_status mc_margin_create(const mc_risk_array *risk,
                                                const mc_instruments *instruments,
                                                const mc_market *market,
                                                const mc_margin_model *model,
                                                mc_margin **out, mc_error *err);
MC_API void mc_margin_destroy(mc_margin *margin); /* NULL is fine */

/* The whole rates per risk lot, in quanta: what an auditor multiplies by lots. */
typedef struct mc_margin_rates {
    double mark;
    double vega[MC_VEGA_BUCKETS]; /* value of the twist, in the instrument's tenor bucket */
    double roll;                  /* value of the roll move                               */
    double short_option_mm;
    double short_option_im;
    double closing;
    double oracle;
    double haircut_mm;            /* of what is held, without the exit */
    double haircut_im;
    double notional;
    double crowding; /* of a lot held, in concentration: notional, 0 with an exit of its own */
    double side; /* + 1 gains when the unit's price rises, - 1 when it falls              */
} mc_margin_rates;

/* Errors: MC_ERR_ARGUMENT, MC_ERR_INSTRUMENT (no such instrument) */
MC_API MC_MUST_CHECK mc_status mc_margin_rates_of(const mc_margin *margin, size_t instrument,
                                                  mc_margin_rates *rates, mc_error *err);

MC_END_DECLS

#endif
