/* kernels/kernels.h - the inner loops, one table of functions per instruction set.
 *
 * A kernel source is plain C, compiled once per copy with MC_ISA set to the copy's name;
 * MC_KERNEL(f) is that copy's own f. Kernels trust their arguments: the stages check.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_KERNELS_H
#define MC_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <margin_core/pricing.h>

#define MC_JOIN_(a, b) a##_##b
#define MC_JOIN(a, b) MC_JOIN_(a, b)
#define MC_KERNEL(name) MC_JOIN(name, MC_ISA)

typedef struct mc_kernels {
    const char *isa;
    /* Rows first .. first + n - 1; already checked. */
    void (*black76)(const mc_option_rows *rows, const mc_greeks *greeks, size_t first, size_t n);
    void (*bachelier)(const mc_option_rows *rows, const mc_greeks *greeks, size_t first, size_t n);
    void (*implied_vol)(const mc_option_rows *rows, mc_column price, double *vol, size_t first,
                        size_t n);
    /* Has every row's price a volatility? */
    bool (*has_vol)(const mc_option_rows *rows, mc_column price, size_t first, size_t n);
    /* low <= x[i] <= high for all i? Not where one is NaN. */
    bool (*within)(const double *x, size_t n, double low, double high);
} mc_kernels;

/* The copy in use. */
const mc_kernels *mc_kernels_used(void);

/* The i-th copy that this processor can run, worst first; NULL past the last. */
const mc_kernels *mc_kernels_at(size_t i);

#endif
