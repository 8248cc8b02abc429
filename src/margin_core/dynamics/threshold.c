/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/threshold.h>

#include "base/check.h"
#include "base/status.h"
#include "base/threads.h"
#include "kernels/column.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"

enum {
    UNITS_A_TASK = 16,
    PRICES_WORTH_A_THREAD = 10000 /* about 1 ms of work */
};

#define DAY_NS 86400e9

static mc_status check_model(const mc_threshold_model *m, mc_error *err)
{
    if (m == NULL || m->size != sizeof *m)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no model, or one of another size");
    const struct { const char *name; double value, low, high; } rules[] = {
        {"fast_half_life_days", m->fast_half_life_days, 1e-6, 36500.0},
        {"slow_half_life_days", m->slow_half_life_days, m->fast_half_life_days, 36500.0},
        {"long_half_life_days", m->long_half_life_days, m->slow_half_life_days, 36500.0},
        {"fast_weight", m->fast_weight, 0.0, 1.0},
        {"buffer_frac", m->buffer_frac, 0.0, 1.0},
        {"floor_share", m->floor_share, 0.0, 1.0},
        {"stress_weight", m->stress_weight, 0.0, 1.0},
        {"stress_half_life_days", m->stress_half_life_days, 1e-6, 1e9},
        {"after_share", m->after_share, 0.0, 10.0},
        {"after_half_life_days", m->after_half_life_days, 1e-6, 36500.0},
        {"tail", m->tail, 1e-6, 1e3},
        {"horizon_days", m->horizon_days, 1e-6, 36500.0},
        {"level", m->level, 0.0, 1.0},
        {"learn_rate", m->learn_rate, 0.0, 1.0},
        {"learn_most", m->learn_most, 1.0, 1e3},
        {"rise_step_frac", m->rise_step_frac, 0.0, 1e9},
        {"rise_day_frac", m->rise_day_frac, 0.0, 1e9},
        {"fall_step_frac", m->fall_step_frac, 0.0, 1.0},
        {"fall_day_frac", m->fall_day_frac, 0.0, 1.0},
        {"least_frac", m->least_frac, 1e-6, 1.0},
        {"most_frac", m->most_frac, m->least_frac, 0.999999},
        {"warmup_days", m->warmup_days, 0.0, 36500.0},
        {"gap_days", m->gap_days, 1e-6, 36500.0},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; ++i) {
        if (!mc_is_finite(rules[i].value))
            return mc_fail(err, MC_ERR_NOT_FINITE, -1, "%s is not a finite number", rules[i].name);
        if (rules[i].value < rules[i].low || rules[i].value > rules[i].high)
            return mc_fail(err, MC_ERR_DOMAIN, -1, "%s is %.17g, not between %.17g and %.17g",
                           rules[i].name, rules[i].value, rules[i].low, rules[i].high);
    }
    return MC_OK;
}

static mc_status check_clock(const mc_prices *p, mc_error *err)
{
    for (size_t t = 0; t < p->n_steps; ++t)
        if (p->time_ns[t] <= (t > 0 ? p->time_ns[t - 1] : 0))
            return mc_fail(err, MC_ERR_ORDER, (int64_t)t, "time does not rise at step %zu: %lld ns",
                           t, (long long)p->time_ns[t]);
    return MC_OK;
}

/* Prices, and how long each unit was without one. */
static mc_status check_unit(const mc_prices *p, const mc_threshold_state *s, double gap_days,
                            size_t unit, mc_error *err)
{
    int64_t last = s->last_ns;
    for (size_t t = 0; t < p->n_steps; ++t) {
        const size_t at = t * p->n_units + unit;
        if (p->present != NULL && p->present[at] == 0)
            continue;
        const double price = p->price_usd[at];
        if (!mc_is_finite(price))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)t,
                           "the price is not a finite number (step %zu, unit %zu)", t, unit);
        if (price <= 0.0)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)t,
                           "the price must be positive: %.17g (step %zu, unit %zu)", price, t,
                           unit);
        if (last > 0 && p->time_ns[t] <= last)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)t,
                           "unit %zu has a price from this time on already (step %zu)", unit, t);
        if (last > 0 && (double)(p->time_ns[t] - last) > gap_days * DAY_NS)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)t,
                           "unit %zu had no price for %.3g days before step %zu; %.3g are allowed",
                           unit, (double)(p->time_ns[t] - last) / DAY_NS, t, gap_days);
        last = p->time_ns[t];
    }
    return MC_OK;
}

typedef struct work {
    mc_threshold_job job;
    const mc_kernels *kernels;
} work;

static void do_units(void *context, size_t block, unsigned thread)
{
    const work *const w = context;
    const size_t first = block * UNITS_A_TASK, left = w->job.prices->n_units - first;
    (void)thread;
    w->kernels->thresholds(&w->job, first, left < UNITS_A_TASK ? left : UNITS_A_TASK);
}

mc_status mc_threshold_update(const mc_threshold_model *model, const mc_prices *prices,
                              mc_threshold_state *state, double *range_frac, unsigned n_threads,
                              mc_error *err)
{
    mc_status status = check_model(model, err);
    if (status != MC_OK)
        return status;
    if (prices == NULL || state == NULL || prices->n_units == 0
        || (prices->n_steps > 0 && (prices->time_ns == NULL || prices->price_usd == NULL)))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no prices, no units or no state");
    status = check_clock(prices, err);
    for (size_t unit = 0; status == MC_OK && unit < prices->n_units; ++unit)
        status = check_unit(prices, &state[unit], model->gap_days, unit, err);
    if (status != MC_OK)
        return status;

    const work w = {
        .job = {.model = model, .prices = prices, .state = state, .range_frac = range_frac},
        .kernels = mc_kernels_used(),
    };
    const size_t tasks = (prices->n_units + UNITS_A_TASK - 1) / UNITS_A_TASK;
    const bool small = prices->n_steps < PRICES_WORTH_A_THREAD / prices->n_units;
    mc_parallel(tasks, small ? 1 : mc_thread_count(n_threads, tasks), do_units, (void *)&w);
    return MC_OK;
}
