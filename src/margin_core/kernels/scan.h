/* kernels/scan.h - the P&L of lots over a pass of up to 64 scenarios, kept in registers.
 *
 * `blocks` is a constant at every call, so that each loop over it unrolls and the accumulators
 * stay where they are; more scenarios than one pass holds are taken in several.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_SCAN_H
#define MC_KERNELS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/lanes.h"

#define MC_INLINE static inline __attribute__((always_inline))
#define MC_UNROLL _Pragma("GCC unroll 8")

enum { MC_PASS_BLOCKS = 8, MC_PASS_LANES = MC_PASS_BLOCKS * MC_LANES };

/* Calls f(..., blocks, which) with `left`, at most 8, and `which` as constants. */
#define MC_FOR_BLOCKS(left, which, f, ...)                                         \
    switch ((left) + ((which) ? MC_PASS_BLOCKS : 0)) {                             \
    case 1: f(__VA_ARGS__, 1, false); break;                                       \
    case 2: f(__VA_ARGS__, 2, false); break;                                       \
    case 3: f(__VA_ARGS__, 3, false); break;                                       \
    case 4: f(__VA_ARGS__, 4, false); break;                                       \
    case 5: f(__VA_ARGS__, 5, false); break;                                       \
    case 6: f(__VA_ARGS__, 6, false); break;                                       \
    case 7: f(__VA_ARGS__, 7, false); break;                                       \
    case 8: f(__VA_ARGS__, 8, false); break;                                       \
    case 9: f(__VA_ARGS__, 1, true); break;                                        \
    case 10: f(__VA_ARGS__, 2, true); break;                                       \
    case 11: f(__VA_ARGS__, 3, true); break;                                       \
    case 12: f(__VA_ARGS__, 4, true); break;                                       \
    case 13: f(__VA_ARGS__, 5, true); break;                                       \
    case 14: f(__VA_ARGS__, 6, true); break;                                       \
    case 15: f(__VA_ARGS__, 7, true); break;                                       \
    default: f(__VA_ARGS__, 8, true); break;                                       \
    }

MC_INLINE void mc_rows_zero(mc_lanes *pnl, const int blocks)
{
    MC_UNROLL
    for (int b = 0; b < blocks; ++b)
        pnl[b] = mc_lanes_zero();
}

/* The b-th lanes of cells: 32-bit integers where `narrow`, else doubles. The same numbers. */
MC_INLINE mc_lanes mc_row_load(const char *cells, int b, const bool narrow)
{
    return narrow ? mc_lanes_load_int((const int32_t *)cells + b * MC_LANES)
                  : mc_lanes_load((const double *)cells + b * MC_LANES);
}

/* Bytes of `n` cells. */
MC_INLINE size_t mc_cells_size(size_t n, const bool narrow)
{
    return n * (narrow ? sizeof(int32_t) : sizeof(double));
}

MC_INLINE void mc_rows_add(mc_lanes *pnl, const char *cells, double lots, const int blocks,
                           const bool narrow)
{
    const mc_lanes q = mc_lanes_set(lots);
    MC_UNROLL
    for (int b = 0; b < blocks; ++b)
        pnl[b] = mc_lanes_fma(q, mc_row_load(cells, b, narrow), pnl[b]);
}

/* An order fills where that hurts: min(0, lots cell + gain). */
MC_INLINE void mc_rows_add_order(mc_lanes *pnl, const char *cells, double lots, double gain,
                                 const int blocks, const bool narrow)
{
    const mc_lanes q = mc_lanes_set(lots), g = mc_lanes_set(gain), zero = mc_lanes_zero();
    MC_UNROLL
    for (int b = 0; b < blocks; ++b)
        pnl[b] = mc_lanes_add(
            pnl[b], mc_lanes_min(zero, mc_lanes_fma(q, mc_row_load(cells, b, narrow), g)));
}

MC_INLINE void mc_rows_sum(mc_lanes *to, const mc_lanes *from, const int blocks)
{
    MC_UNROLL
    for (int b = 0; b < blocks; ++b)
        to[b] = mc_lanes_add(to[b], from[b]);
}

MC_INLINE double mc_rows_least(const mc_lanes *pnl, const int blocks)
{
    mc_lanes least = pnl[0];
    MC_UNROLL
    for (int b = 1; b < blocks; ++b)
        least = mc_lanes_min(least, pnl[b]);
    return mc_lanes_least(least);
}

/* The first scenario of the pass where the P&L is `least`. */
MC_INLINE int32_t mc_rows_first(const mc_lanes *pnl, double least, const int blocks)
{
    const mc_lanes value = mc_lanes_set(least);
    unsigned long long mask = 0;
    MC_UNROLL
    for (int b = 0; b < blocks; ++b)
        mask |= (unsigned long long)mc_lanes_equal(pnl[b], value) << (b * MC_LANES);
    return mc_first_bit(mask);
}

#endif
