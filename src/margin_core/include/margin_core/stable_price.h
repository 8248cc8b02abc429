/* stable_price.h - a price that follows slowly: what new credit may count on. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_STABLE_PRICE_H
#define MARGIN_CORE_STABLE_PRICE_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

enum { MC_STABLE_DELAYS = 24 };

/* It moves by at most growth_per_s f^2 a second, f <= 1 the ratio between it and the delayed price:
 * the mean of the interval MC_STABLE_DELAYS back, where means move by at most delay_growth from one
 * to the next. */
typedef struct mc_stable_rule {
    int64_t interval_ns;   /* > 0                                          */
    int64_t min_step_ns;   /* >= 0, updates nearer to the last are ignored */
    int64_t max_step_ns;   /* >= min_step_ns, longer steps count as this   */
    double delay_growth;   /* > 0, a fraction per interval                 */
    double growth_per_s;   /* > 0, a fraction per second                   */
} mc_stable_rule;

typedef struct mc_stable_price {
    double price; /* 0: not started */
    double delay[MC_STABLE_DELAYS];
    double price_seconds; /* of the running interval */
    double seconds;
    int64_t time_ns;
} mc_stable_price;

/* One step of a stable price on its own; the first starts it at `price`. `next` may be `state`.
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_NOT_FINITE, MC_ERR_DOMAIN (price not positive), MC_ERR_ORDER
 */
MC_API MC_MUST_CHECK mc_status mc_stable_price_update(const mc_stable_rule *rule,
                                                      const mc_stable_price *state, int64_t now_ns,
                                                      double price, mc_stable_price *next,
                                                      mc_error *err);

MC_END_DECLS

#endif
