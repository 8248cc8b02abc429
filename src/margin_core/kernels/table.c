/* The copy's own table; compiled with the kernels, once per instruction set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"

#define MC_TEXT_(word) #word
#define MC_TEXT(word) MC_TEXT_(word)

void MC_KERNEL(mc_black76)(const mc_option_rows *, const mc_greeks *, size_t, size_t);
void MC_KERNEL(mc_bachelier)(const mc_option_rows *, const mc_greeks *, size_t, size_t);
void MC_KERNEL(mc_implied_vol)(const mc_option_rows *, mc_column, double *, size_t, size_t);
bool MC_KERNEL(mc_has_vol)(const mc_option_rows *, mc_column, size_t, size_t);
bool MC_KERNEL(mc_within)(const double *, size_t, double, double);
void MC_KERNEL(mc_logarithms)(const double *, size_t, double *);
void MC_KERNEL(mc_reprice)(const mc_reprice *, size_t, size_t);
void MC_KERNEL(mc_scan)(const mc_scan_job *, size_t, size_t);
void MC_KERNEL(mc_shares)(const mc_shares_job *, size_t, size_t);
void MC_KERNEL(mc_sweep)(const mc_sweep_job *, mc_sweep_scratch *, size_t, size_t);
void MC_KERNEL(mc_preset_walk)(const mc_preset *, const mc_book_columns *, size_t,
                               mc_preset_scratch *);
void MC_KERNEL(mc_volatility)(const mc_vol_job *, size_t, size_t);
void MC_KERNEL(mc_thresholds)(const mc_threshold_job *, size_t, size_t);

extern const mc_kernels MC_KERNEL(mc_kernels);

const mc_kernels MC_KERNEL(mc_kernels) = {
    .isa = MC_TEXT(MC_ISA),
    .black76 = MC_KERNEL(mc_black76),
    .bachelier = MC_KERNEL(mc_bachelier),
    .implied_vol = MC_KERNEL(mc_implied_vol),
    .logarithms = MC_KERNEL(mc_logarithms),
    .reprice = MC_KERNEL(mc_reprice),
    .scan = MC_KERNEL(mc_scan),
    .shares = MC_KERNEL(mc_shares),
    .sweep = MC_KERNEL(mc_sweep),
    .preset_walk = MC_KERNEL(mc_preset_walk),
    .volatility = MC_KERNEL(mc_volatility),
    .thresholds = MC_KERNEL(mc_thresholds),
    .has_vol = MC_KERNEL(mc_has_vol),
    .within = MC_KERNEL(mc_within),
};
