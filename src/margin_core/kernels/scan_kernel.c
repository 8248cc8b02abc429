/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"
#include "kernels/scan.h"

void MC_KERNEL(mc_scan)(const mc_scan_job *job, size_t first, size_t n);

/* One account over `blocks` lanes of scenarios from column `at`. */
MC_INLINE void scan_account(const mc_scan_job *job, size_t a, size_t at, const int blocks)
{
    mc_lanes pnl[MC_PASS_BLOCKS];
    mc_rows_zero(pnl, blocks);
    for (int64_t p = job->offset[a]; p < job->offset[a + 1]; ++p)
        mc_rows_add(pnl, job->cells + (size_t)job->instrument[p] * job->row + at, job->lots[p],
                    blocks);

    const double least = mc_rows_least(pnl, blocks);
    const size_t to = a - job->first_account;
    if (at > 0 && !(least < job->worst_pnl[to]))
        return;
    job->worst_pnl[to] = least;
    if (job->scenario != NULL)
        job->scenario[to] = (int32_t)at + mc_rows_first(pnl, least, blocks);
}

MC_INLINE void scan_accounts(const mc_scan_job *job, size_t first, size_t n, size_t at,
                             const int blocks)
{
    for (size_t a = first; a < first + n; ++a)
        scan_account(job, a, at, blocks);
}

void MC_KERNEL(mc_scan)(const mc_scan_job *job, size_t first, size_t n)
{
    for (size_t at = 0; at < job->stride; at += MC_PASS_BLOCKS * MC_LANES) {
        const size_t left = (job->stride - at) / MC_LANES;
        MC_FOR_BLOCKS(left, scan_accounts, job, first, n, at);
    }
}
