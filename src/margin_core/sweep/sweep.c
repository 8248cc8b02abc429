/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include <margin_core/sweep.h>

#include "base/alloc.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "kernels/requirement.h"
#include "margin/book.h"
#include "sweep/exact.h"
#include "sweep/sweep.h"

enum { ACCOUNTS_PER_BLOCK = 2048 };

#define MOST_EXPOSURE (INT64_C(1) << 62)

static double bound_of(const mc_margin *m, const mc_book_columns *c, size_t a)
{
    double bound = 0.0;
    for (int64_t p = c->offset[a]; p < c->offset[a + 1]; ++p)
        bound += fabs(c->lots[p]) * m->facts[c->instrument[p]].largest;
    if (c->order_offset != NULL)
        for (int64_t o = c->order_offset[a]; o < c->order_offset[a + 1]; ++o) {
            const int32_t i = c->order_instrument[o];
            bound += fabs(c->order_lots[o])
                   * (m->facts[i].largest + fabs(mc_tail(m, i)->mark - c->order_limit[o]));
        }
    return bound;
}

mc_status mc_sweep_is_exact(const mc_margin *m, const mc_book *book, size_t first, size_t count,
                            mc_error *err)
{
    const mc_book_columns *c = &book->columns;
    const double gap = c->order_offset != NULL ? m->largest_mark + book->most_limit : 0.0;
    if (book->most_lots * (m->largest + gap) < MC_EXACT_LIMIT)
        return MC_OK;
    for (size_t a = first; a < first + count; ++a) {
        const double bound = bound_of(m, c, a);
        if (!mc_sum_is_exact(bound))
            return mc_exactness_error(a, bound, err);
    }
    return MC_OK;
}

mc_status mc_sweep_fits(const mc_margin *m, const mc_book *book, mc_error *err)
{
    if (m == NULL || book == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a margin table or book is missing");
    if (book->columns.n_instruments != m->n_instruments)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a book over %zu instruments, a margin table of %zu",
                       book->columns.n_instruments, m->n_instruments);
    if (book->columns.fractional)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a fractional book: the house model needs lots");
    return MC_OK;
}

/* ---- exposure ---------------------------------------------------------------------------- */

typedef struct exposure_context {
    const mc_margin *margin;
    const mc_book_columns *book;
    int64_t *per_thread; /* [n_threads * n_units * 2] */
} exposure_context;

/* A total of 2^62 quanta is far beyond any market, and stays there instead of wrapping: the same
 * total whatever threads add up. */
static int64_t add_below_limit(int64_t a, int64_t b)
{
    return b < MOST_EXPOSURE - a ? a + b : MOST_EXPOSURE;
}

/* Adds account a's notional by unit and side, without what its own exit is charged for. */
static void add_exposure(const mc_margin *m, const mc_book_columns *c, size_t a, int64_t *sides)
{
    for (int64_t p = c->offset[a]; p < c->offset[a + 1]; ++p) {
        const int32_t i = c->instrument[p];
        const int64_t notional = (int64_t)(fabs(c->lots[p]) * m->facts[i].notional);
        const bool is_short = c->lots[p] * m->facts[i].side < 0.0;
        if (!is_short && m->exit_of != NULL && m->exit_of[i] >= 0)
            continue;
        int64_t *const side = &sides[m->unit_of[i] * 2 + is_short];
        *side = add_below_limit(*side, notional);
    }
}

static void exposure_block(void *context, size_t block, unsigned thread)
{
    const exposure_context *x = context;
    int64_t *const sides = x->per_thread + (size_t)thread * x->margin->n_units * 2;
    const size_t first = block * ACCOUNTS_PER_BLOCK;
    for (size_t a = first; a < first + ACCOUNTS_PER_BLOCK && a < x->book->n_accounts; ++a)
        add_exposure(x->margin, x->book, a, sides);
}

mc_status mc_exposure(const mc_margin *m, const mc_book *book, unsigned n_threads, int64_t *market,
                      int64_t *owners, mc_error *err)
{
    mc_status status = mc_sweep_fits(m, book, err);
    if (status != MC_OK)
        return status;
    const mc_book_columns *c = &book->columns;
    if (market == NULL || (c->n_owners > 0 && owners == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the exposures");
    status = mc_sweep_is_exact(m, book, 0, c->n_accounts, err);
    if (status != MC_OK)
        return status;

    const size_t n_sides = m->n_units * 2;
    const size_t n_blocks = (c->n_accounts + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    const unsigned threads = mc_thread_count(n_threads, n_blocks);
    exposure_context x = {.margin = m, .book = c,
                          .per_thread = mc_alloc(threads * n_sides, sizeof(int64_t))};
    if (x.per_thread == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for exposures");
    mc_parallel(n_blocks, threads, exposure_block, &x);

    memset(market, 0, n_sides * sizeof *market);
    for (unsigned t = 0; t < threads; ++t)
        for (size_t s = 0; s < n_sides; ++s)
            market[s] = add_below_limit(market[s], x.per_thread[t * n_sides + s]);
    mc_free(x.per_thread);

    if (c->n_owners > 0) {
        memset(owners, 0, c->n_owners * n_sides * sizeof *owners);
        for (size_t a = 0; a < c->n_accounts; ++a)
            if (c->owner != NULL && c->owner[a] >= 0)
                add_exposure(m, c, a, owners + (size_t)c->owner[a] * n_sides);
    }
    return MC_OK;
}

/* ---- the sweep --------------------------------------------------------------------------- */

typedef struct sweep_context {
    const mc_kernels *kernels;
    mc_sweep_job job;
    mc_sweep_scratch *scratch; /* one a thread */
    size_t count;
} sweep_context;

static void sweep_block(void *context, size_t block, unsigned thread)
{
    const sweep_context *c = context;
    const size_t first = block * ACCOUNTS_PER_BLOCK;
    const size_t left = c->count - first;
    c->kernels->sweep(&c->job, &c->scratch[thread], c->job.first_account + first,
                      left < ACCOUNTS_PER_BLOCK ? left : ACCOUNTS_PER_BLOCK);
}

/* A piece of `bytes` from memory that is dealt out in whole cache lines. */
static void *deal(char **memory, size_t bytes)
{
    void *const piece = *memory;
    *memory += (bytes / MC_ALIGNMENT + 1) * MC_ALIGNMENT;
    return piece;
}

void *mc_sweep_allocate(const mc_margin *m, unsigned threads, const int64_t *market,
                        mc_sweep_scratch **scratch, int64_t **market_rate)
{
    const size_t u = m->n_units, g = m->n_groups;
    const size_t held = MC_SWEEP_TOGETHER * u;
    const size_t per_thread = (u + g) * 2 * sizeof(double) + held * (MC_LANES + 1) * sizeof(double)
                            + m->n_exit_markets * sizeof(int64_t)
                            + 10 * MC_ALIGNMENT; /* at least the ten pieces below */
    char *const memory = mc_alloc(1, threads * (per_thread + sizeof **scratch)
                                         + u * 2 * sizeof(int64_t) + 4 * MC_ALIGNMENT);
    if (memory == NULL)
        return NULL;
    char *left = memory;
    *scratch = deal(&left, threads * sizeof **scratch);
    *market_rate = deal(&left, u * 2 * sizeof(int64_t));
    for (unsigned t = 0; t < threads; ++t) {
        mc_sweep_scratch *s = &(*scratch)[t];
        s->unit_least = deal(&left, u * sizeof(double));
        s->held = deal(&left, held * MC_LANES * sizeof(double));
        s->held_unit = deal(&left, held * sizeof(int32_t));
        s->held_by = deal(&left, held * sizeof(int32_t));
        s->group_least = deal(&left, g * sizeof(double));
        s->unit = deal(&left, u * sizeof(int32_t));
        s->unit_worst = deal(&left, u * sizeof(int32_t));
        s->group = deal(&left, g * sizeof(int32_t));
        s->group_worst = deal(&left, g * sizeof(int32_t));
        s->sold = deal(&left, m->n_exit_markets * sizeof(int64_t));
        memset(s->sold, 0, m->n_exit_markets * sizeof(int64_t));
    }
    for (size_t i = 0; i < 2 * u; ++i)
        (*market_rate)[i] =
            market != NULL ? mc_impact_rate(&m->units[i / 2].market_impact, market[i]) : 0;
    return memory;
}

static mc_status check_sizes(const int64_t *sizes, size_t n, const char *name, mc_error *err)
{
    for (size_t i = 0; sizes != NULL && i < n; ++i)
        if (sizes[i] < 0 || sizes[i] > MOST_EXPOSURE)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "%s %zu is not in 0 .. 2^62", name, i);
    return MC_OK;
}

mc_status mc_sweep_exposures(const mc_margin *m, const mc_book *book, const int64_t *market,
                             const int64_t *owners, mc_error *err)
{
    const mc_status status = check_sizes(market, m->n_units * 2, "market exposure", err);
    return status != MC_OK ? status
                           : check_sizes(owners, book->columns.n_owners * m->n_units * 2,
                                         "owner exposure", err);
}

mc_status mc_sweep(const mc_margin *m, const mc_book *book, const mc_range *range,
                   const int64_t *market, const int64_t *owners, const mc_standing *out,
                   mc_error *err)
{
    mc_status status = mc_sweep_fits(m, book, err);
    if (status != MC_OK)
        return status;
    if (range == NULL || out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a range or output is missing");
    const size_t n_accounts = book->columns.n_accounts;
    if (range->first > n_accounts || range->count > n_accounts - range->first)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "accounts %zu + %zu of %zu", range->first,
                       range->count, n_accounts);
    status = mc_sweep_exposures(m, book, market, owners, err);
    if (status == MC_OK)
        status = mc_sweep_is_exact(m, book, range->first, range->count, err);
    if (status != MC_OK)
        return status;

    const size_t n_blocks = (range->count + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    const unsigned threads = mc_thread_count(range->n_threads, n_blocks);
    sweep_context context = {
        .kernels = mc_kernels_used(),
        .job = {.margin = m, .book = &book->columns, .first_account = range->first,
                .owners = owners, .out = out},
        .count = range->count,
    };
    int64_t *market_rate;
    void *const memory = mc_sweep_allocate(m, threads, market, &context.scratch, &market_rate);
    if (memory == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %u threads", threads);
    context.job.market_rate = market_rate;
    mc_parallel(n_blocks, threads, sweep_block, &context);
    mc_free(memory);
    return MC_OK;
}
