/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/oracle.h"

#define NS_PER_S 1e9

mc_status mc_stable_rule_check(const mc_stable_rule *rule, mc_error *err)
{
    if (rule->interval_ns <= 0 || rule->min_step_ns < 0 || rule->max_step_ns < rule->min_step_ns)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "the stable price's interval or steps cannot be");
    if (!mc_is_finite(rule->delay_growth) || !mc_is_finite(rule->growth_per_s))
        return mc_fail(err, MC_ERR_NOT_FINITE, -1, "the stable price's growth is not a number");
    if (rule->delay_growth <= 0.0 || rule->growth_per_s <= 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "the stable price's growth must be positive");
    return MC_OK;
}

static double within(double value, double centre, double growth)
{
    const double high = centre * (1.0 + growth);
    const double low = centre / (1.0 + growth);
    return value > high ? high : value < low ? low : value;
}

static void start(mc_stable_price *stable, int64_t now_ns, double price)
{
    *stable = (mc_stable_price){.price = price, .time_ns = now_ns};
    for (int i = 0; i < MC_STABLE_DELAYS; ++i)
        stable->delay[i] = price;
}

/* Interval i keeps its mean in slot i % MC_STABLE_DELAYS until the one that many later closes, so
 * the running interval's slot still holds the oldest. Intervals without a price repeat the last. */
static void close_intervals(const mc_stable_rule *rule, mc_stable_price *stable, int64_t last,
                            int64_t now)
{
    const double before = stable->delay[(last + MC_STABLE_DELAYS - 1) % MC_STABLE_DELAYS];
    const double mean = stable->seconds > 0.0 ? stable->price_seconds / stable->seconds : before;
    const double delayed = within(mean, before, rule->delay_growth);
    const int64_t first = now - last < MC_STABLE_DELAYS ? last : now - MC_STABLE_DELAYS;
    for (int64_t i = first; i < now; ++i)
        stable->delay[i % MC_STABLE_DELAYS] = delayed;
    stable->price_seconds = stable->seconds = 0.0;
}

void mc_stable_step(const mc_stable_rule *rule, mc_stable_price *stable, int64_t now_ns,
                    double price)
{
    if (stable->price == 0.0) {
        start(stable, now_ns, price);
        return;
    }
    int64_t step = now_ns - stable->time_ns;
    if (step < rule->min_step_ns || step == 0)
        return;
    if (step > rule->max_step_ns)
        step = rule->max_step_ns;
    const double seconds = (double)step / NS_PER_S;
    const int64_t last = stable->time_ns / rule->interval_ns;
    const int64_t now = now_ns / rule->interval_ns;

    if (now != last)
        close_intervals(rule, stable, last, now);
    stable->price_seconds += price * seconds;
    stable->seconds += seconds;
    const double fraction = 1.0 / mc_ratio(stable->price, stable->delay[now % MC_STABLE_DELAYS]);
    stable->price =
        within(price, stable->price, rule->growth_per_s * (fraction * fraction) * seconds);
    stable->time_ns = now_ns;
}

mc_status mc_stable_price_update(const mc_stable_rule *rule, const mc_stable_price *state,
                                 int64_t now_ns, double price, mc_stable_price *next,
                                 mc_error *err)
{
    if (rule == NULL || state == NULL || next == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a rule, a state or its successor is missing");
    const mc_status status = mc_stable_rule_check(rule, err);
    if (status != MC_OK)
        return status;
    if (!mc_is_finite(price))
        return mc_fail(err, MC_ERR_NOT_FINITE, -1, "the price is not a finite number");
    if (price <= 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "the price %.17g is not positive", price);
    if (now_ns <= 0 || now_ns < state->time_ns || state->time_ns < 0)
        return mc_fail(err, MC_ERR_ORDER, -1, "time goes back: now is %lld ns, the last was %lld",
                       (long long)now_ns, (long long)state->time_ns);
    mc_stable_price stable = *state;
    mc_stable_step(rule, &stable, now_ns, price);
    *next = stable;
    return MC_OK;
}
