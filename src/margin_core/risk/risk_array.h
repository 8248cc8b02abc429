/* risk/risk_array.h - what a risk array is made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_RISK_RISK_ARRAY_H
#define MC_RISK_RISK_ARRAY_H

#include <margin_core/risk_array.h>

struct mc_risk_array {
    mc_risk_view view;
    double largest; /* |cell| over the whole array */
    double *cells;
    double *columns; /* the per-lot columns of the view, one after the other; NULL if adopted */
};

#endif
