/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"
#include "kernels/scan.h"

void MC_KERNEL(mc_scan)(const mc_scan_job *job, size_t first, size_t n);

/* After the last pass over a table without the base: moves become scenarios, and the base counts
 * with a P&L of 0. Of equal scenarios the first. */
static void join_base(const mc_scan_job *job, size_t to)
{
    const double least = job->worst_pnl[to];
    job->worst_pnl[to] = least < 0.0 ? least : 0.0;
    if (job->scenario == NULL)
        return;
    const int32_t scenario = job->scenario[to] + (job->scenario[to] >= job->base);
    const bool at_base = least > 0.0 || (least == 0.0 && scenario > job->base);
    job->scenario[to] = at_base ? job->base : scenario;
}

/* Accounts over `blocks` lanes of scenarios from column `at`. */
MC_INLINE void scan_accounts(const mc_scan_job *job, size_t first, size_t n, size_t at,
                             const int blocks, const bool narrow)
{
    const char *const cells = job->cells + mc_cells_size(at, narrow);
    const int32_t *const instrument = job->instrument;
    const double *const lots = job->lots;
    const size_t row = job->row;
    const bool last = at + (size_t)blocks * MC_LANES == job->stride;

    int64_t p = job->offset[first];
    for (size_t a = first; a < first + n; ++a) {
        mc_lanes pnl[MC_PASS_BLOCKS];
        mc_rows_zero(pnl, blocks);
        for (const int64_t end = job->offset[a + 1]; p < end; ++p)
            mc_rows_add(pnl, cells + (size_t)instrument[p] * row, lots[p], blocks, narrow);

        const double least = mc_rows_least(pnl, blocks);
        const size_t to = a - job->first_account;
        if (at == 0 || least < job->worst_pnl[to]) {
            job->worst_pnl[to] = least;
            if (job->scenario != NULL)
                job->scenario[to] = (int32_t)at + mc_rows_first(pnl, least, blocks);
        }
        if (narrow && last)
            join_base(job, to);
    }
}

void MC_KERNEL(mc_scan)(const mc_scan_job *job, size_t first, size_t n)
{
    for (size_t at = 0; at < job->stride; at += MC_PASS_LANES) {
        const size_t left = (job->stride - at) / MC_LANES;
        const int blocks = left < MC_PASS_BLOCKS ? (int)left : MC_PASS_BLOCKS;
        MC_FOR_BLOCKS(blocks, job->narrow, scan_accounts, job, first, n, at);
    }
}
