/* risk/risk_array.h - what a risk array is made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_RISK_RISK_ARRAY_H
#define MC_RISK_RISK_ARRAY_H

#include <margin_core/risk_array.h>

struct mc_risk_array {
    mc_risk_view view;
    double largest; /* |cell| over the whole array */
    double *cells;
    size_t base;         /* a scenario where every cell is 0; n_scenarios if there is none */
    /* The cells again, as scans read them: the base left out, rows padded to whole lanes with
     * their first cell. NULL where they do not all fit, or there is no base. */
    int32_t *moves;      /* [n_instruments * moves_stride] */
    size_t moves_stride; /* a multiple of 8 */
    double *columns; /* the per-lot columns of the view, one after the other; NULL if adopted */
};

/* mc_risk_array_create without asking what a lot is worth: lots were chosen at another price. */
mc_status mc_risk_array_moved(const mc_instruments *instruments, const mc_market *market,
                              const mc_scenarios *scenarios, const double *lot,
                              const mc_risk_options *options, mc_risk_array **out, mc_error *err);

/* V_i in USD, the value of 1.0 coin, of at most MC_REPRICE_MOST instruments from `first` on. */
void mc_values_now(const mc_instruments *instruments, const mc_market *market, size_t first,
                   size_t n, double *value);

#endif
