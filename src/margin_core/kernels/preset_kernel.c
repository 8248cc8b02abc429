/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/preset.h"
#include "kernels/scan.h"

/* Rows of a large market lie in L3: asked for so many positions early, they are there in time. */
enum { AHEAD = 12 };

MC_INLINE void prefetch(const double *p, const int lines)
{
#if defined(__GNUC__)
    MC_UNROLL
    for (int i = 0; i < lines; ++i)
        __builtin_prefetch(p + i * MC_LANES);
#endif
}

typedef struct account {
    const int32_t *instrument;
    const double *lots;
    int64_t first, end; /* its positions         */
    int64_t last;       /* position of the book  */
} account;

static account account_of(const mc_book_columns *book, size_t a)
{
    return (account){book->instrument, book->lots, book->offset[a], book->offset[a + 1],
                     book->offset[book->n_accounts] - 1};
}

MC_INLINE int ending_at(const mc_preset *m, const account *x, int64_t p)
{
    const mc_place place = m->places[x->instrument[p]];
    return mc_ends_between(place, p + 1 < x->end ? m->places[x->instrument[p + 1]] : ~place);
}

MC_INLINE const double *row_ahead(const mc_preset *m, const account *x, int64_t p)
{
    return m->table + (size_t)x->instrument[p + AHEAD < x->last ? p + AHEAD : x->last] * m->row;
}

/* The rule of a term: from its values to P&L, added to the unit's row. */
MC_INLINE void close_term(const mc_preset *m, size_t unit, size_t term, size_t at, double now,
                          const mc_lanes *value, mc_lanes *row, const int blocks)
{
    const mc_lanes owed = mc_lanes_set(-now);
    const mc_lanes long_ = mc_lanes_set(m->factor[2 * term]);
    const mc_lanes short_ = mc_lanes_set(m->factor[2 * term + 1]);
    const double *const weight = m->weight + unit * m->stride + at;
    const double *const fold = m->fold + at;
    MC_UNROLL
    for (int b = 0; b < blocks; ++b) {
        const mc_lanes factor = mc_lanes_by_sign(value[b], long_, short_);
        const mc_lanes pnl = mc_lanes_mul(mc_lanes_load(weight + b * MC_LANES),
                                          mc_lanes_fma(factor, value[b], owed));
        row[b] = mc_lanes_add(row[b], mc_lanes_or(pnl, mc_lanes_load(fold + b * MC_LANES)));
    }
    for (size_t c = 0; c < m->n_competitors; ++c) {
        if ((size_t)m->lane[c] - at >= (size_t)blocks * MC_LANES)
            continue;
        const double *const in = m->compete_in + c * m->stride + at;
        const double *const out = m->compete_out + c * m->stride + at;
        mc_lanes least = mc_lanes_zero();
        MC_UNROLL
        for (int b = 0; b < blocks; ++b)
            least = mc_lanes_min(least, mc_lanes_add(mc_lanes_add(value[b], owed),
                                                     mc_lanes_load(out + b * MC_LANES)));
        const mc_lanes loss =
            mc_lanes_set(m->compete_rate[c * m->n_terms + term] * mc_lanes_least(least));
        MC_UNROLL
        for (int b = 0; b < blocks; ++b)
            row[b] = mc_lanes_fma(loss, mc_lanes_load(in + b * MC_LANES), row[b]);
    }
}

/* Losses less the dampener, gains times the offset up to the cap. */
MC_INLINE void adjust(const mc_preset *m, size_t unit, size_t at, mc_lanes *row, const int blocks)
{
    const mc_lanes offset = mc_lanes_set(m->gain_offset[unit]);
    const mc_lanes cap = mc_lanes_set(m->gain_cap[unit]);
    const double *const dampener = m->dampener + unit * m->stride + at;
    MC_UNROLL
    for (int b = 0; b < blocks; ++b) {
        const mc_lanes loss = mc_lanes_min(
            mc_lanes_add(row[b], mc_lanes_load(dampener + b * MC_LANES)), mc_lanes_zero());
        row[b] = mc_lanes_by_sign(row[b], mc_lanes_min(mc_lanes_mul(offset, row[b]), cap), loss);
    }
}

/* One pass over the account's positions: `blocks` lanes of columns from `at` on. */
MC_INLINE void scan_pass(const mc_preset *m, const account *x, mc_preset_scratch *s, size_t at,
                         const int blocks, const bool linear)
{
    mc_lanes value[MC_PASS_BLOCKS], row[MC_PASS_BLOCKS], joint[MC_PASS_BLOCKS];
    double now = 0.0;
    size_t held = 0;
    mc_rows_zero(value, blocks);
    mc_rows_zero(row, blocks);
    mc_rows_zero(joint, blocks);
    for (int64_t p = x->first; p < x->end; ++p) {
        const size_t i = (size_t)x->instrument[p];
        const int ending = ending_at(m, x, p);
        prefetch(row_ahead(m, x, p) + at, blocks);
        mc_rows_add(linear ? row : value, (const char *)(m->table + i * m->row + at), x->lots[p],
                    blocks, false);
        if (!linear)
            now = fma(x->lots[p], m->base[i], now);
        if (ending < MC_TERM)
            continue;

        const size_t unit = (size_t)(m->places[i] >> MC_UNIT_BIT & 0xfff);
        if (!linear) {
            close_term(m, unit, (size_t)m->term[i], at, now, value, row, blocks);
            mc_rows_zero(value, blocks);
            now = 0.0;
        }
        if (ending < MC_UNIT)
            continue;

        if (m->dampener != NULL)
            adjust(m, unit, at, row, blocks);
        const double least = mc_rows_least(row, blocks);
        if (at == 0 || least < s->least[held]) {
            s->least[held] = least;
            s->worst[held] = (int32_t)at + mc_rows_first(row, least, blocks);
        }
        if (s->rows != NULL) {
            MC_UNROLL
            for (int b = 0; b < blocks; ++b)
                mc_lanes_store(s->rows + held * m->stride + at + (size_t)b * MC_LANES, row[b]);
        }
        mc_rows_sum(joint, row, blocks);
        mc_rows_zero(row, blocks);
        s->unit[held++] = (int32_t)unit;
    }
    s->n_held = held;
    const double together = mc_rows_least(joint, blocks);
    if (at == 0 || together < s->joint_least)
        s->joint_least = together;
}

/* The sums of every unit: segments that are over are masked off, without a branch. */
MC_INLINE void sum_up(const mc_preset *m, const account *x, mc_preset_scratch *s, const int blocks)
{
    mc_lanes running[MC_PASS_BLOCKS], total[MC_PASS_BLOCKS];
    double *sums = s->sums;
    mc_rows_zero(running, blocks);
    mc_rows_zero(total, blocks);
    for (int64_t p = x->first; p < x->end; ++p) {
        const double *const weight = m->table + (size_t)x->instrument[p] * m->row + m->stride;
        const mc_lanes q = mc_lanes_set(x->lots[p]);
        const int ending = ending_at(m, x, p);
        prefetch(row_ahead(m, x, p) + m->stride, blocks);
        MC_UNROLL
        for (int b = 0; b < blocks; ++b) {
            const int l = b * MC_LANES;
            const mc_lanes over = mc_lanes_mask(m->over[ending] + l);
            const mc_lanes sum = mc_lanes_fma(mc_lanes_max(q, mc_lanes_load(m->floor + l)),
                                              mc_lanes_load(weight + l), running[b]);
            const mc_lanes part =
                mc_lanes_fma(mc_lanes_load(m->magnitude + l), mc_lanes_abs(sum),
                             mc_lanes_mul(mc_lanes_load(m->sign + l), sum));
            total[b] = mc_lanes_add(total[b], mc_lanes_and(part, over));
            running[b] = mc_lanes_and_not(sum, over);
        }
        if (ending < MC_UNIT)
            continue;
        MC_UNROLL
        for (int b = 0; b < blocks; ++b)
            mc_lanes_store(sums + b * MC_LANES, total[b]);
        mc_rows_zero(total, blocks);
        sums += m->n_sums;
    }
}

void MC_KERNEL(mc_preset_walk)(const mc_preset *m, const mc_book_columns *book, size_t a,
                               mc_preset_scratch *s);

void MC_KERNEL(mc_preset_walk)(const mc_preset *m, const mc_book_columns *book, size_t a,
                               mc_preset_scratch *s)
{
    const account x = account_of(book, a);
    s->n_held = 0;
    for (size_t at = 0; at < m->stride; at += MC_PASS_LANES) {
        const size_t left = (m->stride - at) / MC_LANES;
        MC_FOR_BLOCKS((int)(left < MC_PASS_BLOCKS ? left : MC_PASS_BLOCKS), m->linear, scan_pass,
                      m, &x, s, at);
    }
    switch (m->n_sums / MC_LANES) {
    case 1: sum_up(m, &x, s, 1); break;
    case 2: sum_up(m, &x, s, 2); break;
    case 3: sum_up(m, &x, s, 3); break;
    case 4: sum_up(m, &x, s, 4); break;
    default: sum_up(m, &x, s, 5); break;
    }
}
