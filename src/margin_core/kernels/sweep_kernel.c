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
    int64_t haircut_mm, haircut_im;
    int64_t lots; /* sum of |lots|, orders included: what rounding of cells can have moved */
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

/* After the last pass: moves become scenarios and the base joins in, where only orders lose
 * anything (their limit against the mark). Of equal scenarios the first. */
static void join_base(const mc_margin *m, double *least, int32_t *worst, double base)
{
    *worst += *worst >= m->base;
    if (base < *least || (base == *least && m->base < *worst)) {
        *least = base;
        *worst = m->base;
    }
}

/* The scan of an account with orders, or of one whose units' worst scenarios are wanted. */
MC_INLINE void scan_units(const mc_margin *m, const mc_book_columns *book, size_t a,
                          mc_sweep_scratch *s, size_t at, const int blocks, const bool narrow)
{
    const char *const cells = m->table + mc_cells_size(at, narrow);
    const bool last = at + (size_t)blocks * MC_LANES == m->stride;
    mc_lanes unit_pnl[MC_PASS_BLOCKS], group_pnl[MC_PASS_BLOCKS];
    double group_base = 0.0;
    int64_t p = book->offset[a], o = 0, orders_end = 0;
    const int64_t end = book->offset[a + 1];
    if (book->order_offset != NULL) {
        o = book->order_offset[a];
        orders_end = book->order_offset[a + 1];
    }

    int32_t units = 0, groups = 0;
    mc_rows_zero(group_pnl, blocks);
    while (p < end || o < orders_end) {
        int32_t unit = INT32_MAX;
        if (p < end)
            unit = m->unit_of[book->instrument[p]];
        if (o < orders_end && m->unit_of[book->order_instrument[o]] < unit)
            unit = m->unit_of[book->order_instrument[o]];

        double unit_base = 0.0;
        mc_rows_zero(unit_pnl, blocks);
        for (; p < end && m->unit_of[book->instrument[p]] == unit; ++p)
            mc_rows_add(unit_pnl, cells + (size_t)book->instrument[p] * m->row, book->lots[p],
                        blocks, narrow);
        for (; o < orders_end && m->unit_of[book->order_instrument[o]] == unit; ++o) {
            const int32_t i = book->order_instrument[o];
            const double gain = (mc_tail(m, i)->mark - book->order_limit[o]) * book->order_lots[o];
            mc_rows_add_order(unit_pnl, cells + (size_t)i * m->row, book->order_lots[o], gain,
                              blocks, narrow);
            unit_base += gain < 0.0 ? gain : 0.0;
        }

        keep_least(&s->unit_least[units], &s->unit_worst[units], unit_pnl, at, blocks);
        if (last)
            join_base(m, &s->unit_least[units], &s->unit_worst[units], unit_base);
        s->unit[units++] = unit;
        mc_rows_sum(group_pnl, unit_pnl, blocks);
        group_base += unit_base;

        const int32_t next = p < end ? book->instrument[p] : -1;
        const int32_t ordered = o < orders_end ? book->order_instrument[o] : -1;
        const int32_t group = m->units[unit].group;
        if ((next >= 0 && m->units[m->unit_of[next]].group == group)
            || (ordered >= 0 && m->units[m->unit_of[ordered]].group == group))
            continue;
        keep_least(&s->group_least[groups], &s->group_worst[groups], group_pnl, at, blocks);
        if (last)
            join_base(m, &s->group_least[groups], &s->group_worst[groups], group_base);
        s->group[groups++] = group;
        mc_rows_zero(group_pnl, blocks);
        group_base = 0.0;
    }
    s->n_units = units;
    s->n_groups = groups;
}

static int64_t loss(double least)
{
    return -(int64_t)(least < 0.0 ? least : 0.0);
}

/* ceil(sum_g ((1024 - k_g) sum_u scan_u + k_g joint_g) / 1024); the sum is at most
 * 1024 (2^53 - 1), so 1023 more still fits. */
static int64_t core_of(const mc_margin *m, const mc_sweep_scratch *s)
{
    int64_t sum = 0;
    for (int32_t u = 0; u < s->n_units; ++u)
        sum += m->alone_k[s->unit[u]] * loss(s->unit_least[u]);
    for (int32_t g = 0; g < s->n_groups; ++g)
        sum += m->lambda_k[s->group[g]] * loss(s->group_least[g]);
    return (sum + MC_FACTOR_ONE - 1) >> MC_FACTOR_BITS;
}

/* ---- the charges ------------------------------------------------------------------------- */

/* The lanes of a row's two lines of rates, in the order of mc_row_tail. */
enum { VEGA = 0, VEGA_ALL = MC_VEGA_BUCKETS, ROLL, SHORT_MM, SHORT_IM };
enum { MARK = 0, CLOSING, ORACLE, ONE, LONGS, SHORTS, HAIRCUT_MM, HAIRCUT_IM };

/* a |x| + b x: the magnitude is (1, 0), the positive part (1/2, 1/2), x itself (0, 1). Halves of
 * whole numbers below 2^53 are exact. */
#define LANE_CONSTANTS(name) static const _Alignas(64) double name[MC_LANES]
LANE_CONSTANTS(SUM_MAGNITUDE) = {1, 1, 1, 1, 1, 1, 0.5, 0.5};
LANE_CONSTANTS(SUM_SIGNED) = {0, 0, 0, 0, 0, 0, 0.5, 0.5};
LANE_CONSTANTS(OWN_MAGNITUDE) = {0, 1, 1, 1, 0.5, 0.5, 0.5, 0.5};
LANE_CONSTANTS(OWN_SIGNED) = {1, 0, 0, 0, 0.5, 0.5, 0.5, 0.5};

#define ALL UINT64_MAX

/* The lanes whose sums are over after a position, by what ends there. */
static const _Alignas(64) uint64_t OVER[MC_ENDS][MC_LANES] = {
    {0, 0, 0, 0, 0, 0, 0, 0},
    {0, 0, 0, 0, 0, 0, ALL, ALL},
    {0, 0, 0, 0, 0, ALL, ALL, ALL},
    {ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL},
    {ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL},
};

MC_INLINE mc_lanes folded(mc_lanes x, const double *magnitude, const double *signed_)
{
    return mc_lanes_fma(mc_lanes_load(magnitude), mc_lanes_abs(x),
                        mc_lanes_mul(mc_lanes_load(signed_), x));
}

/* What a unit's notional on one side costs, given the owner's whole. */
MC_INLINE int64_t concentration_of(const mc_sweep_job *job, size_t unit, size_t side, int32_t owner,
                                   int64_t own)
{
    const mc_margin *m = job->margin;
    const int64_t whole =
        owner < 0 ? own : job->owners[((size_t)owner * m->n_units + unit) * 2 + side];
    const int64_t rate =
        mc_impact_rate(&m->units[unit].owner_impact, whole) + job->market_rate[unit * 2 + side];
    return mc_apply_rate(own, rate < MC_RATE_ONE ? rate : MC_RATE_ONE);
}

/* Both sides of every unit that the accounts from `first` on hold. */
static void add_concentration(const mc_sweep_job *job, size_t first, const mc_sweep_scratch *s,
                              parts *part)
{
    const int32_t *const owners = job->owners != NULL ? job->book->owner : NULL;
    for (size_t h = 0; h < s->n_held; ++h) {
        const double *const own = s->held + h * MC_LANES;
        const size_t unit = (size_t)s->held_unit[h], by = (size_t)s->held_by[h];
        const int32_t owner = owners != NULL ? owners[first + by] : -1;
        part[by].concentration += concentration_of(job, unit, 0, owner, (int64_t)own[LONGS])
                                + concentration_of(job, unit, 1, owner, (int64_t)own[SHORTS]);
    }
}

/* Rows of a large market lie in L3: asked for so many positions early, they are there in time. */
enum { AHEAD = 12 };

MC_INLINE void prefetch(const char *p, const int lines)
{
#if defined(__GNUC__)
    MC_UNROLL
    for (int i = 0; i < lines; ++i)
        __builtin_prefetch(p + i * 64);
#endif
}

/* One pass over the positions of an account without orders, for its scan (`blocks` lanes of
 * scenarios from column `at`) and, in the first pass, its charges.
 *
 * Where a pair or a term ends is unpredictable, and a mispredicted branch costs more than a
 * position. So there is none: sums that are over are masked off. A unit's end is a branch: what
 * it has to do costs more. */
MC_INLINE void walk(const mc_sweep_job *job, size_t a, mc_sweep_scratch *s, int32_t by,
                    parts *part, size_t at, const bool charging, const int blocks,
                    const bool narrow)
{
    const mc_margin *m = job->margin;
    const int32_t *const instrument = job->book->instrument;
    const double *const lots = job->book->lots;
    const mc_place *const places = m->places;
    const char *const cells = m->table + mc_cells_size(at, narrow);
    const char *const tails = m->table + m->cells;
    const size_t row = m->row;
    const int64_t end = job->book->offset[a + 1];
    mc_lanes unit_pnl[MC_PASS_BLOCKS], group_pnl[MC_PASS_BLOCKS];
    mc_lanes running = mc_lanes_zero(), totals = mc_lanes_zero();
    mc_lanes unit_own = mc_lanes_zero(), own = mc_lanes_zero();
    const int64_t last = job->book->offset[job->book->n_accounts] - 1;
    size_t unit = 0, group = 0;

    mc_rows_zero(unit_pnl, blocks);
    mc_rows_zero(group_pnl, blocks);
    for (int64_t p = job->book->offset[a]; p < end; ++p) {
        const size_t i = (size_t)instrument[p];
        const mc_place place = places[i];
        const mc_place next = p + 1 < end ? places[instrument[p + 1]] : ~place;
        const int ending = mc_ends_between(place, next);

        const size_t ahead = (size_t)instrument[p + AHEAD < last ? p + AHEAD : last];
        prefetch(cells + ahead * row, (blocks * (narrow ? 1 : 2) + 1) / 2);
        if (charging)
            prefetch(tails + ahead * row, 2);

        mc_rows_add(unit_pnl, cells + i * row, lots[p], blocks, narrow);
        if (charging) {
            const mc_lanes q = mc_lanes_set(lots[p]), over = mc_lanes_mask(OVER[ending]);
            const double *rates = (const double *)(tails + i * row);
            running = mc_lanes_fma(q, mc_lanes_load(rates), running);
            totals = mc_lanes_add(totals,
                                  mc_lanes_and(folded(running, SUM_MAGNITUDE, SUM_SIGNED), over));
            running = mc_lanes_and_not(running, over);
            unit_own = mc_lanes_add(unit_own,
                                    folded(mc_lanes_mul(q, mc_lanes_load(rates + MC_LANES)),
                                           OWN_MAGNITUDE, OWN_SIGNED));
        }
        if (ending < MC_UNIT)
            continue;

        s->unit[unit] = (int32_t)(place >> MC_UNIT_BIT & 0xfff);
        if (charging) {
            mc_lanes_store(s->held + s->n_held * MC_LANES, unit_own);
            s->held_unit[s->n_held] = s->unit[unit];
            s->held_by[s->n_held++] = by;
            own = mc_lanes_add(own, unit_own);
            unit_own = mc_lanes_zero();
        }
        if (blocks > 0) {
            const double least = mc_rows_least(unit_pnl, blocks);
            if (at == 0 || least < s->unit_least[unit])
                s->unit_least[unit] = least;
            mc_rows_sum(group_pnl, unit_pnl, blocks);
            mc_rows_zero(unit_pnl, blocks);
        }
        ++unit;
        if (ending < MC_GROUP)
            continue;

        s->group[group] = (int32_t)(place >> MC_GROUP_BIT);
        if (blocks > 0) {
            keep_least(&s->group_least[group], &s->group_worst[group], group_pnl, at, blocks);
            if (at + (size_t)blocks * MC_LANES == m->stride)
                join_base(m, &s->group_least[group], &s->group_worst[group], 0.0);
            mc_rows_zero(group_pnl, blocks);
        }
        ++group;
    }
    s->n_units = (int32_t)unit;
    s->n_groups = (int32_t)group;

    if (charging) {
        double sums[MC_LANES], owns[MC_LANES];
        mc_lanes_store(sums, totals);
        mc_lanes_store(owns, own);
        double buckets = 0.0;
        for (int b = 0; b < MC_VEGA_BUCKETS; ++b)
            buckets += sums[VEGA + b];
        part->vega = (int64_t)(buckets - sums[VEGA_ALL]) / 2; /* even: |x| and x have one parity */
        part->roll = (int64_t)sums[ROLL];
        part->short_option_mm = (int64_t)sums[SHORT_MM];
        part->short_option_im = (int64_t)sums[SHORT_IM];
        part->equity = (int64_t)owns[MARK];
        part->closing = (int64_t)owns[CLOSING];
        part->oracle = (int64_t)owns[ORACLE];
        part->lots = (int64_t)owns[ONE];
        part->haircut_mm = (int64_t)owns[HAIRCUT_MM];
        part->haircut_im = (int64_t)owns[HAIRCUT_IM];
    }
}

/* ---- assets ------------------------------------------------------------------------------ */

typedef struct flat_rates {
    int64_t mm, im;
} flat_rates;

/* What somebody leaves with a holding of an asset: its exit, NULL where that costs nothing. */
static const mc_exit *exit_of(const mc_margin *m, int32_t i, double lots)
{
    return m->exit_of == NULL || m->exit_of[i] < 0 || lots <= 0.0 ? NULL : &m->exits[m->exit_of[i]];
}

static int64_t held_value(const mc_margin *m, int32_t i, double lots)
{
    return at_least(0, (int64_t)(lots * mc_tail(m, i)->mark));
}

MC_INLINE void sell(const mc_margin *m, int32_t i, double lots, const bool forget, int64_t *sold)
{
    const mc_exit *exit = exit_of(m, i, lots);
    if (exit != NULL)
        sold[exit->market] = forget ? 0 : sold[exit->market] + held_value(m, i, lots);
}

/* Adds up, or forgets, what an account would sell into each market. */
MC_INLINE void sell_all(const mc_sweep_job *job, size_t a, const bool bids, const bool forget,
                        int64_t *sold)
{
    const mc_margin *m = job->margin;
    const mc_book_columns *book = job->book;
    if (m->exit_of == NULL)
        return;
    for (int64_t p = book->offset[a]; p < book->offset[a + 1]; ++p)
        sell(m, book->instrument[p], book->lots[p], forget, sold);
    if (!bids || book->order_offset == NULL)
        return;
    for (int64_t o = book->order_offset[a]; o < book->order_offset[a + 1]; ++o)
        sell(m, book->order_instrument[o], book->order_lots[o], forget, sold);
}

/* What leaving a holding of an asset costs on top of its linear haircuts. */
static flat_rates exit_cost(const mc_margin *m, int32_t i, double lots, const int64_t *sold)
{
    const mc_exit *exit = exit_of(m, i, lots);
    if (exit == NULL)
        return (flat_rates){0, 0};
    const int64_t rate = mc_impact_rate(&m->exit_impact[exit->market], sold[exit->market]);
    const int64_t cost = mc_apply_rate(held_value(m, i, lots), rate);
    return (flat_rates){mc_apply_rate(cost, exit->left_mm), mc_apply_rate(cost, exit->left_im)};
}

static void add_exits(const mc_sweep_job *job, size_t a, int64_t *sold, parts *part)
{
    const mc_book_columns *book = job->book;
    sell_all(job, a, false, false, sold);
    for (int64_t p = book->offset[a]; p < book->offset[a + 1]; ++p) {
        const flat_rates cost = exit_cost(job->margin, book->instrument[p], book->lots[p], sold);
        part->haircut_mm += cost.mm;
        part->haircut_im += cost.im;
    }
    sell_all(job, a, false, true, sold);
}

/* ---- cross and isolated accounts --------------------------------------------------------- */

/* An asset: volatility first, the other haircuts on what that leaves. What is owed gains from a
 * discount, so it pays the range alone. */
static flat_rates flat_asset(const mc_margin *m, int32_t i, double lots, const int64_t *sold)
{
    const int64_t volatile_ = lots > 0.0 && m->unscanned != NULL ? m->unscanned[i]
                                                                 : m->units[m->unit_of[i]].haircut;
    const int64_t haircut =
        mc_apply_rate((int64_t)(fabs(lots) * m->facts[i].notional), volatile_);
    const mc_row_tail *tail = mc_tail(m, i);
    const flat_rates exit = exit_cost(m, i, lots, sold);
    const double held = lots > 0.0 ? lots : 0.0;
    const int64_t mm = (int64_t)(held * tail->haircut_mm) + exit.mm;
    const int64_t im = (int64_t)(held * tail->haircut_im) + exit.im;
    return (flat_rates){haircut + mc_apply_rate(mm, MC_RATE_ONE - volatile_),
                        haircut + mc_apply_rate(im, MC_RATE_ONE - volatile_)};
}

/* What one holding adds by itself; what is tiered goes to `tiered` instead. */
static flat_rates flat_holding(const mc_margin *m, int32_t i, double lots, bool cross,
                               const int64_t *sold, int64_t *tiered)
{
    const mc_row_facts *const facts = &m->facts[i];
    const mc_unit_rates *const unit = &m->units[m->unit_of[i]];
    const double mark = mc_tail(m, i)->mark;
    if (facts->kind == MC_SPOT)
        return flat_asset(m, i, lots, sold);
    const int64_t notional = (int64_t)(fabs(lots) * facts->notional);
    const int64_t mm = cross ? unit->tier_mm[0] : unit->isolated_mm;
    const int64_t im = cross ? unit->tier_im[0] : unit->isolated_im;
    flat_rates rates = {mc_apply_rate(notional, mm), mc_apply_rate(notional, im)};
    if ((facts->kind == MC_CALL || facts->kind == MC_PUT) && lots > 0.0) {
        const int64_t value = at_least(0, (int64_t)(lots * mark)); /* all it can lose */
        rates.mm = value < rates.mm ? value : rates.mm;
        rates.im = value < rates.im ? value : rates.im;
    } else if (cross) {
        *tiered += notional;
        rates = (flat_rates){0, 0};
    }
    return rates;
}

static flat_rates flat_requirement(const mc_sweep_job *job, size_t a, bool cross, int64_t *sold,
                                   parts *part)
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
    sell_all(job, a, true, false, sold);
    while (p < end || o < orders_end) {
        int32_t unit = INT32_MAX;
        if (p < end)
            unit = m->unit_of[book->instrument[p]];
        if (o < orders_end && m->unit_of[book->order_instrument[o]] < unit)
            unit = m->unit_of[book->order_instrument[o]];

        int64_t tiered = 0;
        for (; p < end && m->unit_of[book->instrument[p]] == unit; ++p) {
            const int32_t i = book->instrument[p];
            const double price = mc_tail(m, i)->mark;
            const flat_rates own = flat_holding(m, i, book->lots[p], cross, sold, &tiered);
            sum.mm += own.mm;
            sum.im += own.im;
            mark += book->lots[p] * price;
        }
        for (; o < orders_end && m->unit_of[book->order_instrument[o]] == unit; ++o) {
            const int32_t i = book->order_instrument[o];
            const double price = mc_tail(m, i)->mark;
            const flat_rates own =
                flat_holding(m, i, book->order_lots[o], cross, sold, &tiered);
            const int64_t gap = loss((price - book->order_limit[o]) * book->order_lots[o]);
            sum.mm += own.mm + gap;
            sum.im += own.im + gap;
        }
        sum.mm += mc_tiered(&m->units[unit], m->units[unit].tier_mm, tiered);
        sum.im += mc_tiered(&m->units[unit], m->units[unit].tier_im, tiered);
    }
    sell_all(job, a, true, true, sold);
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

/* 0 <= mm <= im, so each line that equity is below is one status further. */
static uint8_t status_of(int64_t equity, int64_t mm, int64_t im)
{
    return (uint8_t)((equity < im) + (equity < mm) + (equity < 0));
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
    PUT(haircut_mm, part->haircut_mm);
    PUT(haircut_im, part->haircut_im);
    PUT(rounding, (part->lots + 1) / 2);
}

/* Passes that are whole, for any number of scenarios: one copy each. */
static void walk_pass(const mc_sweep_job *job, size_t a, mc_sweep_scratch *s, int32_t by,
                      parts *part, size_t at, const bool narrow)
{
    if (narrow && at == 0)
        walk(job, a, s, by, part, at, true, MC_PASS_BLOCKS, true);
    else if (narrow)
        walk(job, a, s, by, part, at, false, MC_PASS_BLOCKS, true);
    else if (at == 0)
        walk(job, a, s, by, part, at, true, MC_PASS_BLOCKS, false);
    else
        walk(job, a, s, by, part, at, false, MC_PASS_BLOCKS, false);
}

static void scan_pass(const mc_sweep_job *job, size_t a, mc_sweep_scratch *s, size_t at,
                      const bool narrow)
{
    if (narrow)
        scan_units(job->margin, job->book, a, s, at, MC_PASS_BLOCKS, true);
    else
        scan_units(job->margin, job->book, a, s, at, MC_PASS_BLOCKS, false);
}

static void charge(const mc_sweep_job *job, size_t a, mc_sweep_scratch *s, int32_t by, parts *part)
{
    walk(job, a, s, by, part, 0, true, 0, false);
}

/* Scan, core and charges of a portfolio account. Scenarios are taken 64 a pass; `blocks` is what
 * is left for the last. */
MC_INLINE void scan_account(const mc_sweep_job *job, size_t a, mc_sweep_scratch *s, int32_t by,
                            parts *part, const int blocks, const bool narrow)
{
    const mc_margin *m = job->margin;
    const mc_book_columns *book = job->book;
    const size_t last = m->stride - (size_t)blocks * MC_LANES;
    const bool orders = book->order_offset != NULL
                     && book->order_offset[a + 1] > book->order_offset[a];
    if (orders || job->out->unit_scenario != NULL) {
        charge(job, a, s, by, part);
        for (size_t at = 0; at < last; at += MC_PASS_LANES)
            scan_pass(job, a, s, at, narrow);
        scan_units(m, book, a, s, last, blocks, narrow);
    } else if (last == 0) {
        walk(job, a, s, by, part, 0, true, blocks, narrow);
    } else {
        for (size_t at = 0; at < last; at += MC_PASS_LANES)
            walk_pass(job, a, s, by, part, at, narrow);
        walk(job, a, s, by, part, last, false, blocks, narrow);
    }
    for (int64_t o = orders ? book->order_offset[a] : 0; orders && o < book->order_offset[a + 1];
         ++o)
        part->lots += (int64_t)fabs(book->order_lots[o]);
    part->core = core_of(m, s);
    if (m->exit_of != NULL)
        add_exits(job, a, s->sold, part);
}

static uint8_t mode_of(const mc_sweep_job *job, size_t a)
{
    return job->book->mode != NULL ? job->book->mode[a] : MC_PORTFOLIO;
}

/* The requirements of an account whose parts are known. */
static void require(const mc_sweep_job *job, size_t a, int64_t *sold, parts *part)
{
    const mc_margin *m = job->margin;
    const uint8_t mode = mode_of(job, a);
    int64_t mm, im;
    if (mode == MC_PORTFOLIO) {
        const int64_t charges = part->roll + part->vega + part->concentration + part->oracle;
        mm = at_least(mc_apply_factor(part->core, m->mm_factor_k) + part->short_option_mm + charges,
                      part->closing)
           + part->haircut_mm;
        im = at_least(mm, mc_apply_factor(part->core, m->im_factor_k) + part->short_option_im
                              + charges + part->haircut_im);
    } else {
        const flat_rates flat = flat_requirement(job, a, mode == MC_CROSS, sold, part);
        mm = flat.mm;
        im = at_least(flat.mm, flat.im);
    }
    report(job, a, part, mm, im);
}

MC_INLINE void sweep_accounts(const mc_sweep_job *job, mc_sweep_scratch *s, size_t first, size_t n,
                              const int blocks, const bool narrow)
{
    parts part[MC_SWEEP_TOGETHER];
    for (size_t from = first; from < first + n; from += MC_SWEEP_TOGETHER) {
        const size_t left = first + n - from;
        const size_t together = left < MC_SWEEP_TOGETHER ? left : MC_SWEEP_TOGETHER;
        s->n_held = 0;
        for (size_t by = 0; by < together; ++by) {
            const size_t a = from + by;
            const bool portfolio = mode_of(job, a) == MC_PORTFOLIO;
            part[by] = (parts){0};
            if (portfolio)
                scan_account(job, a, s, (int32_t)by, &part[by], blocks, narrow);
            report_units(job, s, a - job->first_account, portfolio);
        }
        add_concentration(job, from, s, part);
        for (size_t by = 0; by < together; ++by)
            require(job, from + by, s->sold, &part[by]);
    }
}

void MC_KERNEL(mc_sweep)(const mc_sweep_job *job, mc_sweep_scratch *scratch, size_t first,
                         size_t n);

void MC_KERNEL(mc_sweep)(const mc_sweep_job *job, mc_sweep_scratch *scratch, size_t first, size_t n)
{
    const size_t blocks = job->margin->stride / MC_LANES;
    MC_FOR_BLOCKS((int)((blocks - 1) % MC_PASS_BLOCKS) + 1, job->margin->narrow, sweep_accounts, job,
                  scratch, first, n);
}
