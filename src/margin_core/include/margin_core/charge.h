/* charge.h - what a venue asks beside the scan, unit by unit. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_CHARGE_H
#define MARGIN_CORE_CHARGE_H

#include <margin_core/margin.h>

MC_BEGIN_DECLS

enum { MC_PRESET_SUMS = 32 }; /* that the charges of a preset may take together */

/* The amount of a charge from the sums x of q weight[i] over the segments of a unit. */
typedef enum mc_charge_form {
    MC_CHARGE_GROSS = 0,     /* sum of |x|; a sum a segment                                     */
    MC_CHARGE_SHORT = 1,     /* sum of max(0, -x); a sum                                        */
    MC_CHARGE_HEDGED = 2,    /* half of sum of |x| less |sum of x|: the smaller side; one more  */
    MC_CHARGE_LEAST_NET = 3, /* |sum of x|, or without long options where less; 2 sums          */
    MC_CHARGE_SPREADS = 4,   /* offsetting terms by level, times rates in order; 2 sums a level */
    MC_CHARGE_FORM_END
} mc_charge_form;

typedef enum mc_charge_segment {
    MC_PER_INSTRUMENT = 0,
    MC_PER_PAIR = 1,
    MC_PER_TERM = 2,
    MC_PER_LEVEL = 3, /* a sum each */
    MC_PER_UNIT = 4,
    MC_CHARGE_SEGMENT_END
} mc_charge_segment;

typedef enum mc_charge_role {
    MC_CHARGE_INSIDE = 0,     /* added to the core, under the factor */
    MC_CHARGE_OUTSIDE = 1,    /* beside the factor                   */
    MC_CHARGE_CORE_FLOOR = 2,
    MC_CHARGE_UNIT_FLOOR = 3,
    MC_CHARGE_ROLE_END
} mc_charge_role;

/* How an amount a counts. */
typedef enum mc_charge_shape {
    MC_SHAPE_PLAIN = 0,
    MC_SHAPE_TIERS = 1, /* each slice above a bound times its multiplier; nothing below the first */
    MC_SHAPE_RAMP = 2,  /* min(slope a max(0, a - threshold), cap a)                              */
    MC_CHARGE_SHAPE_END
} mc_charge_shape;

/* What one unit pays; rates, multipliers, slope and cap in [0, 1e9]. */
typedef struct mc_charge_rates {
    double mm;
    double im;
    mc_charge_shape shape;
    int32_t n_tiers;
    double above[MC_MAX_TIERS];      /* >= 0, rising; the last has no end */
    double multiplier[MC_MAX_TIERS];
    double ramp_slope;
    double ramp_threshold;           /* >= 0                              */
    double ramp_cap;
} mc_charge_rates;

typedef struct mc_spread {
    int32_t level; /* long and short of one level, or of two, each way round */
    int32_t against;
    double rate;
} mc_spread;

typedef struct mc_charge {
    mc_charge_form form;
    mc_charge_segment segment;    /* of gross, short and hedged; other forms have their own */
    mc_charge_role role;
    const double *weight;         /* [n] what 1.0 of an instrument adds                     */
    const int32_t *level;         /* [n] 0 .. n_levels - 1; NULL where none is needed       */
    size_t n_levels;
    const mc_charge_rates *rates; /* [n_units]                                              */
    const mc_spread *spreads;     /* [n_spreads] in order of priority                       */
    size_t n_spreads;
} mc_charge;

MC_END_DECLS

#endif
