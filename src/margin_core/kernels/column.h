/* kernels/column.h - what every stage asks of a column at its door. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_COLUMN_H
#define MC_KERNELS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "base/status.h"

/* Every x[i] finite and low <= x[i] <= high, or MC_ERR_NOT_FINITE or MC_ERR_DOMAIN with the
 * first row at fault and `name` in the message. `strict_low`: low itself is not legal. */
mc_status mc_check_column(const double *x, size_t n, double low, bool strict_low, double high,
                          const char *name, mc_error *err);

#endif
