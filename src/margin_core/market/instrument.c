/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>

#include <margin_core/instrument.h>

#include "kernels/column.h"

static bool is_option(uint8_t kind)
{
    return kind == MC_CALL || kind == MC_PUT;
}

static mc_status check_numbering(const mc_instruments *in, mc_error *err)
{
    for (size_t i = 0; i < in->n; ++i) {
        const int64_t row = (int64_t)i;
        if (in->unit[i] < 0 || (size_t)in->unit[i] >= in->n_units)
            return mc_fail(err, MC_ERR_INSTRUMENT, row, "unit %d of %zu (instrument %zu)",
                           in->unit[i], in->n_units, i);
        if (in->term[i] < 0 || (size_t)in->term[i] >= in->n_terms)
            return mc_fail(err, MC_ERR_INSTRUMENT, row, "term %d of %zu (instrument %zu)",
                           in->term[i], in->n_terms, i);
        if (in->kind[i] >= MC_KIND_END)
            return mc_fail(err, MC_ERR_ARGUMENT, row, "unknown kind %d (instrument %zu)",
                           in->kind[i], i);
        if (i == 0)
            continue;

        const bool same_term = in->term[i] == in->term[i - 1];
        if (in->unit[i] < in->unit[i - 1] || in->term[i] < in->term[i - 1])
            return mc_fail(err, MC_ERR_ORDER, row,
                           "instruments must rise by unit and term (instrument %zu)", i);
        if (same_term && in->unit[i] != in->unit[i - 1])
            return mc_fail(err, MC_ERR_ORDER, row, "term %d is in two units (instrument %zu)",
                           in->term[i], i);
        if (same_term && in->strike[i] < in->strike[i - 1])
            return mc_fail(err, MC_ERR_ORDER, row,
                           "strikes must rise within a term (instrument %zu)", i);
        if (same_term && in->strike[i] == in->strike[i - 1] && in->kind[i] < in->kind[i - 1])
            return mc_fail(err, MC_ERR_ORDER, row,
                           "kinds must rise within a strike (instrument %zu)", i);
    }
    return MC_OK;
}

mc_status mc_instruments_check(const mc_instruments *in, mc_error *err)
{
    if (in == NULL || in->n == 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no instruments");
    if (in->n > INT32_MAX || in->n_units > INT32_MAX || in->n_terms > INT32_MAX)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "more instruments, units or terms than 2^31 - 1");
    if (in->unit == NULL || in->term == NULL || in->kind == NULL || in->strike == NULL
        || in->contract_size == NULL || in->step == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a column of the instruments is missing");

    mc_status status = mc_check_column(in->strike, in->n, 0.0, false, DBL_MAX, "strike", err);
    if (status == MC_OK)
        status = mc_check_column(in->contract_size, in->n, 0.0, true, 1e18, "contract_size", err);
    if (status == MC_OK)
        status = mc_check_column(in->step, in->n, 0.0, true, 1e18, "step", err);
    if (status == MC_OK)
        status = check_numbering(in, err);
    for (size_t i = 0; status == MC_OK && i < in->n; ++i)
        if (is_option(in->kind[i]) != (in->strike[i] > 0.0))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                           "options have a strike above 0, others have none (instrument %zu)", i);
    return status;
}
