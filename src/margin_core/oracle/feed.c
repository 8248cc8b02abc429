/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/oracle.h"

static char *write_code(char *to, mc_currency code)
{
    for (uint64_t rest = (uint64_t)code; rest != 0; rest >>= 8) {
        const char c = (char)(rest & 0xff);
        *to++ = c > ' ' && c <= '~' ? c : '?';
    }
    return to;
}

mc_pair_text mc_pair_of(mc_currency base, mc_currency quote)
{
    mc_pair_text pair;
    char *to = write_code(pair.text, base);
    *to++ = '/';
    *write_code(to, quote) = '\0';
    return pair;
}

static mc_status source_check(const mc_feed *feed, size_t i, mc_error *err)
{
    const mc_source *s = &feed->sources[i];
    const int64_t row = (int64_t)i;
    if (s->kind < MC_SOURCE_VENUE || s->kind > MC_SOURCE_CONTRACT)
        return mc_fail(err, MC_ERR_ARGUMENT, row, "source %d: no such kind: %d", s->id, s->kind);
    if (s->decimals < 0 || s->decimals > MC_MAX_DECIMALS)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: %d decimals; 0 to %d are possible",
                       s->id, s->decimals, MC_MAX_DECIMALS);
    if (!mc_is_finite(s->depth_usd) || !mc_is_finite(s->floor) || s->ceiling != s->ceiling)
        return mc_fail(err, MC_ERR_NOT_FINITE, row, "source %d: depth or bounds are not numbers",
                       s->id);
    if (s->depth_usd <= 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: depth_usd must be positive", s->id);
    if (s->floor < 0.0 || s->ceiling <= s->floor)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: its bounds leave no price", s->id);
    for (size_t k = 0; k < i; ++k)
        if (feed->sources[k].id == s->id)
            return mc_fail(err, MC_ERR_ORDER, row, "source %d is there twice", s->id);
    return MC_OK;
}

static mc_status rule_check(const mc_oracle_rule *r, mc_error *err)
{
    const int64_t times[] = {r->old_ns, r->half_life_ns, r->depth_half_ns, r->jump_window_ns,
                             r->gap_ns};
    const double fractions[] = {r->jump_frac, r->outlier_frac, r->max_confidence_frac,
                                r->max_band_frac, r->deviation_ratio};

    if (r->size != sizeof *r)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "an oracle rule of another size: %zu", r->size);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; ++i)
        if (times[i] <= 0)
            return mc_fail(err, MC_ERR_DOMAIN, -1, "a time of the oracle rule is not positive");
    if (r->future_ns < 0 || r->grace_ns < 0 || r->max_age_ns < r->old_ns || r->n_fresh < 1)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "future, grace, max_age or n_fresh cannot be");
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; ++i) {
        if (!mc_is_finite(fractions[i]))
            return mc_fail(err, MC_ERR_NOT_FINITE, -1, "a limit of the oracle rule is no number");
        if (fractions[i] <= 0.0)
            return mc_fail(err, MC_ERR_DOMAIN, -1, "a limit of the oracle rule is not positive");
    }
    if (!mc_is_finite(r->disagreement_k) || !mc_is_finite(r->age_frac))
        return mc_fail(err, MC_ERR_NOT_FINITE, -1, "a width of the oracle rule is no number");
    if (r->disagreement_k < 0.0 || r->age_frac < 0.0 || r->max_band_frac >= 1.0
        || r->deviation_ratio <= 1.0)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "a width of the oracle rule is out of range");
    return mc_stable_rule_check(&r->stable, err);
}

mc_status mc_feed_check(const mc_feed *feed, mc_error *err)
{
    if (feed == NULL || feed->sources == NULL || feed->rule == NULL || feed->ladder == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a feed, its sources, rule or ladder is missing");
    if (feed->n_sources < 1 || feed->n_sources > MC_MAX_SOURCES)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%zu sources; 1 to %d are possible",
                       feed->n_sources, MC_MAX_SOURCES);
    if (feed->base == feed->quote)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a feed of a currency in itself");
    const int64_t n = (int64_t)feed->n_sources, quorum = feed->quorum;
    if (quorum > n || 2 * quorum <= n)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "a quorum of %lld is not more than half of %lld",
                       (long long)quorum, (long long)n);
    if (feed->tolerated < 0 || 2 * (int64_t)feed->tolerated >= quorum)
        return mc_fail(err, MC_ERR_DOMAIN, -1,
                       "%d faulty sources cannot be tolerated in a quorum of %lld",
                       feed->tolerated, (long long)quorum);
    mc_status status = rule_check(feed->rule, err);
    if (status == MC_OK)
        status = mc_ladder_check(feed->ladder, err);
    for (size_t i = 0; i < feed->n_sources && status == MC_OK; ++i)
        status = source_check(feed, i, err);
    return status;
}

static size_t slot_of(const mc_feed *feed, int32_t source)
{
    size_t i = 0;
    while (i < feed->n_sources && feed->sources[i].id != source)
        ++i;
    return i;
}

static mc_status scale_check(const mc_feed *feed, const mc_source *source, const mc_quote *q,
                             int64_t row, mc_error *err)
{
    if (q->base != feed->base || q->quote != feed->quote)
        return mc_fail(err, MC_ERR_ARGUMENT, row,
                       "source %d quotes %s; the feed is %s", q->source,
                       mc_pair_of(q->base, q->quote).text,
                       mc_pair_of(feed->base, feed->quote).text);
    if (q->kind != source->kind)
        return mc_fail(err, MC_ERR_ARGUMENT, row, "source %d is of kind %d, its quote says %d",
                       q->source, source->kind, q->kind);
    if (q->decimals == MC_NO_DECIMALS)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: the quote has no decimals", q->source);
    if (q->decimals != source->decimals)
        return mc_fail(err, MC_ERR_ARGUMENT, row, "source %d has %d decimals, its quote says %d",
                       q->source, source->decimals, q->decimals);
    return MC_OK;
}

static mc_status number_check(const mc_quote *q, int64_t row, mc_error *err)
{
    if (q->confidence < 0)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: negative confidence", q->source);
    if (q->kind != MC_SOURCE_VENUE)
        return MC_OK;
    if (!mc_is_finite(q->executed_usd) || !mc_is_finite(q->displayed_usd))
        return mc_fail(err, MC_ERR_NOT_FINITE, row, "source %d: depth is not a finite number",
                       q->source);
    if (q->executed_usd < 0.0 || q->displayed_usd < 0.0)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: negative depth", q->source);
    return MC_OK;
}

static mc_status time_check(const mc_feed *feed, const mc_quote *q, int64_t before_ns,
                            int64_t now_ns, int64_t row, mc_error *err)
{
    if (q->time_ns <= 0 || q->time_ns < before_ns)
        return mc_fail(err, MC_ERR_ORDER, row, "source %d goes back in time: %lld ns after %lld",
                       q->source, (long long)q->time_ns, (long long)before_ns);
    if (q->time_ns > now_ns && q->time_ns - now_ns > feed->rule->future_ns)
        return mc_fail(err, MC_ERR_DOMAIN, row, "source %d: a quote from the future, by %lld ns",
                       q->source, (long long)(q->time_ns - now_ns));
    return MC_OK;
}

static bool is_time(int64_t t, int64_t now_ns)
{
    return t >= 0 && t <= now_ns;
}

static bool is_amount(double x)
{
    return mc_is_finite(x) && x >= 0.0;
}

/* Not the work of an update: such a state could divide by zero or point outside its arrays. */
static bool is_foreign(const mc_oracle_state *s, int64_t now_ns)
{
    bool good = is_time(s->now_ns, now_ns) && is_time(s->time_ns, now_ns)
                && is_time(s->accepted_ns, now_ns) && is_time(s->run_ns, now_ns)
                && is_time(s->stable.time_ns, now_ns) && s->fresh >= 0 && s->fresh < INT64_MAX
                && is_amount(s->price) && is_amount(s->half_frac) && is_amount(s->stable.price)
                && (s->price > 0.0) == (s->stable.price > 0.0);
    good = good && is_amount(s->stable.price_seconds) && is_amount(s->stable.seconds);
    for (int i = 0; i < MC_STABLE_DELAYS; ++i)
        good = good && is_amount(s->stable.delay[i])
               && (s->stable.delay[i] > 0.0) == (s->price > 0.0);
    for (int i = 0; i < MC_MAX_SOURCES; ++i)
        good = good && is_amount(s->depth_usd[i]) && s->source_ns[i] >= 0;
    return !good;
}

mc_status mc_admit_quotes(const mc_feed *feed, const mc_oracle_state *state, const mc_quote *quotes,
                          size_t n, int64_t now_ns, const mc_quote **slots, mc_error *err)
{
    if (now_ns <= 0 || now_ns < state->now_ns)
        return mc_fail(err, MC_ERR_ORDER, -1, "time goes back: now is %lld ns, the last was %lld",
                       (long long)now_ns, (long long)state->now_ns);
    if (is_foreign(state, now_ns))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a state that no update of the feed has made");
    for (size_t i = 0; i < feed->n_sources; ++i)
        slots[i] = NULL;
    for (size_t row = 0; row < n; ++row) {
        const mc_quote *q = &quotes[row];
        const size_t i = slot_of(feed, q->source);
        if (i == feed->n_sources)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)row, "unknown source %d", q->source);
        if (slots[i] != NULL)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)row, "source %d twice", q->source);
        mc_status status = scale_check(feed, &feed->sources[i], q, (int64_t)row, err);
        if (status == MC_OK)
            status = number_check(q, (int64_t)row, err);
        if (status == MC_OK)
            status = time_check(feed, q, state->source_ns[i], now_ns, (int64_t)row, err);
        if (status != MC_OK)
            return status;
        slots[i] = q;
    }
    return MC_OK;
}
