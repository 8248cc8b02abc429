/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/column.h"

#include <math.h>

#include "kernels/kernels.h"

mc_status mc_check_column(const double *x, size_t n, double low, bool strict_low, double high,
                          const char *name, mc_error *err)
{
    if (mc_kernels_used()->within(x, n, strict_low ? nextafter(low, INFINITY) : low, high))
        return MC_OK;
    for (size_t i = 0; i < n; ++i) {
        if (!mc_is_finite(x[i]))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i, "%s is not a finite number (row %zu)",
                           name, i);
        if (x[i] < low || (strict_low && x[i] == low) || x[i] > high)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "%s is out of range: %.17g (row %zu)",
                           name, x[i], i);
    }
    return MC_OK;
}
