/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>

#include "kernels/kernels.h"
#include "kernels/requirement.h"
#include "kernels/scan.h"

/* Sums of whole numbers below 2^53 (the sweep has checked the account), so every product and sum
 * here is exact, in whatever order and with or without fma. */

typedef struct parts {
    int64_t core, short_option_mm, short_option_im, roll, vega, concentration, oracle, closing;
    int64_t lots; /* sum of |lots| */
    int64_t equity;
} parts;

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- the scan ---------------------------------------------------------------------------- */

/* Keeps the least P&L of the k-th unit (or group) of the account over all passes. */
MC_INLINE void keep_least(double *least, int32_t *worst, const mc_lanes *pnl, size_t at,
                          const int blocks)
{
    const double pass = mc_rows_least(pnl, blocks);
    if (at > 0 && !(pass < *least))
        return;
    *least = pass;
    *worst = (int32_t)at + mc_rows_first(pnl, pass, blocks);
}

MC_INLINE void scan_units(const mc_margin *m, const mc_book_columns *book, size_t a,
                          mc_sweep_scratch *s, size_t at, const int blocks)
{
    mc_lanes unit_pnl[MC_PASS_BLOCKS], group_pnl[MC_PASS_BLOCKS];
    int64_t p = book->offset[a], o = 0, orders_end = 0;
    const int64_t end = book->offset[a + 1];
    if (book->order_offset != NULL) {
        o = book->order_offset[a];
        orders_end = book->order_offset[a + 1];
    }

    int32_t group = -1;
    s->n_units = 0;
    s->n_groups = 0;
    mc_rows_zero(group_pnl, blocks);
    while (p < end || o < orders_end) {
        int32_t unit = INT32_MAX;
        if (p < end)
            unit = m->unit_of[book->instrument[p]];
        if (o < orders_end && m->unit_of[book->order_instrument[o]] < unit)
            unit = m->unit_of[book->order_instrument[o]];

        if (m->units[unit].group != group) {
            if (group >= 0) {
                keep_least(&s->group_least[s->n_groups], &s->group_worst[s->n_groups], group_pnl,
                           at, blocks);
                ++s->n_groups;
            }
            group = m->units[unit].group;
            s->group[s->n_groups] = group;
            mc_rows_zero(group_pnl, blocks);
        }

        mc_rows_zero(unit_pnl, blocks);
        for (; p < end && m->unit_of[book->instrument[p]] == unit; ++p)
            mc_rows_add(unit_pnl, m->table + (size_t)book->instrument[p] * m->row + at,
                        book->lots[p], blocks);
        for (; o < orders_end && m->unit_of[book->order_instrument[o]] == unit; ++o) {
            const int32_t i = book->order_instrument[o];
            mc_rows_add_order(unit_pnl, m->table + (size_t)i * m->row + at, book->order_lots[o],
                              (mc_tail(m, i)->mark - book->order_limit[o]) * book->order_lots[o],
                              blocks);
        }

        keep_least(&s->unit_least[s->n_units], &s->unit_worst[s->n_units], unit_pnl, at, blocks);
        s->unit[s->n_units++] = unit;
        mc_rows_sum(group_pnl, unit_pnl, blocks);
    }
    if (group >= 0) {
        keep_least(&s->group_least[s->n_groups], &s->group_worst[s->n_groups], group_pnl, at,
                   blocks);
        ++s->n_groups;
    }
}

static int64_t loss(double least)
{
    return least < 0.0 ? -(int64_t)least : 0;
}

/* ceil(sum_g ((1024 - k_g) sum_u scan_u + k_g joint_g) / 1024); the sum is at most
 * 1024 (2^53 - 1), so 1023 more still fits. */
static int64_t core_of(const mc_margin *m, const mc_sweep_scratch *s)
{
    int64_t sum = 0;
    int32_t u = 0;
    for (int32_t g = 0; g < s->n_groups; ++g) {
        const int64_t k = m->lambda_k[s->group[g]];
        int64_t scans = 0;
        for (; u < s->n_units && m->units[s->unit[u]].group == s->group[g]; ++u)
            scans += loss(s->unit_least[u]);
        sum += (MC_FACTOR_ONE - k) * scans + k * loss(s->group_least[g]);
    }
    return (sum + MC_FACTOR_ONE - 1) >> MC_FACTOR_BITS;
}

/* ---- the charges ------------------------------------------------------------------------- */

static int64_t concentration_of(const mc_unit_rates *unit, const int64_t *market, int64_t own,
                                int64_t owner, int side)
{
    if (own == 0)
        return 0;
    int64_t rate = mc_impact_rate(&unit->owner_impact, owner);
    if (market != NULL)
        rate += mc_impact_rate(&unit->market_impact, market[side]);
    return mc_apply_rate(own, rate < MC_RATE_ONE ? rate : MC_RATE_ONE);
}

typedef struct sums {
    double mark, lots, closing, oracle;                 /* over the account        */
    double roll, short_mm, short_im, vega[MC_VEGA_BUCKETS]; /* over the unit       */
    double sides[2];
} sums;

static void close_unit(const mc_sweep_job *job, size_t a, int32_t unit, sums *t, parts *part)
{
    const mc_margin *m = job->margin;
    const int32_t owner = job->owners != NULL && job->book->owner != NULL ? job->book->owner[a] : -1;
    double gross = 0.0, net = 0.0;
    for (int b = 0; b < MC_VEGA_BUCKETS; ++b) {
        gross += fabs(t->vega[b]);
        net += t->vega[b];
        t->vega[b] = 0.0;
    }
    part->vega += ((int64_t)(gross - fabs(net)) + 1) / 2;
    part->roll += (int64_t)t->roll;
    part->short_option_mm += (int64_t)t->short_mm;
    part->short_option_im += (int64_t)t->short_im;
    t->roll = t->short_mm = t->short_im = 0.0;

    for (int side = 0; side < 2; ++side) {
        const int64_t own = (int64_t)t->sides[side];
        const int64_t whole =
            owner >= 0 ? job->owners[((size_t)owner * m->n_units + (size_t)unit) * 2 + (size_t)side]
                       : own;
        part->concentration += concentration_of(
            &m->units[unit], job->market != NULL ? job->market + (size_t)unit * 2 : NULL, own,
            whole, side);
        t->sides[side] = 0.0;
    }
}

static void charge(const mc_sweep_job *job, size_t a, parts *part)
{
    const mc_margin *m = job->margin;
    const mc_book_columns *book = job->book;
    const int64_t end = book->offset[a + 1];
    sums t = {0};
    double term_roll = 0.0, pair_mm = 0.0, pair_im = 0.0;

    int64_t p = book->offset[a];
    const mc_row_tail *tail = p < end ? mc_tail(m, book->instrument[p]) : NULL;
    while (p < end) {
        const double q = book->lots[p], size = fabs(q);
        t.mark += q * tail->mark;
        t.lots += size;
        t.closing += size * tail->closing;
        t.oracle += size * tail->oracle;
        for (int b = 0; b < MC_VEGA_BUCKETS; ++b)
            t.vega[b] += q * tail->vega[b];
        const double notional = size * tail->notional;
        t.sides[0] += q * tail->side > 0.0 ? notional : 0.0;
        t.sides[1] += q * tail->side < 0.0 ? notional : 0.0;
        term_roll += q * tail->roll;
        pair_mm -= q * tail->short_option_mm;
        pair_im -= q * tail->short_option_im;

        ++p;
        const mc_row_tail *next = p < end ? mc_tail(m, book->instrument[p]) : NULL;
        if (next == NULL || next->pair != tail->pair) { /* a pair never outlives its term */
            t.short_mm += pair_mm > 0.0 ? pair_mm : 0.0;
            t.short_im += pair_im > 0.0 ? pair_im : 0.0;
            pair_mm = pair_im = 0.0;
        }
        if (next == NULL || next->term != tail->term) {
            t.roll += fabs(term_roll);
            term_roll = 0.0;
        }
        if (next == NULL || next->unit != tail->unit)
            close_unit(job, a, tail->unit, &t, part);
        tail = next;
    }
    part->equity = (int64_t)t.mark;
    part->lots = (int64_t)t.lots;
    part->closing = (int64_t)t.closing;
    part->oracle = (int64_t)t.oracle;
}

/* ---- cross and isolated accounts --------------------------------------------------------- */

typedef struct flat_rates {
    int64_t mm, im;
} flat_rates;

/* What one holding adds by itself; what is tiered goes to `tiered` instead. */
static flat_rates flat_holding(const mc_unit_rates *unit, const mc_row_tail *tail, double lots,
                               bool cross, int64_t *tiered)
{
    const int64_t notional = (int64_t)(fabs(lots) * tail->notional);
    if (tail->kind == MC_SPOT) {
        const int64_t haircut = mc_apply_rate(notional, unit->haircut);
        return (flat_rates){haircut, haircut};
    }
    const int64_t mm = cross ? unit->tier_mm[0] : unit->isolated_mm;
    const int64_t im = cross ? unit->tier_im[0] : unit->isolated_im;
    flat_rates rates = {mc_apply_rate(notional, mm), mc_apply_rate(notional, im)};
    if ((tail->kind == MC_CALL || tail->kind == MC_PUT) && lots > 0.0) {
        const int64_t value = at_least(0, (int64_t)(lots * tail->mark)); /* all it can lose */
        rates.mm = value < rates.mm ? value : rates.mm;
        rates.im = value < rates.im ? value : rates.im;
    } else if (cross) {
        *tiered += notional;
        rates = (flat_rates){0, 0};
    }
    return rates;
}

static flat_rates flat_requirement(const mc_sweep_job *job, size_t a, bool cross, parts *part)
{
    const mc_margin *m = job->margin;
    const mc_book_columns *book = job->book;
    int64_t p = book->offset[a], o = 0, orders_end = 0;
    const int64_t end = book->offset[a + 1];
    if (book->order_offset != NULL) {
        o = book->order_offset[a];
        orders_end = book->order_offset[a + 1];
    }

    flat_rates sum = {0, 0};
    double mark = 0.0;
    while (p < end || o < orders_end) {
        int32_t unit = INT32_MAX;
        if (p < end)
            unit = m->unit_of[book->instrument[p]];
        if (o < orders_end && m->unit_of[book->order_instrument[o]] < unit)
            unit = m->unit_of[book->order_instrument[o]];

        int64_t tiered = 0;
        for (; p < end && m->unit_of[book->instrument[p]] == unit; ++p) {
            const mc_row_tail *tail = mc_tail(m, book->instrument[p]);
            const flat_rates own =
                flat_holding(&m->units[unit], tail, book->lots[p], cross, &tiered);
            sum.mm += own.mm;
            sum.im += own.im;
            mark += book->lots[p] * tail->mark;
        }
        for (; o < orders_end && m->unit_of[book->order_instrument[o]] == unit; ++o) {
            const mc_row_tail *tail = mc_tail(m, book->order_instrument[o]);
            const flat_rates own =
                flat_holding(&m->units[unit], tail, book->order_lots[o], cross, &tiered);
            const int64_t gap =
                loss((tail->mark - book->order_limit[o]) * book->order_lots[o]);
            sum.mm += own.mm + gap;
            sum.im += own.im + gap;
        }
        sum.mm += mc_tiered(&m->units[unit], m->units[unit].tier_mm, tiered);
        sum.im += mc_tiered(&m->units[unit], m->units[unit].tier_im, tiered);
    }
    part->equity = (int64_t)mark;
    return sum;
}

/* ---- an account -------------------------------------------------------------------------- */

static void report_units(const mc_sweep_job *job, const mc_sweep_scratch *s, size_t to,
                         bool scanned)
{
    const mc_margin *m = job->margin;
    const mc_standing *out = job->out;
    const int32_t n_units = scanned ? s->n_units : 0, n_groups = scanned ? s->n_groups : 0;
    if (out->joint_scenario != NULL) {
        int32_t *const row = out->joint_scenario + to * m->n_groups;
        for (size_t g = 0; g < m->n_groups; ++g)
            row[g] = -1;
        for (int32_t g = 0; g < n_groups; ++g)
            row[s->group[g]] = s->group_worst[g];
    }
    if (out->joint_scan != NULL) {
        int64_t *const row = out->joint_scan + to * m->n_groups;
        for (size_t g = 0; g < m->n_groups; ++g)
            row[g] = 0;
        for (int32_t g = 0; g < n_groups; ++g)
            row[s->group[g]] = loss(s->group_least[g]);
    }
    if (out->unit_scenario != NULL) {
        int32_t *const row = out->unit_scenario + to * m->n_units;
        for (size_t u = 0; u < m->n_units; ++u)
            row[u] = -1;
        for (int32_t u = 0; u < n_units; ++u)
            row[s->unit[u]] = s->unit_worst[u];
    }
    if (out->unit_scan != NULL) {
        int64_t *const row = out->unit_scan + to * m->n_units;
        for (size_t u = 0; u < m->n_units; ++u)
            row[u] = 0;
        for (int32_t u = 0; u < n_units; ++u)
            row[s->unit[u]] = loss(s->unit_least[u]);
    }
}

static uint8_t status_of(int64_t equity, int64_t mm, int64_t im)
{
    return equity < 0    ? MC_ACCOUNT_BANKRUPT
         : equity < mm   ? MC_ACCOUNT_LIQUIDATABLE
         : equity < im   ? MC_ACCOUNT_REDUCE_ONLY
                         : MC_ACCOUNT_OK;
}

#define PUT(column, value)            \
    do {                              \
        if (out->column != NULL)      \
            out->column[to] = (value);\
    } while (0)

static void report(const mc_sweep_job *job, size_t a, const parts *part, int64_t mm, int64_t im)
{
    const mc_standing *out = job->out;
    const size_t to = a - job->first_account;
    const int64_t equity = part->equity + (job->book->cash != NULL ? job->book->cash[a] : 0);
    PUT(equity, equity);
    PUT(mm, mm);
    PUT(im, im);
    PUT(status, status_of(equity, mm, im));
    PUT(core, part->core);
    PUT(short_option_mm, part->short_option_mm);
    PUT(short_option_im, part->short_option_im);
    PUT(roll, part->roll);
    PUT(vega, part->vega);
    PUT(concentration, part->concentration);
    PUT(oracle, part->oracle);
    PUT(closing, part->closing);
    PUT(rounding, (part->lots + 1) / 2);
}

MC_INLINE void sweep_accounts(const mc_sweep_job *job, mc_sweep_scratch *s, size_t first, size_t n,
                              const int blocks)
{
    const mc_margin *m = job->margin;
    const size_t pass = MC_PASS_BLOCKS * MC_LANES;
    for (size_t a = first; a < first + n; ++a) {
        parts part = {0};
        int64_t mm, im;
        const uint8_t mode = job->book->mode != NULL ? job->book->mode[a] : MC_PORTFOLIO;
        if (mode == MC_PORTFOLIO) {
            /* `blocks` of the last pass; full passes come before it. */
            size_t at = 0;
            for (; m->stride - at > pass; at += pass)
                scan_units(m, job->book, a, s, at, MC_PASS_BLOCKS);
            scan_units(m, job->book, a, s, at, blocks);
            part.core = core_of(m, s);
            charge(job, a, &part);
            const int64_t charges = part.roll + part.vega + part.concentration + part.oracle;
            mm = at_least(mc_apply_factor(part.core, m->mm_factor_k) + part.short_option_mm
                              + charges, part.closing);
            im = at_least(mm, mc_apply_factor(part.core, m->im_factor_k) + part.short_option_im
                                  + charges);
        } else {
            const flat_rates flat = flat_requirement(job, a, mode == MC_CROSS, &part);
            mm = flat.mm;
            im = at_least(flat.mm, flat.im);
        }
        report(job, a, &part, mm, im);
        report_units(job, s, a - job->first_account, mode == MC_PORTFOLIO);
    }
}

void MC_KERNEL(mc_sweep)(const mc_sweep_job *job, mc_sweep_scratch *scratch, size_t first,
                         size_t n);

void MC_KERNEL(mc_sweep)(const mc_sweep_job *job, mc_sweep_scratch *scratch, size_t first, size_t n)
{
    const size_t blocks = job->margin->stride / MC_LANES;
    MC_FOR_BLOCKS((blocks - 1) % MC_PASS_BLOCKS + 1, sweep_accounts, job, scratch, first, n);
}
