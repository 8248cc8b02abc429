/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/liquidation.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/threads.h"
#include "kernels/requirement.h"
#include "margin/book.h"
#include "risk/risk_array.h"
#include "sweep/sweep.h"

enum { ACCOUNTS_PER_BLOCK = 4096 };

typedef struct context {
    const mc_margin *margin;
    const double *delta;
    const mc_book_columns *book;
    const int64_t *equity, *mm;
    double *move; /* [n_threads * n_units * 2] */
} context;

static void nearest(const context *c, size_t a, double *move)
{
    const double cushion = (double)(c->equity[a] - c->mm[a]);
    if (cushion < 0.0)
        return; /* below it already */
    const int64_t end = c->book->offset[a + 1];
    for (int64_t p = c->book->offset[a]; p < end;) {
        const int32_t unit = c->margin->unit_of[c->book->instrument[p]];
        double delta = 0.0;
        for (; p < end && c->margin->unit_of[c->book->instrument[p]] == unit; ++p)
            delta += c->book->lots[p] * c->delta[c->book->instrument[p]];
        if (delta == 0.0)
            continue;
        double *const side = &move[2 * unit + (delta < 0.0)];
        *side = fmin(*side, cushion / (fabs(delta) + (double)c->mm[a]));
    }
}

static void block(void *all, size_t number, unsigned thread)
{
    const context *c = all;
    double *const move = c->move + (size_t)thread * c->margin->n_units * 2;
    const size_t first = number * ACCOUNTS_PER_BLOCK;
    for (size_t a = first; a < first + ACCOUNTS_PER_BLOCK && a < c->book->n_accounts; ++a)
        nearest(c, a, move);
}

mc_status mc_next_thresholds(const mc_margin *m, const mc_risk_array *risk, const mc_book *book,
                             const int64_t *equity, const int64_t *mm, unsigned n_threads,
                             double *move, mc_error *err)
{
    const mc_status status = mc_sweep_fits(m, book, err);
    if (status != MC_OK)
        return status;
    if (risk == NULL || equity == NULL || mm == NULL || move == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a risk array, equity, mm or move is missing");
    if (risk->view.delta == NULL || risk->view.n_instruments != m->n_instruments)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the risk array is not the margin table's");
    const size_t n_sides = 2 * m->n_units, n_accounts = book->columns.n_accounts;
    const size_t n_blocks = (n_accounts + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    const unsigned threads = mc_thread_count(n_threads, n_blocks);
    context c = {.margin = m, .delta = risk->view.delta, .book = &book->columns, .equity = equity,
                 .mm = mm, .move = mc_alloc(threads * n_sides, sizeof *move)};
    if (c.move == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for thresholds");
    for (size_t i = 0; i < threads * n_sides; ++i)
        c.move[i] = INFINITY;
    mc_parallel(n_blocks, threads, block, &c);
    for (size_t s = 0; s < n_sides; ++s) {
        move[s] = c.move[s];
        for (unsigned t = 1; t < threads; ++t)
            move[s] = fmin(move[s], c.move[t * n_sides + s]);
    }
    mc_free(c.move);
    return MC_OK;
}
