/* elementary.h - exp, log and pow with the same bits everywhere.
 *
 * libm and NumPy differ between systems in the last bit; a discount that differs there can move a
 * cell by a quantum. Whoever makes the columns of a market makes them with these.
 *
 * ``out` may be `x` itself, else nothing overlaps. What would overflow is DBL_MAX.
 *
 * Errors: MC_ERR_ARGUMENT    a null pointer with n > 0
 *         MC_ERR_NOT_FINITE  a NaN or infinite input             (err->row)
 *         MC_ERR_DOMAIN      an x <= 0 of a logarithm or a power (err->row)
 * On error `out` is left untouched. Nothing is allocated. Error bounds: tests/c/test_elementary.c.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_ELEMENTARY_H
#define MARGIN_CORE_ELEMENTARY_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* e^x; within 1.1 ulp where the result is normal. */
MC_API MC_MUST_CHECK mc_status mc_exp_column(const double *x, size_t n, double *out, mc_error *err);

/* e^x - 1; within 2.5 ulp. */
MC_API MC_MUST_CHECK mc_status mc_expm1_column(const double *x, size_t n, double *out,
                                               mc_error *err);

/* ln(x); within 2 ulp. */
MC_API MC_MUST_CHECK mc_status mc_log_column(const double *x, size_t n, double *out, mc_error *err);

/* x^power; within 2 ulp where the result is normal. */
MC_API MC_MUST_CHECK mc_status mc_pow_column(const double *x, const double *power, size_t n,
                                             double *out, mc_error *err);

MC_END_DECLS

#endif
