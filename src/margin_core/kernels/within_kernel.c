/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"

bool MC_KERNEL(mc_within)(const double *x, size_t n, double low, double high);

bool MC_KERNEL(mc_within)(const double *x, size_t n, double low, double high)
{
    uint64_t outside = 0;
    for (size_t i = 0; i < n; ++i)
        outside |= ((x[i] >= low) & (x[i] <= high)) ? UINT64_C(0) : UINT64_C(1); /* NaN too */
    return outside == 0;
}
