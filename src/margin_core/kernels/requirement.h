/* kernels/requirement.h - the margin table, and the whole-number steps from it to a requirement. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_REQUIREMENT_H
#define MC_KERNELS_REQUIREMENT_H

#include <stddef.h>
#include <stdint.h>

#include <margin_core/margin.h>

/* Rates are in 1 / MC_RATE_ONE; factors and offsets are in 1 / 1024. */
#define MC_RATE_BITS 20
#define MC_RATE_ONE (INT64_C(1) << MC_RATE_BITS)
#define MC_FACTOR_BITS 10
#define MC_FACTOR_ONE (INT64_C(1) << MC_FACTOR_BITS)

enum { MC_IMPACT_NODES = 11 };

/* Cost of trading against depth: (0, 0), then (size, rate) node by node, constant beyond. Sizes
 * are in 2^20 quanta: their products with rates fit in 64 bits. */
typedef struct mc_impact {
    int32_t n; /* 0: free */
    int64_t size[MC_IMPACT_NODES];
    int64_t rate[MC_IMPACT_NODES];
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
    double longs;  /* + notional where the instrument gains when its unit rises, else - */
    double shorts; /* - longs */
    double spare[2];
} mc_row_tail;

/* What only slower paths read. */
typedef struct mc_row_facts {
    double notional;
    double largest; /* magnitude among the row's cells and rates */
    int32_t side;   /* + 1 or - 1 */
    int32_t kind;
} mc_row_facts;

/* Where an instrument stands: group, unit, term and call/put pair in one number, each in the
 * next, so that how much two neighbours share is how far up their numbers agree. */
typedef uint64_t mc_place;

enum {
    MC_TERM_BIT = 22,  /* below: the pair, one number for the call and put of a term and strike */
    MC_UNIT_BIT = 40,
    MC_GROUP_BIT = 52,
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
    const mc_place differ = here ^ next;
    return (differ != 0) + (differ >> MC_TERM_BIT != 0) + (differ >> MC_UNIT_BIT != 0)
         + (differ >> MC_GROUP_BIT != 0);
}

struct mc_margin {
    size_t n_instruments;
    size_t n_scenarios;
    size_t stride;         /* doubles of cells in a row, a multiple of 8      */
    size_t row;            /* doubles from one row to the next                */
    double *table;         /* [n_instruments * row]                           */
    int32_t *unit_of;      /* [n_instruments]                                 */
    mc_place *places;      /* [n_instruments]                                 */
    mc_row_facts *facts;   /* [n_instruments]                                 */
    size_t n_units;
    mc_unit_rates *units;  /* [n_units]                                       */
    size_t n_groups;
    int64_t *lambda_k;     /* [n_groups]                                      */
    int64_t mm_factor_k;
    int64_t im_factor_k;
    double largest;        /* over all rows                                   */
    double largest_mark;
};

static inline const mc_row_tail *mc_tail(const mc_margin *m, int32_t instrument)
{
    return (const mc_row_tail *)(m->table + (size_t)instrument * m->row + m->stride);
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
 * A division of doubles is faster than one of integers, but rounds: just above a whole number it
 * comes out whole, or below. Whole numbers decide. */
static inline int64_t mc_impact_rate(const mc_impact *impact, int64_t notional)
{
    const int64_t g = (notional + MC_RATE_ONE - 1) >> MC_RATE_BITS;
    int64_t size = 0, rate = 0;
    for (int32_t j = 0; j < impact->n; ++j) {
        if (g <= impact->size[j]) {
            const int64_t rise = (impact->rate[j] - rate) * (g - size); /* < 2^62 */
            const int64_t span = impact->size[j] - size;
            int64_t up = (int64_t)((double)rise / (double)span);
            while (up * span < rise)
                ++up;
            return rate + up;
        }
        size = impact->size[j];
        rate = impact->rate[j];
    }
    return rate;
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
