/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/auction.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "kernels/fmath.h"

#define NS_PER_S 1e9
#define MOST_MONEY 1e300 /* so that no sum or product below overflows */
#define MOST_SHARE 1000.0

/* The clock. */

static mc_status check_clock(const mc_auction_clock *c, size_t i, int64_t now_ns, mc_error *err)
{
    if (c->running < 0 || c->running > 1 || c->ran_ns < 0)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                       "clock %zu ran for %" PRId64 " ns, running %" PRId32, i, c->ran_ns,
                       c->running);
    if (now_ns < c->seen_ns)
        return mc_fail(err, MC_ERR_ORDER, (int64_t)i, "time %" PRId64 " is before %" PRId64
                       ", which clock %zu has seen", now_ns, c->seen_ns, i);
    const uint64_t passed = (uint64_t)now_ns - (uint64_t)c->seen_ns;
    if (passed > (uint64_t)(INT64_MAX - c->ran_ns))
        return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)i, "clock %zu is past 2^63 ns", i);
    return MC_OK;
}

static int64_t ran_ns(const mc_auction_clock *c, int64_t now_ns)
{
    return c->running ? c->ran_ns + (now_ns - c->seen_ns) : c->ran_ns;
}

static mc_status check_clocks(const mc_auction_clock *clocks, size_t n, int64_t now_ns,
                              const void *in, const void *out, mc_error *err)
{
    if (n > 0 && (clocks == NULL || in == NULL || out == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "clocks, or a column beside them, are missing");
    for (size_t i = 0; i < n; ++i) {
        const mc_status status = check_clock(&clocks[i], i, now_ns, err);
        if (status != MC_OK)
            return status;
    }
    return MC_OK;
}

mc_status mc_auction_follow(const mc_auction_clock *clocks, size_t n, int64_t now_ns,
                            const uint8_t *valid, mc_auction_clock *next, mc_error *err)
{
    const mc_status status = check_clocks(clocks, n, now_ns, valid, next, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i)
        if (valid[i] > 1)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "valid must be 0 or 1: %d (clock %zu)",
                           valid[i], i);
    for (size_t i = 0; i < n; ++i)
        next[i] = (mc_auction_clock){.seen_ns = now_ns, .ran_ns = ran_ns(&clocks[i], now_ns),
                                     .running = valid[i]};
    return MC_OK;
}

mc_status mc_auction_elapsed(const mc_auction_clock *clocks, size_t n, int64_t now_ns,
                             double *elapsed_s, mc_error *err)
{
    const mc_status status = check_clocks(clocks, n, now_ns, clocks, elapsed_s, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i)
        elapsed_s[i] = (double)ran_ns(&clocks[i], now_ns) / NS_PER_S;
    return MC_OK;
}

/* What every number is held against. */

static mc_status check_number(const char *name, double x, double low, double high, int64_t row,
                              mc_error *err)
{
    char where[32] = "";
    if (x >= low && x <= high)
        return MC_OK;
    if (row >= 0)
        snprintf(where, sizeof where, " (row %" PRId64 ")", row);
    if (!mc_is_finite(x))
        return mc_fail(err, MC_ERR_NOT_FINITE, row, "%s is not a finite number%s", name, where);
    return mc_fail(err, MC_ERR_DOMAIN, row, "%s is %.17g, not between %g and %g%s", name, x, low,
                   high, where);
}

static mc_status check_column(const char *name, const double *x, size_t n, double low, double high,
                              mc_error *err)
{
    if (n > 0 && x == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%s is a null pointer", name);
    for (size_t i = 0; i < n; ++i) {
        const mc_status status = check_number(name, x[i], low, high, (int64_t)i, err);
        if (status != MC_OK)
            return status;
    }
    return MC_OK;
}

/* The decay. */

static mc_status check_knots(const mc_decay *d, mc_error *err)
{
    if (d->n_knots == 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a linear decay has at least one knot");
    mc_status status = check_column("knot_s", d->knot_s, d->n_knots, 0.0, DBL_MAX, err);
    if (status == MC_OK)
        status = check_column("knot_share", d->knot_share, d->n_knots, 0.0, MOST_SHARE, err);
    for (size_t k = 0; status == MC_OK && k < d->n_knots; ++k) {
        if (k == 0 ? d->knot_s[0] != 0.0 : d->knot_s[k] <= d->knot_s[k - 1])
            status = mc_fail(err, MC_ERR_ORDER, (int64_t)k,
                             "the knots of a linear decay start at 0 s and rise: %g s (row %zu)",
                             d->knot_s[k], k);
        else if (k > 0 && d->knot_share[k] > d->knot_share[k - 1])
            status = mc_fail(err, MC_ERR_DOMAIN, (int64_t)k,
                             "the share of a decay does not rise: %.17g (row %zu)",
                             d->knot_share[k], k);
    }
    return status;
}

static mc_status check_decay(const mc_decay *d, mc_error *err)
{
    if (d == NULL || d->size != sizeof *d)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no decay, or one of another size");
    if (d->kind < 0 || d->kind >= MC_DECAY_KIND_END)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "there is no decay %" PRId32, d->kind);
    if (d->kind == MC_DECAY_LINEAR)
        return check_knots(d, err);
    mc_status status = check_number("start", d->start, 0.0, MOST_SHARE, -1, err);
    if (status == MC_OK)
        status = check_number("every_s", d->every_s, DBL_TRUE_MIN, DBL_MAX, -1, err);
    if (status == MC_OK)
        status = check_number("floor", d->floor, 0.0, d->start, -1, err);
    if (status == MC_OK && d->kind == MC_DECAY_STAIR)
        status = check_number("step", d->step, 0.0, DBL_MAX, -1, err);
    return status;
}

/* Every rounding keeps order, so that it never rises; the end of a line is its least value. */
static double on_lines(const mc_decay *d, double seconds)
{
    size_t k = 0;
    while (k + 1 < d->n_knots && d->knot_s[k + 1] <= seconds)
        ++k;
    if (k + 1 == d->n_knots)
        return d->knot_share[k];
    const double slope =
        (d->knot_share[k + 1] - d->knot_share[k]) / (d->knot_s[k + 1] - d->knot_s[k]);
    return mc_max(slope * (seconds - d->knot_s[k]) + d->knot_share[k], d->knot_share[k + 1]);
}

/* 2^-lives: whole half-lives exactly, the rest by the project's exp. */
static double halved(double lives)
{
    if (!(lives < 1000.0))
        return 0.0;
    const double whole = floor(lives);
    return ldexp(mc_max(mc_exp_decay(-MC_LN2 * (lives - whole), 0.0), 0.5), -(int)whole);
}

static double asked_after(const mc_decay *d, double seconds)
{
    switch ((mc_decay_kind)d->kind) {
    case MC_DECAY_LINEAR:
        return on_lines(d, seconds);
    case MC_DECAY_EXPONENTIAL:
        return mc_max(d->start * halved(seconds / d->every_s), d->floor);
    case MC_DECAY_STAIR:
        if (d->step > 0.0)
            return mc_max(d->start - d->step * floor(seconds / d->every_s), d->floor);
        break;
    case MC_DECAY_KIND_END:
        break;
    }
    return d->start;
}

static mc_status check_times(const double *elapsed_s, size_t n, mc_error *err)
{
    return check_column("elapsed_s", elapsed_s, n, 0.0, DBL_MAX, err);
}

mc_status mc_decay_at(const mc_decay *d, const double *elapsed_s, size_t n, double *asked,
                      mc_error *err)
{
    mc_status status = check_decay(d, err);
    if (status == MC_OK)
        status = check_times(elapsed_s, n, err);
    if (status == MC_OK && n > 0 && asked == NULL)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "asked is a null pointer");
    for (size_t i = 0; status == MC_OK && i < n; ++i)
        asked[i] = asked_after(d, elapsed_s[i]);
    return status;
}

/* The auction of a portfolio. */

void mc_auction_derive(mc_auction_rules *rules)
{
    static const double seconds[] = {0.0, 900.0, 900.0 + 43200.0};
    static const double shares[] = {0.95, 0.70, 0.0};
    static const mc_decay decay = {.size = sizeof(mc_decay), .kind = MC_DECAY_LINEAR, .n_knots = 3,
                                   .knot_s = seconds, .knot_share = shares};
    *rules = (mc_auction_rules){.size = sizeof *rules, .decay = &decay, .buffer_frac = 0.15,
                                .fee_frac = 0.10, .insolvent_s = 3600.0};
}

static double start_of(const mc_decay *d)
{
    return d->kind == MC_DECAY_LINEAR ? d->knot_share[0] : d->start;
}

static mc_status check_rules(const mc_auction_rules *r, mc_error *err)
{
    if (r == NULL || r->size != sizeof *r)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no rules, or rules of another size");
    const mc_status status = check_decay(r->decay, err);
    if (status != MC_OK)
        return status;
    if (r->quanta > 1)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "quanta must be 0 or 1: %d", r->quanta);
    const struct { const char *name; double value, low, high; } numbers[] = {
        {"buffer_frac", r->buffer_frac, 0.0, MOST_SHARE},
        {"fee_frac", r->fee_frac, 0.0, 1.0},
        {"insolvent_s", r->insolvent_s, DBL_TRUE_MIN, DBL_MAX},
        {"whole_below", r->whole_below, 0.0, MOST_MONEY},
        {"reserve_price_frac", r->reserve_price_frac, 0.0, start_of(r->decay)},
    };
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; ++k) {
        const mc_status found = check_number(numbers[k].name, numbers[k].value, numbers[k].low,
                                             numbers[k].high, -1, err);
        if (found != MC_OK)
            return found;
    }
    return MC_OK;
}

static double reserved_of(const mc_auction_rows *rows, size_t i)
{
    return rows->reserved == NULL ? 0.0 : rows->reserved[i];
}

/* Whole, and so small that sums, and a price before it is rounded up, are whole below 2^53. */
static mc_status check_quanta(const mc_auction_rules *r, const mc_auction_rows *rows, size_t i,
                              mc_error *err)
{
    const double equity = rows->equity[i], mm = rows->mm[i], reserved = reserved_of(rows, i);
    const double most = mc_max(start_of(r->decay), 1.0);
    if (!mc_is_whole(equity) || !mc_is_whole(mm) || !mc_is_whole(reserved))
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "equity %.17g, mm %.17g and reserved %.17g "
                       "are not whole quanta (row %zu)", equity, mm, reserved, i);
    if (!((fabs(equity) + reserved) * most + reserved + mm < MC_EXACT_LIMIT))
        return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)i, "row %zu may add up to 2^53 quanta", i);
    return MC_OK;
}

static mc_status check_rows(const mc_auction_rules *rules, const mc_auction_rows *rows,
                            mc_error *err)
{
    mc_status status = check_rules(rules, err);
    if (status != MC_OK)
        return status;
    if (rows == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "rows is a null pointer");
    status = check_column("equity", rows->equity, rows->n, -MOST_MONEY, MOST_MONEY, err);
    if (status == MC_OK)
        status = check_column("mm", rows->mm, rows->n, 0.0, MOST_MONEY, err);
    if (status == MC_OK && rows->reserved != NULL)
        status = check_column("reserved", rows->reserved, rows->n, 0.0, MOST_MONEY, err);
    for (size_t i = 0; status == MC_OK && rules->quanta && i < rows->n; ++i)
        status = check_quanta(rules, rows, i, err);
    return status;
}

/* A sale of f moves BM by -f (BM - sold). Where that is no gain, no share restores the buffer. */
static double largest(const mc_auction_rules *r, double equity, double mm, double reserved,
                      double asked)
{
    const double short_of = equity - (1.0 + r->buffer_frac) * mm;
    if (!(short_of < 0.0))
        return 0.0;
    const double sold = equity * asked + reserved * (1.0 - asked);
    if (equity < r->whole_below || !(short_of < sold))
        return 1.0;
    return mc_min(short_of / (short_of - sold), 1.0);
}

mc_status mc_auction_largest_share(const mc_auction_rules *rules, const mc_auction_rows *rows,
                                   const double *asked, double *share, mc_error *err)
{
    mc_status status = check_rows(rules, rows, err);
    if (status == MC_OK)
        status = check_column("asked", asked, rows->n, 0.0, MOST_SHARE, err);
    if (status == MC_OK && rows->n > 0 && share == NULL)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "share is a null pointer");
    for (size_t i = 0; status == MC_OK && i < rows->n; ++i)
        share[i] = largest(rules, rows->equity[i], rows->mm[i], reserved_of(rows, i), asked[i]);
    return status;
}

mc_status mc_auction_fee(const mc_auction_rules *rules, const mc_auction_rows *rows, double *fee,
                         mc_error *err)
{
    mc_status status = check_rows(rules, rows, err);
    if (status == MC_OK && rows->n > 0 && fee == NULL)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "fee is a null pointer");
    for (size_t i = 0; status == MC_OK && i < rows->n; ++i) {
        const double equity = mc_max(rows->equity[i], 0.0);
        const double share = largest(rules, equity, rows->mm[i], 0.0, 1.0);
        const double exact = rules->fee_frac * share * equity;
        fee[i] = rules->quanta ? ceil(exact) : exact;
    }
    return status;
}

/* A price before it is taken `share` of: high + low, low what rounding took off high. */
typedef struct whole_price {
    double high, low;
} whole_price;

static whole_price solvent_price(double worth, double asked)
{
    const double high = worth * asked;
    return (whole_price){high, fma(worth, asked, -high)};
}

static whole_price insolvent_price(double worth, double mm, double part)
{
    const double fall = (worth - mm) - worth;
    const double step = fall * part, high = worth + step;
    const double rest = high - worth;
    return (whole_price){high, ((worth - (high - rest)) + (step - rest)) + fma(fall, part, -step)};
}

/* The next whole number at or above (high + low) share. */
static double rounded_up(whole_price p, double share)
{
    const double near = p.high * share;
    const double rest = fma(p.high, share, -near) + p.low * share;
    const double up = ceil(near);
    return rest > up - near ? up + 1.0 : rest <= (up - 1.0) - near ? up - 1.0 : up;
}

typedef struct bids_job {
    const mc_auction_rules *rules;
    const mc_auction_rows *rows;
    const uint8_t *insolvent;
    const double *elapsed_s, *want;
} bids_job;

static mc_status check_bids(const bids_job *j, mc_error *err)
{
    const size_t n = j->rows->n;
    mc_status status = check_times(j->elapsed_s, n, err);
    if (status == MC_OK && j->want != NULL)
        status = check_column("want", j->want, n, 0.0, 1.0, err);
    for (size_t i = 0; status == MC_OK && i < n; ++i) {
        const int insolvent = j->insolvent != NULL && j->insolvent[i] == 1;
        if (j->insolvent != NULL && j->insolvent[i] > 1)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "insolvent must be 0 or 1: %d (row %zu)",
                           j->insolvent[i], i);
        const double equity = j->rows->equity[i], reserved = reserved_of(j->rows, i);
        if (insolvent ? equity > reserved : equity <= reserved)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "%s auction needs equity %s the cash "
                           "reserved: %.17g, %.17g (row %zu)",
                           insolvent ? "an insolvent" : "a solvent",
                           insolvent ? "of at most" : "above", equity, reserved, i);
    }
    return status;
}

static void put(double *column, size_t i, double x)
{
    if (column != NULL)
        column[i] = x + 0.0;
}

static void bid(const bids_job *j, size_t i, const mc_bids *out)
{
    const mc_auction_rules *const r = j->rules;
    const double equity = j->rows->equity[i], mm = j->rows->mm[i];
    const double reserved = reserved_of(j->rows, i), worth = equity - reserved;
    const int insolvent = j->insolvent != NULL && j->insolvent[i] == 1;
    double share = j->want == NULL ? 1.0 : j->want[i];
    whole_price whole;
    if (insolvent) {
        whole = insolvent_price(worth, mm, mc_min(j->elapsed_s[i] / r->insolvent_s, 1.0));
    } else {
        const double asked = asked_after(r->decay, j->elapsed_s[i]);
        share = asked < r->reserve_price_frac
                    ? 0.0
                    : mc_min(share, largest(r, equity, mm, reserved, asked));
        whole = solvent_price(worth, asked);
    }
    const double price = r->quanta ? rounded_up(whole, share) : whole.high * share;
    const double kept = 1.0 - share, cash = insolvent ? reserved : reserved + price;
    put(out->share, i, share);
    put(out->price, i, price);
    put(out->equity, i, worth * kept + cash);
    put(out->mm, i, mm * kept);
    put(out->reserved, i, cash);
}

mc_status mc_auction_bid(const mc_auction_rules *rules, const mc_auction_rows *rows,
                         const uint8_t *insolvent, const double *elapsed_s, const double *want,
                         const mc_bids *out, mc_error *err)
{
    const bids_job job = {rules, rows, insolvent, elapsed_s, want};
    mc_status status = check_rows(rules, rows, err);
    if (status == MC_OK)
        status = check_bids(&job, err);
    if (status == MC_OK && out == NULL)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the bids");
    for (size_t i = 0; status == MC_OK && i < rows->n; ++i)
        bid(&job, i, out);
    return status;
}
