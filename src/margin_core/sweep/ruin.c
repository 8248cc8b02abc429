/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/ruin.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "sweep/scan.h"

enum { ACCOUNTS_PER_BLOCK = 2048 };

typedef struct shares_context {
    const mc_kernels *kernels;
    mc_shares_job job;
    size_t count;
} shares_context;

static void shares_block(void *context, size_t block, unsigned thread)
{
    const shares_context *c = context;
    const size_t first = block * ACCOUNTS_PER_BLOCK;
    const size_t left = c->count - first;
    (void)thread;
    c->kernels->shares(&c->job, c->job.scan.first_account + first,
                       left < ACCOUNTS_PER_BLOCK ? left : ACCOUNTS_PER_BLOCK);
}

static mc_status check_numbers(const mc_risk_array *risk, const mc_range *range,
                               const double *weight, const double *line, size_t n_lines,
                               mc_error *err)
{
    if (weight == NULL || line == NULL || n_lines < 1 || n_lines > MC_MAX_LINES)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "weights or lines are missing; 1 to %d lines are "
                       "allowed", MC_MAX_LINES);
    for (size_t z = 0; z < risk->view.n_scenarios; ++z) {
        if (!mc_is_finite(weight[z]))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)z, "weight %zu is not finite", z);
        if (weight[z] < 0.0)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)z, "weight %zu is %g", z, weight[z]);
    }
    for (size_t i = 0; i < range->count * n_lines; ++i)
        if (isnan(line[i]))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i, "line %zu is not a number", i);
    return MC_OK;
}

mc_status mc_shares_below(const mc_risk_array *risk, const mc_book *book, const mc_range *range,
                          const double *weight, const double *line, size_t n_lines, double *share,
                          mc_error *err)
{
    mc_status status = mc_scan_check(risk, book, range, share, err);
    if (status == MC_OK)
        status = check_numbers(risk, range, weight, line, n_lines, err);
    if (status != MC_OK)
        return status;

    shares_context context = {
        .kernels = mc_kernels_used(),
        .job = {.scan = mc_scan_job_of(risk, book, range), .line = line, .n_lines = n_lines,
                .share = share},
        .count = range->count,
    };
    const mc_scan_job *const scan = &context.job.scan;
    double *const lanes = mc_alloc(scan->stride, sizeof *lanes); /* what pads weighs nothing */
    if (lanes == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu weights", scan->stride);
    const size_t base = scan->narrow ? (size_t)scan->base : risk->view.n_scenarios;
    for (size_t z = 0; z < risk->view.n_scenarios; ++z)
        if (z != base)
            lanes[z - (z > base)] = weight[z];
    context.job.weight = lanes;
    context.job.base_weight = base < risk->view.n_scenarios ? weight[base] : 0.0;

    const size_t n_blocks = (range->count + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    mc_parallel(n_blocks, mc_thread_count(range->n_threads, n_blocks), shares_block, &context);
    mc_free(lanes);
    return MC_OK;
}
