/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "sweep/scan.h"

#include "base/threads.h"
#include "sweep/exact.h"

enum { ACCOUNTS_PER_BLOCK = 2048 };

typedef struct scan_context {
    const mc_kernels *kernels;
    mc_scan_job job;
    size_t count;
} scan_context;

static void scan_block(void *context, size_t block, unsigned thread)
{
    const scan_context *c = context;
    const size_t first = block * ACCOUNTS_PER_BLOCK;
    const size_t left = c->count - first;
    (void)thread;
    c->kernels->scan(&c->job, c->job.first_account + first,
                     left < ACCOUNTS_PER_BLOCK ? left : ACCOUNTS_PER_BLOCK);
}

static mc_status check_exact(const mc_risk_array *risk, const mc_book *book, const mc_range *range,
                             mc_error *err)
{
    const mc_book_columns *c = &book->columns;
    if (risk->view.quantum == 0.0 || book->most_lots * risk->largest < MC_EXACT_LIMIT)
        return MC_OK;
    for (size_t a = range->first; a < range->first + range->count; ++a) {
        double bound = 0.0;
        for (int64_t p = c->offset[a]; p < c->offset[a + 1]; ++p) {
            const double *row = risk->cells + (size_t)c->instrument[p] * risk->view.stride;
            double largest = 0.0;
            for (size_t z = 0; z < risk->view.n_scenarios; ++z)
                largest = fmax(largest, fabs(row[z]));
            bound += fabs(c->lots[p]) * largest;
        }
        if (!mc_sum_is_exact(bound))
            return mc_exactness_error(a, bound, err);
    }
    return MC_OK;
}

mc_status mc_scan_check(const mc_risk_array *risk, const mc_book *book, const mc_range *range,
                        const void *output, mc_error *err)
{
    if (risk == NULL || book == NULL || range == NULL || output == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a risk array, book, range or output is missing");
    const mc_book_columns *c = &book->columns;
    if (c->n_instruments != risk->view.n_instruments)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a book over %zu instruments, a risk array of %zu",
                       c->n_instruments, risk->view.n_instruments);
    if (range->first > c->n_accounts || range->count > c->n_accounts - range->first)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "accounts %zu + %zu of %zu", range->first,
                       range->count, c->n_accounts);
    if (c->fractional && risk->view.quantum > 0.0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a fractional book and a rounded risk array");
    return check_exact(risk, book, range, err);
}

mc_scan_job mc_scan_job_of(const mc_risk_array *risk, const mc_book *book, const mc_range *range)
{
    const mc_book_columns *c = &book->columns;
    const bool narrow = risk->moves != NULL;
    return (mc_scan_job){
        .cells = narrow ? (const char *)risk->moves : (const char *)risk->cells,
        .narrow = narrow,
        .row = narrow ? risk->moves_stride * sizeof(int32_t) : risk->view.stride * sizeof(double),
        .stride = narrow ? risk->moves_stride : risk->view.stride,
        .base = (int32_t)risk->base,
        .offset = c->offset,
        .instrument = c->instrument,
        .lots = c->lots,
        .first_account = range->first,
    };
}

mc_status mc_scan(const mc_risk_array *risk, const mc_book *book, const mc_range *range,
                  double *worst_pnl, int32_t *scenario, mc_error *err)
{
    const mc_status status = mc_scan_check(risk, book, range, worst_pnl, err);
    if (status != MC_OK)
        return status;
    scan_context context = {
        .kernels = mc_kernels_used(),
        .job = mc_scan_job_of(risk, book, range),
        .count = range->count,
    };
    context.job.worst_pnl = worst_pnl;
    context.job.scenario = scenario;
    const size_t n_blocks = (range->count + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    mc_parallel(n_blocks, mc_thread_count(range->n_threads, n_blocks), scan_block, &context);
    return MC_OK;
}
