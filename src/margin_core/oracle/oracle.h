/* oracle/oracle.h - the parts of an update. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_ORACLE_ORACLE_H
#define MC_ORACLE_ORACLE_H

#include <margin_core/oracle.h>

#include "base/check.h"
#include "base/status.h"

/* Of a price that is worth less than its band is wide. */
#define MC_LEAST_LOW_FRAC 0x1p-10

/* The quotes by slot of the feed's sources, NULL where a source has none. */
mc_status mc_admit_quotes(const mc_feed *feed, const mc_oracle_state *state, const mc_quote *quotes,
                          size_t n, int64_t now_ns, const mc_quote **slots, mc_error *err);

/* Cuts weights down until the `tolerated` largest are together less than the rest. */
void mc_limit_weights(double *weight, size_t n, size_t tolerated);

/* The value up to which half of the weight lies; the mean of two where exactly half does. All
 * weights > 0, n <= MC_MAX_SOURCES. */
double mc_weighted_median(const double *value, const double *weight, size_t n);

mc_status mc_stable_rule_check(const mc_stable_rule *rule, mc_error *err);

void mc_stable_step(const mc_stable_rule *rule, mc_stable_price *stable, int64_t now_ns,
                    double price);

mc_status mc_ladder_check(const mc_ladder *ladder, mc_error *err);

int32_t mc_class_of(const mc_ladder *ladder, uint32_t reasons);

/* "ETH/USD" for a message; characters that do not print become '?'. */
typedef struct mc_pair_text {
    char text[18];
} mc_pair_text;

mc_pair_text mc_pair_of(mc_currency base, mc_currency quote);

/* x / y or y / x, whichever is not below 1; both > 0. */
static inline double mc_ratio(double x, double y)
{
    return x > y ? x / y : y / x;
}

#endif
