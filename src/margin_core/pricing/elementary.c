/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>

#include <margin_core/elementary.h>

#include "kernels/column.h"
#include "kernels/fmath.h"

static mc_status check(const double *x, size_t n, double low, bool strict_low, const char *name,
                       const double *out, mc_error *err)
{
    if (n > 0 && (x == NULL || out == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%s or the result is NULL", name);
    return mc_check_column(x, n, low, strict_low, DBL_MAX, name, err);
}

mc_status mc_exp_column(const double *x, size_t n, double *out, mc_error *err)
{
    const mc_status status = check(x, n, -DBL_MAX, false, "x", out, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i)
        out[i] = mc_saturate(mc_exp(x[i]));
    return MC_OK;
}

mc_status mc_expm1_column(const double *x, size_t n, double *out, mc_error *err)
{
    const mc_status status = check(x, n, -DBL_MAX, false, "x", out, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i) /* beyond 40 the 1 is less than half an ulp */
        out[i] = x[i] > 40.0 ? mc_saturate(mc_exp(x[i])) : mc_expm1_decay(x[i]);
    return MC_OK;
}

mc_status mc_log_column(const double *x, size_t n, double *out, mc_error *err)
{
    const mc_status status = check(x, n, 0.0, true, "x", out, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i)
        out[i] = mc_log(x[i]);
    return MC_OK;
}

/* mc_pow wants a logarithm of the result that a double's exponent can hold. */
static double power_of(double x, double p)
{
    const double log = p * mc_log(x);
    return log > 710.0 ? DBL_MAX : log < -746.0 ? 0.0 : mc_saturate(mc_pow(x, p));
}

mc_status mc_pow_column(const double *x, const double *power, size_t n, double *out, mc_error *err)
{
    mc_status status = check(x, n, 0.0, true, "x", out, err);
    if (status == MC_OK)
        status = check(power, n, -DBL_MAX, false, "power", out, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i)
        out[i] = power_of(x[i], power[i]);
    return MC_OK;
}
