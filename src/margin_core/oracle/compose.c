/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "oracle/oracle.h"

static mc_oracle_reading turned(const mc_oracle_reading *r)
{
    mc_oracle_reading t = *r;
    t.base = r->quote;
    t.quote = r->base;
    t.price = 1.0 / r->price;
    t.low = 1.0 / r->high;
    t.high = 1.0 / r->low;
    t.stable = r->stable > 0.0 ? 1.0 / r->stable : 0.0;
    t.median = r->median > 0.0 ? 1.0 / r->median : 0.0;
    t.inverted = 1;
    return t;
}

static mc_status leg_check(const mc_oracle_reading *leg, bool invert, size_t i, int64_t now_ns,
                           mc_error *err)
{
    if (invert && leg->inverted)
        return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)i, "leg %zu is turned over twice", i);
    if (!(leg->price > 0.0) || !(leg->low > 0.0) || !mc_is_finite(leg->high)
        || leg->high < leg->price || leg->low > leg->price)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "leg %zu has no price", i);
    if (leg->now_ns < 0 || leg->now_ns > now_ns)
        return mc_fail(err, MC_ERR_ORDER, (int64_t)i,
                       "leg %zu was made at %" PRId64 ", after %" PRId64, i, leg->now_ns, now_ns);
    return MC_OK;
}

static void join(mc_oracle_reading *c, const mc_oracle_reading *leg)
{
    c->price *= leg->price;
    c->low *= leg->low;
    c->high *= leg->high;
    c->stable *= leg->stable;
    c->median *= leg->median;
    c->quote = leg->quote;
    c->reasons |= leg->reasons;
    if (leg->depth_usd < c->depth_usd)
        c->depth_usd = leg->depth_usd;
    if (leg->time_ns < c->time_ns)
        c->time_ns = leg->time_ns;
    if (leg->now_ns < c->now_ns)
        c->now_ns = leg->now_ns;
    c->answered = c->agreed = 0;
    c->inverted |= leg->inverted;
}

mc_status mc_oracle_compose(const mc_oracle_reading *legs, const uint8_t *invert, size_t n_legs,
                            mc_currency base, mc_currency quote, int64_t now_ns,
                            const mc_oracle_rule *rule, const mc_ladder *ladder,
                            mc_oracle_reading *out, mc_error *err)
{
    mc_oracle_reading c = {0};

    if (legs == NULL || invert == NULL || rule == NULL || ladder == NULL || out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "legs, rule, ladder or output is missing");
    if (n_legs < 1 || n_legs > MC_MAX_LEGS)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%zu legs; 1 to %d are possible", n_legs,
                       MC_MAX_LEGS);
    mc_status status = mc_ladder_check(ladder, err);
    for (size_t i = 0; i < n_legs && status == MC_OK; ++i) {
        status = leg_check(&legs[i], invert[i], i, now_ns, err);
        if (status != MC_OK)
            break;
        const mc_oracle_reading leg = invert[i] ? turned(&legs[i]) : legs[i];
        if (leg.base != (i == 0 ? base : c.quote))
            return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)i,
                           "leg %zu is %s, which does not %s %s", i,
                           mc_pair_of(leg.base, leg.quote).text, i == 0 ? "begin" : "continue",
                           mc_pair_of(base, i == 0 ? quote : c.quote).text);
        if (i == 0)
            c = leg;
        else
            join(&c, &leg);
    }
    if (status != MC_OK)
        return status;
    if (c.quote != quote)
        return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)n_legs - 1,
                       "the legs make %s, not %s",
                       mc_pair_of(c.base, c.quote).text, mc_pair_of(base, quote).text);
    if (!(c.low > 0.0) || !mc_is_finite(c.high))
        return mc_fail(err, MC_ERR_DOMAIN, -1, "the composed price is out of range");
    const double half = 0.5 * (c.high - c.low);
    if (half > rule->max_band_frac * c.price)
        c.reasons |= MC_WHY_WIDE;
    if (now_ns - c.now_ns >= rule->max_age_ns)
        c.reasons |= MC_WHY_NO_QUORUM | MC_WHY_STALE;
    else if (now_ns - c.now_ns >= rule->old_ns)
        c.reasons |= MC_WHY_OLD;
    c.validity = mc_class_of(ladder, c.reasons);
    *out = c;
    return MC_OK;
}
