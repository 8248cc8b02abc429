/* kernels/requirement.h - the margin table, and the whole-number steps from it to a requirement. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_REQUIREMENT_H
#define MC_KERNELS_REQUIREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <margin_core/margin.h>

#include "kernels/lanes.h"

/* Rates are in 1 / MC_RATE_ONE; factors and offsets are in 1 / 1024. */
#define MC_RATE_BITS 20
#define MC_RATE_ONE (INT64_C(1) << MC_RATE_BITS)
#define MC_FACTOR_BITS 10
#define MC_FACTOR_ONE (INT64_C(1) << MC_FACTOR_BITS)

enum { MC_IMPACT_NODES = 11, MC_IMPACT_LANES = 2 * MC_LANES };

/* From one node of an impact curve to the next. */
typedef struct mc_impact_segment {
    int64_t size;   /* where it begins                    */
    int64_t rate;   /* the rate there                     */
    int64_t rise;   /* of the rate over the segment       */
    int64_t span;   /* of the size, > 0                   */
    double inverse; /* (1 + 2^-50) / span                 */
} mc_impact_segment;

/* Cost of trading against depth: (0, 0), then (size, rate) node by node, constant beyond. Sizes
 * are in 2^20 quanta: their products with rates fit in 64 bits. */
typedef struct mc_impact {
    _Alignas(64) double node[MC_IMPACT_LANES]; /* sizes, then infinity                   */
    mc_impact_segment segment[MC_IMPACT_NODES + 1]; /* the last is constant               */
} mc_impact;

typedef struct mc_unit_rates {
    int32_t group;
    int32_t n_tiers;
    int64_t haircut;
    int64_t isolated_mm;
    int64_t isolated_im;
    int64_t above[MC_MAX_TIERS];
    int64_t tier_mm[MC_MAX_TIERS];
    int64_t tier_im[MC_MAX_TIERS];
    mc_impact owner_impact;
    mc_impact market_impact;
} mc_unit_rates;

/* What follows the cells in an instrument's row: two cache lines of eight lanes, as the charges
 * add them up. */
typedef struct mc_row_tail {
    /* Times lots. */
    double vega[MC_VEGA_BUCKETS];
    double vega_all; /* the sum of the buckets */
    double roll;
    double short_option_mm; /* minus the rate: what shorts owe is positive */
    double short_option_im;
    /* Times lots, then by magnitude (closing, oracle, one) or by side. */
    double mark;
    double closing;
    double oracle;
    double one;
    double longs;  /* + notional where the instrument gains when its unit rises, else -; 0 with an
                      exit of its own */
    double shorts; /* - what longs is without one */
    double haircut_mm; /* of what is long */
    double haircut_im;
} mc_row_tail;

/* What only slower paths read. */
typedef struct mc_row_facts {
    double notional;
    double largest; /* magnitude among the row's cells and rates */
    int32_t side;   /* + 1 or - 1 */
    int32_t kind;
} mc_row_facts;

/* An asset that costs something to leave. */
typedef struct mc_exit {
    int32_t market;  /* whose depth it is sold into     */
    int64_t left_mm; /* rate: 1 less the linear haircut */
    int64_t left_im;
} mc_exit;

/* Where an instrument stands: group, unit, term and call/put pair in one number, each in the
 * next, so that how much two neighbours share is how far up their numbers agree. */
typedef uint64_t mc_place;

enum {
    MC_TERM_BIT = 22,  /* below: the pair, one number for the call and put of a term and strike */
    MC_UNIT_BIT = 40,
    MC_GROUP_BIT = 52,
    MC_PLACE_BITS = 63,
};

static inline mc_place mc_place_of(int32_t group, int32_t unit, int32_t term, int32_t pair)
{
    return (mc_place)group << MC_GROUP_BIT | (mc_place)unit << MC_UNIT_BIT
         | (mc_place)term << MC_TERM_BIT | (mc_place)pair;
}

/* What ends between two places. */
enum { MC_NOTHING, MC_PAIR, MC_TERM, MC_UNIT, MC_GROUP, MC_ENDS };

static inline int mc_ends_between(mc_place here, mc_place next)
{
    /* By the highest bit in which they differ, plus one. */
    static const uint8_t ends[64] = {
        [0] = MC_NOTHING,
        [1 ... MC_TERM_BIT] = MC_PAIR,
        [MC_TERM_BIT + 1 ... MC_UNIT_BIT] = MC_TERM,
        [MC_UNIT_BIT + 1 ... MC_GROUP_BIT] = MC_UNIT,
        [MC_GROUP_BIT + 1 ... 63] = MC_GROUP,
    };
    return ends[63 - __builtin_clzll((here ^ next) << 1 | 1)];
}

struct mc_margin {
    size_t n_instruments;
    size_t n_scenarios;
    bool narrow;           /* cells are int32_t, else doubles                 */
    size_t stride;         /* cells in a row, a multiple of 8: the base is left out */
    int32_t base;          /* which scenario that is                          */
    size_t cells;          /* bytes of cells, a multiple of 64                */
    size_t row;            /* bytes from one row to the next                  */
    char *table;           /* [n_instruments * row] cells, then the tail      */
    int32_t *unit_of;      /* [n_instruments]                                 */
    mc_place *places;      /* [n_instruments]                                 */
    mc_row_facts *facts;   /* [n_instruments]                                 */
    int32_t *unscanned;    /* [n_instruments] rate, cross and isolated: of a holding's notional;
                              NULL: the unit's haircut everywhere             */
    int32_t *exit_of;      /* [n_instruments] -1 none; NULL: no asset has one */
    mc_exit *exits;
    size_t n_exit_markets;
    mc_impact *exit_impact; /* [n_exit_markets]                               */
    size_t n_units;
    mc_unit_rates *units;  /* [n_units]                                       */
    size_t n_groups;
    int64_t *lambda_k;     /* [n_groups]                                      */
    int64_t *alone_k;      /* [n_units] 1024 - lambda_k of the unit's group   */
    int64_t mm_factor_k;
    int64_t im_factor_k;
    double largest;        /* over all rows                                   */
    double largest_mark;
};

static inline const mc_row_tail *mc_tail(const mc_margin *m, int32_t instrument)
{
    return (const mc_row_tail *)(m->table + (size_t)instrument * m->row + m->cells);
}

/* ceil(x rate / 2^20) for x in [0, 2^53], rate in [0, 2^20], without a 128-bit product. */
static inline int64_t mc_apply_rate(int64_t x, int64_t rate)
{
    const int64_t high = x >> MC_RATE_BITS, low = x & (MC_RATE_ONE - 1);
    return high * rate + ((low * rate + MC_RATE_ONE - 1) >> MC_RATE_BITS);
}

/* ceil(x factor / 1024) for x in [0, 2^53], factor in [0, 2^14]. */
static inline int64_t mc_apply_factor(int64_t x, int64_t factor)
{
    const int64_t high = x >> MC_FACTOR_BITS, low = x & (MC_FACTOR_ONE - 1);
    return high * factor + ((low * factor + MC_FACTOR_ONE - 1) >> MC_FACTOR_BITS);
}

/* The impact of a notional: between two nodes linear, rounded up.
 *
 * A product of doubles is faster than a division of integers, but rounds. This one is never below
 * the quotient, and above it by too little to reach a second whole number: what it holds of whole
 * numbers is the quotient rounded down or, rarely, up, and whole numbers tell which. */
static inline int64_t mc_impact_rate(const mc_impact *impact, int64_t notional)
{
    const int64_t g = (notional + MC_RATE_ONE - 1) >> MC_RATE_BITS;
    const mc_lanes size = mc_lanes_set((double)g);
    const unsigned below = mc_lanes_less(mc_lanes_load(impact->node), size)
                         | mc_lanes_less(mc_lanes_load(impact->node + MC_LANES), size) << MC_LANES;
    const mc_impact_segment *s = &impact->segment[mc_first_bit(~below)];
    const int64_t rise = s->rise * (g - s->size); /* < 2^62 */
    const int64_t down = (int64_t)((double)rise * s->inverse);
    return s->rate + down + (down * s->span < rise);
}

/* Sum over tiers of ceil(rate * the part of n in the tier). */
static inline int64_t mc_tiered(const mc_unit_rates *unit, const int64_t *rate, int64_t n)
{
    int64_t sum = 0;
    for (int32_t t = 0; t < unit->n_tiers; ++t) {
        const int64_t to = t + 1 < unit->n_tiers && unit->above[t + 1] < n ? unit->above[t + 1] : n;
        if (to > unit->above[t])
            sum += mc_apply_rate(to - unit->above[t], rate[t]);
    }
    return sum;
}

#endif
