/* kernels/rows.h - option rows, block by block, into local arrays.
 *
 * A remainder is padded with its own first row and priced like any other block, so a row's bits
 * depend neither on its place nor on its neighbours.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_ROWS_H
#define MC_KERNELS_ROWS_H

#include <stdbool.h>
#include <string.h>

#include <margin_core/pricing.h>

/* Arrays of this many doubles stay in L1, and each loop over them is short enough for its
 * constants to stay in registers. */
enum { MC_BLOCK = 128 };

typedef double mc_block[MC_BLOCK] __attribute__((aligned(64)));

typedef struct mc_rows_block {
    mc_block forward, strike, years, vol, discount;
    mc_block is_call; /* 1.0 or 0.0 */
} mc_rows_block;

/* Rows first .. first + m - 1 of a column; one that all rows share is written only when `fresh`. */
static inline void mc_load_column(mc_column column, size_t first, size_t m, bool fresh,
                                  double *block)
{
    const double *data = column.data + first * column.stride;
    if (column.stride == 1 && m == MC_BLOCK) {
        memcpy(block, data, sizeof(mc_block));
    } else if (column.stride == 1 || fresh) {
        for (size_t i = 0; i < MC_BLOCK; ++i)
            block[i] = data[i < m ? i * column.stride : 0];
    }
}

static inline void mc_load_rows(const mc_option_rows *rows, size_t first, size_t m, bool fresh,
                                mc_rows_block *block)
{
    mc_load_column(rows->forward, first, m, fresh, block->forward);
    mc_load_column(rows->strike, first, m, fresh, block->strike);
    mc_load_column(rows->years, first, m, fresh, block->years);
    mc_load_column(rows->discount, first, m, fresh, block->discount);

    const uint8_t *is_call = rows->is_call + first * rows->is_call_stride;
    if (rows->is_call_stride == 1 && m == MC_BLOCK) {
        for (size_t i = 0; i < MC_BLOCK; ++i)
            block->is_call[i] = is_call[i];
    } else if (rows->is_call_stride == 1 || fresh) {
        for (size_t i = 0; i < MC_BLOCK; ++i)
            block->is_call[i] = is_call[i < m ? i * rows->is_call_stride : 0];
    }
}

#endif
