/* The range of each unit, one price after the other. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fmath.h"
#include "kernels/kernels.h"

#define DAY_NS INT64_C(86400000000000)

enum { FAST, SLOW, LONG, N_LOOKBACKS };

/* What a time step does to every memory; the same for all units whose last price is as old. */
typedef struct ageing {
    int64_t ns;
    double days;
    double kept[N_LOOKBACKS];
    double gained[N_LOOKBACKS]; /* 1 - kept, for steps of any length */
    double stress;
    double shock;
} ageing;

void MC_KERNEL(mc_thresholds)(const mc_threshold_job *job, size_t first, size_t n);

static void age(ageing *a, const mc_threshold_model *m, int64_t ns)
{
    if (a->ns == ns)
        return;
    a->ns = ns;
    a->days = (double)ns / (double)DAY_NS;
    const double half_life_days[N_LOOKBACKS] = {m->fast_half_life_days, m->slow_half_life_days,
                                                m->long_half_life_days};
    for (int k = 0; k < N_LOOKBACKS; ++k) {
        const double x = -MC_LN2 * a->days / half_life_days[k];
        a->kept[k] = mc_exp(x);
        a->gained[k] = -mc_expm1_decay(x);
    }
    a->stress = mc_exp(-MC_LN2 * a->days / m->stress_half_life_days);
    a->shock = mc_exp(-MC_LN2 * a->days / m->after_half_life_days);
}

/* A price's squared return, per day, into the three look-backs. */
static void remember(mc_threshold_state *s, const ageing *a, double price_usd)
{
    const double r = mc_log_ratio(price_usd, s->price_usd);
    const double square = r * r / a->days;
    for (int k = 0; k < N_LOOKBACKS; ++k) {
        s->variance[k] = a->kept[k] * s->variance[k] + a->gained[k] * square;
        s->weight[k] = a->kept[k] * s->weight[k] + a->gained[k];
    }
}

/* Per root day, with every anti-procyclical tool but the limits. */
static double volatility(mc_threshold_state *s, const ageing *a, const mc_threshold_model *m)
{
    const double fast = s->variance[FAST] / s->weight[FAST];
    const double slow = s->variance[SLOW] / s->weight[SLOW];
    const double mixed = sqrt(m->fast_weight * fast + (1.0 - m->fast_weight) * slow);
    const double lasting = sqrt(s->variance[LONG] / s->weight[LONG]);
    const double slow_vol = sqrt(slow);

    /* Before a range is in force nothing is a peak yet: few returns say little. */
    const double peak = s->range_frac > 0.0 ? s->stress_vol * a->stress : lasting;
    s->stress_vol = mc_max(slow_vol, peak);

    const double buffered = mc_max(mixed, (1.0 + m->buffer_frac) * mc_min(mixed, lasting));
    const double calm = mc_max(buffered, m->floor_share * lasting);
    const double stressed = mc_max(s->stress_vol, calm);
    return (1.0 - m->stress_weight) * calm + m->stress_weight * stressed;
}

/* Was the range of the horizon that ends here exceeded? The next one begins. */
static void learn(mc_threshold_state *s, const mc_threshold_model *m, double price_usd)
{
    if (s->anchor_range_frac > 0.0) {
        const double move = fabs(price_usd / s->anchor_price_usd - 1.0);
        const double hit = move > s->anchor_range_frac ? 1.0 : 0.0;
        const double learned = s->learned * mc_exp(m->learn_rate * (hit - (1.0 - m->level)));
        s->learned = mc_max(mc_min(learned, m->learn_most), 1.0 / m->learn_most);
    }
    s->anchor_price_usd = price_usd;
}

static double limited(const mc_threshold_state *s, const mc_threshold_model *m, double wanted)
{
    const double high = mc_min(s->range_frac * (1.0 + m->rise_step_frac),
                               s->day_range_frac * (1.0 + m->rise_day_frac));
    const double low = mc_max(s->range_frac * (1.0 - m->fall_step_frac),
                              s->day_range_frac * (1.0 - m->fall_day_frac));
    return mc_max(mc_min(wanted, high), low);
}

static void step(mc_threshold_state *s, ageing *a, const mc_threshold_model *m, int64_t now_ns,
                 double price_usd)
{
    if (s->last_ns == 0) {
        s->first_ns = s->last_ns = now_ns;
        s->price_usd = price_usd;
        s->learned = 1.0;
        return;
    }
    age(a, m, now_ns - s->last_ns);
    remember(s, a, price_usd);
    const int64_t horizon_ns = (int64_t)(m->horizon_days * (double)DAY_NS);
    const bool ends = now_ns / horizon_ns != s->last_ns / horizon_ns;
    if (s->anchor_price_usd > 0.0) {
        const double move = mc_min(fabs(price_usd / s->anchor_price_usd - 1.0), 1.0);
        s->shock_frac = mc_max(move, s->shock_frac * a->shock);
    }
    if (ends)
        learn(s, m, price_usd);
    const double vol = volatility(s, a, m);
    const double quiet = m->tail * s->learned * vol * sqrt(m->horizon_days);
    const double wanted = mc_max(m->after_share * s->shock_frac, quiet);
    const double bounded = mc_max(mc_min(wanted, m->most_frac), m->least_frac);
    if ((now_ns - 1) / DAY_NS != (s->last_ns - 1) / DAY_NS) /* midnight ends a day */
        s->day_range_frac = s->range_frac;
    if (s->range_frac > 0.0)
        s->range_frac = limited(s, m, bounded);
    else if ((double)(now_ns - s->first_ns) >= m->warmup_days * (double)DAY_NS)
        s->range_frac = s->day_range_frac = bounded;
    if (ends)
        s->anchor_range_frac = s->range_frac;
    s->last_ns = now_ns;
    s->price_usd = price_usd;
}

void MC_KERNEL(mc_thresholds)(const mc_threshold_job *job, size_t first, size_t n)
{
    const mc_prices *const in = job->prices;
    ageing a = {.ns = -1};
    for (size_t t = 0; t < in->n_steps; ++t)
        for (size_t i = first; i < first + n; ++i) {
            const size_t at = t * in->n_units + i;
            if (in->present == NULL || in->present[at] != 0)
                step(&job->state[i], &a, job->model, in->time_ns[t], in->price_usd[at]);
            if (job->range_frac != NULL)
                job->range_frac[at] = job->state[i].range_frac;
        }
}
