/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/threads.h"
#include "kernels/fmath.h"
#include "oracle/oracle.h"

enum { FEEDS_PER_BLOCK = 256 };

#define LN_2 0.6931471805599453
#define NS_PER_S 1e9

static const double power_of_ten[MC_MAX_DECIMALS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    1e18};

/* The sources that answer, in the order of the feed's. */
typedef struct answers {
    size_t n;
    size_t source[MC_MAX_SOURCES];
    double price[MC_MAX_SOURCES];
    double weight[MC_MAX_SOURCES];
    double confidence_frac[MC_MAX_SOURCES];
    double depth_usd[MC_MAX_SOURCES];
    int64_t time_ns[MC_MAX_SOURCES];
    size_t n_too_old; /* that would have answered */
} answers;

static double half_lives(int64_t elapsed_ns, int64_t half_ns)
{
    return mc_exp_decay(-LN_2 * ((double)elapsed_ns / (double)half_ns), 0.0);
}

/* Least of decayed, executed and displayed; `kept` is the part of the old mean that stays. */
static double depth_now(const mc_source *source, const mc_quote *q, double kept, double *decayed)
{
    double least = 0.0;
    if (q != NULL && q->kind != MC_SOURCE_VENUE)
        least = source->depth_usd;
    else if (q != NULL)
        least = mc_min(source->depth_usd, mc_min(q->executed_usd, q->displayed_usd));
    *decayed = kept * *decayed + (1.0 - kept) * least;
    return mc_min(*decayed, least);
}

/* Why a source with a quote does not answer; 0 if it does. */
static uint32_t unfit(const mc_oracle_rule *rule, const mc_source *source, double price,
                      double confidence_frac, double depth_usd)
{
    if (!(price > 0.0))
        return MC_WHY_NOT_POSITIVE;
    if (price <= source->floor || price >= source->ceiling)
        return MC_WHY_AT_BOUND;
    if (confidence_frac > rule->max_confidence_frac)
        return MC_WHY_UNSURE;
    return depth_usd > 0.0 ? 0 : MC_WHY_SILENT;
}

static void ask(const mc_feed *feed, const mc_quote *const *slots, int64_t now_ns,
                mc_oracle_state *s, mc_oracle_reading *r, answers *a)
{
    const mc_oracle_rule *rule = feed->rule;
    const double kept = s->now_ns == 0 ? 1.0 : half_lives(now_ns - s->now_ns, rule->depth_half_ns);

    a->n = a->n_too_old = 0;
    for (size_t i = 0; i < feed->n_sources; ++i) {
        const mc_source *source = &feed->sources[i];
        const mc_quote *q = slots[i];
        const double depth_usd = depth_now(source, q, kept, &s->depth_usd[i]);
        if (q == NULL) {
            r->reasons |= MC_WHY_SILENT;
            continue;
        }
        s->source_ns[i] = q->time_ns;
        const double price = (double)q->mantissa / power_of_ten[q->decimals];
        const double confidence_frac = (double)q->confidence / (double)q->mantissa;
        const uint32_t why = unfit(rule, source, price, confidence_frac, depth_usd);
        const int64_t age_ns = q->time_ns < now_ns ? now_ns - q->time_ns : 0;
        const double weight = depth_usd * half_lives(age_ns, rule->half_life_ns);
        if (why != 0) {
            r->reasons |= why;
        } else if (age_ns >= rule->max_age_ns || weight == 0.0) {
            ++a->n_too_old;
        } else {
            a->source[a->n] = i;
            a->price[a->n] = price;
            a->confidence_frac[a->n] = confidence_frac;
            a->depth_usd[a->n] = depth_usd;
            a->time_ns[a->n] = now_ns - age_ns;
            a->weight[a->n++] = weight;
            r->answered = (uint16_t)(r->answered | 1u << i);
        }
    }
}

/* The time since which `quorum` of the answers have spoken. */
static int64_t quorum_time(const answers *a, size_t quorum)
{
    int64_t sorted[MC_MAX_SOURCES]; /* falling */
    for (size_t i = 0; i < a->n; ++i) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] < a->time_ns[i]; --at)
            sorted[at] = sorted[at - 1];
        sorted[at] = a->time_ns[i];
    }
    return sorted[quorum - 1];
}

/* The median, who agrees with it, and half the band as a fraction of it. */
static double agree(const mc_feed *feed, answers *a, int64_t age_ns, mc_oracle_reading *r,
                    size_t *n_agreed)
{
    const mc_oracle_rule *rule = feed->rule;
    double deviation[MC_MAX_SOURCES];

    mc_limit_weights(a->weight, a->n, (size_t)feed->tolerated);
    r->median = mc_weighted_median(a->price, a->weight, a->n);
    *n_agreed = 0;
    for (size_t i = 0; i < a->n; ++i) {
        deviation[i] = fabs(a->price[i] - r->median) / r->median;
        if (mc_ratio(a->price[i], r->median) - 1.0 > rule->outlier_frac) {
            r->reasons |= MC_WHY_OUTLIER;
            continue;
        }
        ++*n_agreed;
        r->agreed = (uint16_t)(r->agreed | 1u << a->source[i]);
        r->depth_usd += a->depth_usd[i];
    }
    return mc_weighted_median(a->confidence_frac, a->weight, a->n)
           + rule->disagreement_k * mc_weighted_median(deviation, a->weight, a->n)
           + rule->age_frac * sqrt((double)age_ns / NS_PER_S);
}

static bool jumped(const mc_oracle_rule *rule, const mc_oracle_state *s, double median,
                   int64_t now_ns)
{
    const double windows = (double)(now_ns - s->accepted_ns) / (double)rule->jump_window_ns;
    return s->price > 0.0 && mc_ratio(median, s->price) - 1.0 > rule->jump_frac * (1.0 + windows);
}

static void accept(const mc_oracle_rule *rule, mc_oracle_state *s, double price, double half_frac,
                   int64_t time_ns, int64_t now_ns)
{
    if (s->price == 0.0 || now_ns - s->accepted_ns > rule->gap_ns) {
        s->run_ns = now_ns;
        s->fresh = 0;
    }
    s->fresh += time_ns > s->time_ns;
    s->price = price;
    s->half_frac = half_frac;
    s->time_ns = time_ns;
    s->accepted_ns = now_ns;
    mc_stable_step(&rule->stable, &s->stable, now_ns, price);
}

/* Takes the median over, or says why not. */
static void decide(const mc_feed *feed, answers *a, int64_t now_ns, mc_oracle_state *s,
                   mc_oracle_reading *r)
{
    const mc_oracle_rule *rule = feed->rule;
    const size_t quorum = (size_t)feed->quorum;
    size_t n_agreed;

    if (a->n < quorum) {
        r->reasons |= MC_WHY_NO_QUORUM | (a->n + a->n_too_old >= quorum ? MC_WHY_STALE : 0u);
        return;
    }
    const int64_t time_ns = quorum_time(a, quorum);
    const double half_frac = agree(feed, a, now_ns - time_ns, r, &n_agreed);
    if (n_agreed < quorum - (size_t)feed->tolerated)
        r->reasons |= MC_WHY_DISAGREE;
    else if (jumped(rule, s, r->median, now_ns))
        r->reasons |= MC_WHY_JUMP;
    else
        accept(rule, s, r->median, half_frac, time_ns, now_ns);
}

/* The reading of a state: its last accepted price, wider with every second since. */
static void report(const mc_feed *feed, const mc_oracle_state *s, int64_t now_ns,
                   mc_oracle_reading *r)
{
    const mc_oracle_rule *rule = feed->rule;
    if (s->price == 0.0) {
        r->reasons |= MC_WHY_NO_PRICE;
    } else {
        const double since_s = (double)(now_ns - s->accepted_ns) / NS_PER_S;
        const double half = s->half_frac + rule->age_frac * sqrt(since_s);
        r->price = s->price;
        r->time_ns = s->time_ns;
        r->stable = s->stable.price;
        r->low = s->price * mc_max(1.0 - half, MC_LEAST_LOW_FRAC);
        r->high = s->price * (1.0 + half);
        if (r->reasons & MC_WHY_JUMP) {
            r->low = mc_min(r->low, r->median);
            r->high = mc_max(r->high, r->median);
        }
        if (r->high - r->price > rule->max_band_frac * r->price
            || r->price - r->low > rule->max_band_frac * r->price)
            r->reasons |= MC_WHY_WIDE;
        if (now_ns - s->time_ns >= rule->old_ns)
            r->reasons |= MC_WHY_OLD;
        if (mc_ratio(s->price, s->stable.price) > rule->deviation_ratio)
            r->reasons |= MC_WHY_DEVIATION;
        if (s->fresh < rule->n_fresh || now_ns - s->run_ns < rule->grace_ns)
            r->reasons |= MC_WHY_SETTLING;
    }
    r->validity = mc_class_of(feed->ladder, r->reasons);
}

static mc_status update(const mc_feed *feed, const mc_oracle_state *state, const mc_quote *quotes,
                        size_t n, int64_t now_ns, mc_oracle_state *next, mc_oracle_reading *reading,
                        mc_error *err)
{
    const mc_quote *slots[MC_MAX_SOURCES];
    answers a;
    const mc_status status = mc_admit_quotes(feed, state, quotes, n, now_ns, slots, err);
    if (status != MC_OK)
        return status;

    mc_oracle_state s = *state;
    mc_oracle_reading r = {.base = feed->base, .quote = feed->quote};
    ask(feed, slots, now_ns, &s, &r, &a);
    decide(feed, &a, now_ns, &s, &r);
    s.now_ns = r.now_ns = now_ns;
    report(feed, &s, now_ns, &r);
    *next = s;
    *reading = r;
    return MC_OK;
}

mc_status mc_oracle_update(const mc_feed *feed, const mc_oracle_state *state,
                           const mc_quote *quotes, size_t n, int64_t now_ns, mc_oracle_state *next,
                           mc_oracle_reading *reading, mc_error *err)
{
    const mc_status status = mc_feed_check(feed, err);
    if (status != MC_OK)
        return status;
    if (state == NULL || next == NULL || reading == NULL || (quotes == NULL && n > 0))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a state, quotes or a reading is missing");
    return update(feed, state, quotes, n, now_ns, next, reading, err);
}

typedef struct job {
    const mc_feed *feed;
    const mc_quote *quotes;
    const int64_t *offset;
    const int64_t *now_ns;
    size_t n;
    mc_oracle_state *states;
    mc_oracle_reading *readings;
    uint8_t *statuses;
} job;

static void update_block(void *context, size_t block, unsigned thread)
{
    const job *j = context;
    const size_t first = block * FEEDS_PER_BLOCK;
    const size_t last = first + FEEDS_PER_BLOCK < j->n ? first + FEEDS_PER_BLOCK : j->n;
    (void)thread;
    for (size_t i = first; i < last; ++i)
        j->statuses[i] = (uint8_t)update(
            j->feed, &j->states[i], j->quotes + j->offset[i],
            (size_t)(j->offset[i + 1] - j->offset[i]), j->now_ns[i], &j->states[i],
            &j->readings[i], NULL);
}

mc_status mc_oracle_update_many(const mc_feed *feed, const mc_quote *quotes, const int64_t *offset,
                                const int64_t *now_ns, size_t n, unsigned n_threads,
                                mc_oracle_state *states, mc_oracle_reading *readings,
                                uint8_t *statuses, mc_error *err)
{
    const mc_status status = mc_feed_check(feed, err);
    if (status != MC_OK)
        return status;
    if (n == 0)
        return MC_OK;
    if (offset == NULL || now_ns == NULL || states == NULL || readings == NULL || statuses == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a column is missing");
    for (size_t i = 0; i < n; ++i)
        if (offset[i] < 0 || offset[i + 1] < offset[i])
            return mc_fail(err, MC_ERR_ORDER, (int64_t)i, "offsets fall at feed %zu", i);
    if (quotes == NULL && offset[n] > offset[0])
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "quotes are missing");
    const size_t n_blocks = (n + FEEDS_PER_BLOCK - 1) / FEEDS_PER_BLOCK;
    job j = {feed, quotes, offset, now_ns, n, states, readings, statuses};
    mc_parallel(n_blocks, mc_thread_count(n_threads, n_blocks), update_block, &j);
    return MC_OK;
}
