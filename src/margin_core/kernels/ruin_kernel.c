/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"
#include "kernels/scan.h"

void MC_KERNEL(mc_shares)(const mc_shares_job *job, size_t first, size_t n);

/* Lane by lane from the first, so that every copy rounds alike. */
static double added(mc_lanes x)
{
    double lane[MC_LANES], sum = 0.0;
    mc_lanes_store(lane, x);
    for (int i = 0; i < MC_LANES; ++i)
        sum += lane[i];
    return sum;
}

/* Accounts over `blocks` lanes of scenarios from column `at`. */
MC_INLINE void share_accounts(const mc_shares_job *job, size_t first, size_t n, size_t at,
                              const int blocks, const bool narrow)
{
    const char *const cells = job->scan.cells + mc_cells_size(at, narrow);
    const double *const weight = job->weight + at;
    const size_t row = job->scan.row, n_lines = job->n_lines;

    int64_t p = job->scan.offset[first];
    for (size_t a = first; a < first + n; ++a) {
        mc_lanes pnl[MC_PASS_BLOCKS];
        mc_rows_zero(pnl, blocks);
        for (const int64_t end = job->scan.offset[a + 1]; p < end; ++p)
            mc_rows_add(pnl, cells + (size_t)job->scan.instrument[p] * row, job->scan.lots[p],
                        blocks, narrow);

        const size_t to = (a - job->scan.first_account) * n_lines;
        for (size_t k = 0; k < n_lines; ++k) {
            const mc_lanes line = mc_lanes_set(job->line[to + k]);
            mc_lanes below = mc_lanes_zero();
            MC_UNROLL
            for (int b = 0; b < blocks; ++b)
                below = mc_lanes_add(below, mc_lanes_where_less(
                                                pnl[b], line, mc_lanes_load(weight + b * MC_LANES)));
            const double share = at == 0 ? (0.0 < job->line[to + k] ? job->base_weight : 0.0)
                                         : job->share[to + k];
            job->share[to + k] = share + added(below);
        }
    }
}

void MC_KERNEL(mc_shares)(const mc_shares_job *job, size_t first, size_t n)
{
    for (size_t at = 0; at < job->scan.stride; at += MC_PASS_LANES) {
        const size_t left = (job->scan.stride - at) / MC_LANES;
        const int blocks = left < MC_PASS_BLOCKS ? (int)left : MC_PASS_BLOCKS;
        MC_FOR_BLOCKS(blocks, job->scan.narrow, share_accounts, job, first, n, at);
    }
}
