/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include <margin_core/preset.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/threads.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"
#include "margin/book.h"

enum { ACCOUNTS_PER_BLOCK = 1024, MM = 0, IM = 1 };

/* Below it nothing overflows: rates end at 1e9, and no step multiplies more than two amounts. */
#define MOST_AMOUNT 1e100

/* ---- charges ----------------------------------------------------------------------------- */

/* Long against short by level, in the table's order, each side used once. */
static double spreads_of(const mc_preset_charge *charge, const double *sums)
{
    double left[2 * MC_PRESET_SUMS], amount = 0.0;
    memcpy(left, sums, 2 * charge->n_levels * sizeof *left);
    for (size_t s = 0; s < charge->n_spreads; ++s) {
        const mc_spread *spread = &charge->spreads[s];
        const int32_t level[2] = {spread->level, spread->against};
        for (int way = 0; way < (level[0] == level[1] ? 1 : 2); ++way) {
            double *const bought = &left[2 * level[way]], *const sold = &left[2 * level[1 - way] + 1];
            const double pairs = *bought < *sold ? *bought : *sold;
            *bought -= pairs;
            *sold -= pairs;
            amount += spread->rate * pairs;
        }
    }
    return amount;
}

static double amount_of(const mc_preset_charge *charge, const double *all)
{
    const double *const sums = all + charge->first_sum;
    double gross = 0.0;
    switch (charge->form) {
    case MC_CHARGE_LEAST_NET:
        return mc_min(fabs(sums[0]), fabs(sums[0] - sums[1]));
    case MC_CHARGE_SPREADS:
        return spreads_of(charge, sums);
    case MC_CHARGE_GROSS:
    case MC_CHARGE_SHORT:
    case MC_CHARGE_HEDGED:
    case MC_CHARGE_FORM_END:
        break;
    }
    for (size_t l = 0; l < charge->n_levels; ++l)
        gross += sums[l];
    return charge->form == MC_CHARGE_HEDGED ? 0.5 * (gross - sums[charge->n_levels]) : gross;
}

static double shaped(const mc_charge_rates *rates, double amount)
{
    if (rates->shape == MC_SHAPE_PLAIN)
        return amount;
    if (rates->shape == MC_SHAPE_RAMP)
        return mc_min(rates->ramp_slope * amount * mc_max(0.0, amount - rates->ramp_threshold),
                    rates->ramp_cap * amount);
    double sum = 0.0;
    for (int32_t t = 0; t < rates->n_tiers && amount > rates->above[t]; ++t) {
        const bool last = t + 1 == rates->n_tiers || amount <= rates->above[t + 1];
        sum += ((last ? amount : rates->above[t + 1]) - rates->above[t]) * rates->multiplier[t];
    }
    return sum;
}

/* ---- what units set off ------------------------------------------------------------------ */

static double price_risk(const mc_preset *m, const mc_preset_scratch *s, size_t held)
{
    const double *const move = m->spot_move + (size_t)s->unit[held] * m->n_columns;
    const double *const row = s->rows + held * m->stride;
    size_t worst = 0; /* scanned columns are their own lanes */
    for (size_t z = 1; z < m->n_scanned; ++z)
        worst = row[z] < row[worst] ? z : worst;
    double sum[2] = {0.0, 0.0}, n[2] = {0.0, 0.0};
    for (size_t z = 0; z < m->n_scanned; ++z) {
        const double at[2] = {0.0, move[worst]};
        for (int k = 0; k < 2; ++k)
            if (move[z] == at[k]) {
                sum[k] += row[z];
                n[k] += 1.0;
            }
    }
    return mc_max(0.0, sum[0] / mc_max(1.0, n[0]) - sum[1] / n[1]);
}

static size_t held_as(const mc_preset_scratch *s, int32_t unit)
{
    size_t h = 0;
    while (h < s->n_held && s->unit[h] != unit)
        ++h;
    return h;
}

static void add_credits(const mc_preset *m, mc_preset_scratch *s)
{
    for (size_t h = 0; h < s->n_held; ++h)
        s->left[h] = s->sums[h * m->n_sums + MC_SUM_DELTA];
    for (size_t k = 0; k < m->n_credits; ++k) {
        const mc_credit *credit = &m->credits[k];
        const size_t held[2] = {held_as(s, credit->unit[0]), held_as(s, credit->unit[1])};
        if (held[0] == s->n_held || held[1] == s->n_held)
            continue;
        for (double flip = 1.0; flip >= -1.0; flip -= 2.0) {
            double spreads = INFINITY;
            for (int leg = 0; leg < 2; ++leg)
                spreads = mc_min(spreads, mc_max(0.0, flip * credit->side[leg] * s->left[held[leg]])
                                            / credit->ratio[leg]);
            for (int leg = 0; leg < 2 && spreads > 0.0; ++leg) {
                const size_t h = held[leg];
                const double delta = fabs(s->sums[h * m->n_sums + MC_SUM_DELTA]);
                const double used = spreads * credit->ratio[leg];
                s->left[h] -= flip * credit->side[leg] * used;
                s->credit[h] += credit->credit_frac * used * (price_risk(m, s, h) / delta);
            }
        }
    }
    for (size_t h = 0; h < s->n_held; ++h)
        s->credit[h] = mc_min(s->core[h], s->credit[h]);
}

/* Of `alone`, the sum of cores. */
static double joint_core(const mc_preset *m, const mc_preset_scratch *s, double alone)
{
    if (m->combination == MC_UNITS_JOINT)
        return alone - m->lambda * (alone - mc_max(0.0, -s->joint_least));
    double sum = 0.0;
    for (size_t i = 0; i < s->n_held; ++i)
        for (size_t j = 0; j < s->n_held; ++j)
            sum += s->core[i] * s->core[j]
                 * m->correlation[(size_t)s->unit[i] * m->n_units + (size_t)s->unit[j]];
    return sqrt(mc_max(0.0, sum));
}

static void combine(const mc_preset *m, mc_preset_scratch *s)
{
    double alone = 0.0;
    for (size_t h = 0; h < s->n_held; ++h) {
        const double loss = s->least[h] < 0.0 ? -s->least[h] : 0.0;
        s->core[h] = m->core_quantum > 0.0 ? rint(loss / m->core_quantum) * m->core_quantum : loss;
        s->credit[h] = 0.0;
        alone += s->core[h];
    }
    if (m->combination == MC_UNITS_CREDITS) {
        add_credits(m, s);
    } else if (m->combination != MC_UNITS_SUM && alone > 0.0) {
        const double share = (alone - joint_core(m, s, alone)) / alone;
        for (size_t h = 0; h < s->n_held; ++h)
            s->credit[h] = s->core[h] * share;
    }
}

/* ---- one account ------------------------------------------------------------------------- */

typedef struct sweep_job {
    const mc_kernels *kernels;
    const mc_preset *preset;
    const mc_book_columns *book;
    const mc_preset_accounts *accounts;
    const mc_preset_standing *out;
    mc_preset_scratch *scratch; /* one a thread */
    size_t first_account;
    size_t count;
} sweep_job;

static double at_account(const double *column, size_t a)
{
    return column != NULL ? column[a] : 0.0;
}

static void put(double *column, size_t row, double value)
{
    if (column != NULL)
        column[row] = value;
}

/* Charges of the h-th unit held, by role, MM and IM. */
static void charge_unit(const sweep_job *job, const mc_preset_scratch *s, size_t h, size_t row,
                        double by_role[MC_CHARGE_ROLE_END][2])
{
    const mc_preset *m = job->preset;
    double *const to[2] = {job->out->charge_mm, job->out->charge_im};
    for (size_t k = 0; k < m->n_charges; ++k) {
        const mc_charge_rates *rates = &m->charges[k].rates[s->unit[h]];
        const double amount =
            shaped(rates, amount_of(&m->charges[k], s->sums + h * m->n_sums));
        const double both[2] = {rates->mm * amount, rates->im * amount};
        for (int level = MM; level <= IM; ++level) {
            by_role[m->charges[k].role][level] += both[level];
            if (to[level] != NULL)
                to[level][row * m->n_charges + k] += both[level];
        }
    }
}

static void report_unit(const sweep_job *job, const mc_preset_scratch *s, size_t h, size_t row)
{
    const mc_preset *m = job->preset;
    const mc_preset_standing *out = job->out;
    const size_t at = row * m->n_units + (size_t)s->unit[h];
    put(out->unit_core, at, s->core[h]);
    put(out->unit_credit, at, s->credit[h]);
    if (out->unit_worst != NULL && s->core[h] > 0.0)
        out->unit_worst[at] = m->column_of[s->worst[h]];
    for (size_t l = 0; out->unit_row != NULL && l < m->stride; ++l)
        if (l == 0 || m->column_of[l] != 0) /* the rest are copies of column 0 */
            out->unit_row[at * m->n_columns + (size_t)m->column_of[l]] = s->rows[h * m->stride + l];
}

static void clear_units(const sweep_job *job, size_t row)
{
    const size_t u = job->preset->n_units, n = job->preset->n_charges;
    const mc_preset_standing *out = job->out;
    const struct { double *column; size_t n; } all[] = {
        {out->charge_mm, n}, {out->charge_im, n}, {out->unit_core, u}, {out->unit_credit, u},
        {out->unit_row, u * job->preset->n_columns},
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; ++k)
        if (all[k].column != NULL && all[k].n > 0)
            memset(all[k].column + row * all[k].n, 0, all[k].n * sizeof(double));
    for (size_t k = 0; out->unit_worst != NULL && k < u; ++k)
        out->unit_worst[row * u + k] = -1;
}

static void margin_account(const sweep_job *job, mc_preset_scratch *s, size_t a)
{
    const mc_preset *m = job->preset;
    const size_t row = a - job->first_account;
    clear_units(job, row);
    job->kernels->preset_walk(m, job->book, a, s);
    combine(m, s);

    double need[2] = {0.0, 0.0}, outside[2] = {0.0, 0.0};
    double marks = 0.0, options = 0.0, scan = 0.0;
    for (size_t h = 0; h < s->n_held; ++h) {
        double by_role[MC_CHARGE_ROLE_END][2] = {{0.0}};
        charge_unit(job, s, h, row, by_role);
        report_unit(job, s, h, row);
        for (int level = MM; level <= IM; ++level) {
            const double core =
                mc_max(s->core[h] - s->credit[h], by_role[MC_CHARGE_CORE_FLOOR][level]);
            need[level] += mc_max(core + by_role[MC_CHARGE_INSIDE][level],
                                by_role[MC_CHARGE_UNIT_FLOOR][level]);
            outside[level] += by_role[MC_CHARGE_OUTSIDE][level];
        }
        scan += s->core[h] - s->credit[h];
        marks += s->sums[h * m->n_sums + MC_SUM_MARK];
        options += s->sums[h * m->n_sums + MC_SUM_OPTIONS];
    }
    put(job->out->equity, row, marks + at_account(job->accounts->cash, a));
    put(job->out->option_value, row, options);
    put(job->out->scan, row, scan);
    put(job->out->mm, row, m->factors[MM] * need[MM] + outside[MM]
                               + at_account(job->accounts->provision_mm, a));
    put(job->out->im, row, m->factors[IM] * need[IM] + outside[IM]
                               + at_account(job->accounts->provision_im, a));
}

static void sweep_block(void *context, size_t block, unsigned thread)
{
    const sweep_job *job = context;
    const size_t first = block * ACCOUNTS_PER_BLOCK;
    for (size_t k = first; k < first + ACCOUNTS_PER_BLOCK && k < job->count; ++k)
        margin_account(job, &job->scratch[thread], job->first_account + k);
}

/* ---- the sweep --------------------------------------------------------------------------- */

static mc_status check_accounts(const mc_preset *m, const mc_book *book, const mc_range *range,
                                const mc_preset_accounts *accounts, mc_error *err)
{
    const mc_book_columns *c = &book->columns;
    const double *const columns[] = {accounts->cash, accounts->provision_mm, accounts->provision_im};
    const bool small = book->most_lots * m->most < MOST_AMOUNT;
    for (size_t a = range->first; a < range->first + range->count; ++a) {
        for (size_t k = 0; k < 3; ++k) {
            const double x = at_account(columns[k], a);
            if (!mc_is_finite(x))
                return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)a,
                               "cash or a provision of account %zu is not finite", a);
            if (fabs(x) > MOST_AMOUNT)
                return mc_fail(err, MC_ERR_DOMAIN, (int64_t)a,
                               "cash or a provision of account %zu is %g", a, x);
        }
        double bound = 0.0;
        for (int64_t p = c->offset[a]; !small && p < c->offset[a + 1]; ++p)
            bound += fabs(c->lots[p]) * m->largest[c->instrument[p]];
        if (!(bound < MOST_AMOUNT))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)a, "amounts of account %zu overflow", a);
    }
    return MC_OK;
}

static mc_status check_sweep(const mc_preset *m, const mc_book *book, const mc_range *range,
                             const mc_preset_accounts *accounts, const mc_preset_standing *out,
                             mc_error *err)
{
    if (m == NULL || book == NULL || range == NULL || out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a preset, book, range or output is missing");
    const mc_book_columns *c = &book->columns;
    if (c->n_instruments != m->n_instruments)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a book over %zu instruments, a preset of %zu",
                       c->n_instruments, m->n_instruments);
    if (range->first > c->n_accounts || range->count > c->n_accounts - range->first)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "accounts %zu + %zu of %zu", range->first,
                       range->count, c->n_accounts);
    if (c->order_offset != NULL && c->order_offset[c->n_accounts] > 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "presets have no rule for open orders");
    return check_accounts(m, book, range, accounts, err);
}

static bool allocate_scratch(const mc_preset *m, bool rows, mc_preset_scratch *s)
{
    const size_t u = m->n_units;
    s->unit = mc_alloc(u, sizeof *s->unit);
    s->least = mc_alloc(u, sizeof *s->least);
    s->worst = mc_alloc(u, sizeof *s->worst);
    s->sums = mc_alloc(u * m->n_sums, sizeof *s->sums);
    s->rows = rows ? mc_alloc(u * m->stride, sizeof *s->rows) : NULL;
    s->core = mc_alloc(3 * u, sizeof *s->core);
    s->credit = s->core + u;
    s->left = s->credit + u;
    return s->unit != NULL && s->least != NULL && s->worst != NULL && s->sums != NULL
        && s->core != NULL && (!rows || s->rows != NULL);
}

static void free_scratch(mc_preset_scratch *scratch, unsigned n)
{
    for (unsigned t = 0; scratch != NULL && t < n; ++t) {
        void *const all[] = {scratch[t].unit, scratch[t].least, scratch[t].worst, scratch[t].sums,
                             scratch[t].rows, scratch[t].core};
        for (size_t k = 0; k < sizeof all / sizeof *all; ++k)
            mc_free(all[k]);
    }
    mc_free(scratch);
}

mc_status mc_preset_sweep(const mc_preset *preset, const mc_book *book, const mc_range *range,
                          const mc_preset_accounts *accounts, const mc_preset_standing *out,
                          mc_error *err)
{
    static const mc_preset_accounts nothing = {NULL, NULL, NULL};
    if (accounts == NULL)
        accounts = &nothing;
    const mc_status status = check_sweep(preset, book, range, accounts, out, err);
    if (status != MC_OK)
        return status;
    const size_t n_blocks = (range->count + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    const unsigned threads = mc_thread_count(range->n_threads, n_blocks);
    sweep_job job = {
        .kernels = mc_kernels_used(), .preset = preset, .book = &book->columns,
        .accounts = accounts, .out = out, .scratch = mc_alloc(threads, sizeof *job.scratch),
        .first_account = range->first, .count = range->count,
    };
    const bool rows = out->unit_row != NULL || preset->combination == MC_UNITS_CREDITS;
    bool good = job.scratch != NULL;
    for (unsigned t = 0; good && t < threads; ++t)
        good = allocate_scratch(preset, rows, &job.scratch[t]);
    if (good)
        mc_parallel(n_blocks, threads, sweep_block, &job);
    free_scratch(job.scratch, threads);
    return good ? MC_OK : mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %u threads", threads);
}
