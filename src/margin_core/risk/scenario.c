/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/scenario.h>

#include "kernels/column.h"
#include "kernels/fmath.h"

typedef struct rule {
    const double *column;
    double low;
    bool strict_low;
    double high;
    const char *name;
} rule;

static bool moves_nothing(const mc_scenarios *s, size_t z)
{
    for (size_t t = 0; t < s->n_terms; ++t) {
        const size_t c = t * s->n_scenarios + z;
        if (s->spot_move[c] != 0.0 || (s->basis_move != NULL && s->basis_move[c] != 0.0)
            || (s->vol_scale != NULL && s->vol_scale[c] != 1.0)
            || (s->vol_shift != NULL && s->vol_shift[c] != 0.0)
            || (s->vol_floor != NULL && s->vol_floor[c] != 0.0)
            || (s->skew_slope != NULL && s->skew_slope[c] != 0.0))
            return false;
    }
    for (size_t f = 0; f < s->n_factors; ++f)
        if (s->event_move[f * s->n_scenarios + z] != 0.0)
            return false;
    return s->horizon_years == NULL || s->horizon_years[z] == 0.0;
}

mc_status mc_scenarios_check(const mc_scenarios *s, size_t *base, mc_error *err)
{
    if (s == NULL || s->n_scenarios == 0 || s->n_terms == 0 || s->spot_move == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no scenarios, no terms or no spot moves");
    if (s->n_scenarios > INT32_MAX / s->n_terms)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "too many scenarios: %zu", s->n_scenarios);
    if (s->n_factors > INT32_MAX / s->n_scenarios)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "too many event factors: %zu", s->n_factors);
    if ((s->n_factors > 0) != (s->event_move != NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "event moves and their number do not agree");

    const rule rules[] = {
        {s->spot_move, -1.0, true, 1e3, "spot_move"},
        {s->basis_move, -1.0, true, 1e3, "basis_move"},
        {s->vol_scale, 0.0, false, 1e3, "vol_scale"},
        {s->vol_shift, -1e3, false, 1e3, "vol_shift"},
        {s->vol_floor, 0.0, false, 1e3, "vol_floor"},
        {s->skew_slope, -1e3, false, 1e3, "skew_slope"},
        {s->skew_cap, 0.0, false, 1e3, "skew_cap"},
        {s->weight, 0.0, false, 1e3, "weight"},
    };
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; ++r) {
        if (rules[r].column == NULL)
            continue;
        const mc_status status =
            mc_check_column(rules[r].column, s->n_terms * s->n_scenarios, rules[r].low,
                            rules[r].strict_low, rules[r].high, rules[r].name, err);
        if (status != MC_OK)
            return status;
    }
    mc_status status = MC_OK;
    if (s->horizon_years != NULL)
        status = mc_check_column(s->horizon_years, s->n_scenarios, 0.0, false, 1e3,
                                 "horizon_years", err);
    if (status == MC_OK && s->event_move != NULL)
        status = mc_check_column(s->event_move, s->n_factors * s->n_scenarios, -1.0, false, 1e3,
                                 "event_move", err);
    if (status != MC_OK)
        return status;

    for (size_t z = 0; z < s->n_scenarios; ++z)
        if (moves_nothing(s, z)) {
            if (base != NULL)
                *base = z;
            return MC_OK;
        }
    return mc_fail(err, MC_ERR_ARGUMENT, -1,
                   "no base scenario: one column must move nothing, so that every scan starts at 0");
}

mc_status mc_vol_term_factor(const double *years, size_t n, double days_floor, double power_short,
                             double power_long, double *factor, mc_error *err)
{
    if (years == NULL || factor == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "years or factor is missing");
    mc_status status = mc_check_column(years, n, 0.0, false, 1e3, "years", err);
    if (status == MC_OK)
        status = mc_check_column(&days_floor, 1, 0.0, true, 1e6, "days_floor", err);
    if (status == MC_OK)
        status = mc_check_column(&power_short, 1, -10.0, false, 10.0, "power_short", err);
    if (status == MC_OK)
        status = mc_check_column(&power_long, 1, -10.0, false, 10.0, "power_long", err);
    if (status != MC_OK)
        return status;

    for (size_t i = 0; i < n; ++i) {
        const double days = 365.0 * years[i];
        const double power = days < 30.0 ? power_short : power_long;
        factor[i] = mc_pow(30.0 / (days > days_floor ? days : days_floor), power);
    }
    return MC_OK;
}
