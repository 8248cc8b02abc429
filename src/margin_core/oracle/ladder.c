/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/oracle.h"

mc_status mc_ladder_check(const mc_ladder *ladder, mc_error *err)
{
    if (ladder->n_classes < 1 || ladder->n_classes > MC_MAX_CLASSES)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%zu classes; 1 to %d are possible",
                       ladder->n_classes, MC_MAX_CLASSES);
    for (size_t c = 0; c < ladder->n_classes; ++c) {
        const bool last = c + 1 == ladder->n_classes;
        if (ladder->when[c] >= MC_WHY_END || (ladder->when[c] == 0) != last)
            return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)c,
                           "class %zu: the last class has no reasons, every other has some", c);
        for (int a = 0; a < MC_ACTIONS; ++a)
            if (ladder->at[c][a] > MC_AT_FAVOURABLE)
                return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)c, "class %zu: no such price: %d", c,
                               ladder->at[c][a]);
    }
    return MC_OK;
}

int32_t mc_class_of(const mc_ladder *ladder, uint32_t reasons)
{
    size_t c = 0;
    while (c + 1 < ladder->n_classes && (ladder->when[c] & reasons) == 0)
        ++c;
    return (int32_t)c;
}

/* The edge that makes a holding worth less, or with `most` more. */
static double edge(const mc_oracle_reading *r, bool owed, bool most)
{
    const bool high = owed != most;
    const double band = high ? r->high : r->low;
    if (r->stable <= 0.0)
        return band;
    return high == (band > r->stable) ? band : r->stable;
}

mc_status mc_oracle_prices(const mc_ladder *ladder, const mc_oracle_reading *readings,
                           const double *owned, size_t n, mc_action action, uint8_t *allowed,
                           double *price, mc_error *err)
{
    if (ladder == NULL || readings == NULL || owned == NULL || allowed == NULL || price == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a ladder, a reading or a column is missing");
    if ((int)action < 0 || action >= MC_ACTIONS)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no such action: %d", (int)action);
    const mc_status status = mc_ladder_check(ladder, err);
    if (status != MC_OK)
        return status;
    for (size_t i = 0; i < n; ++i) {
        if (!mc_is_finite(owned[i]))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i, "owned is not a number (row %zu)",
                           i);
        if (readings[i].validity < 0 || (size_t)readings[i].validity >= ladder->n_classes)
            return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)i, "a reading of another ladder (row %zu)",
                           i);
    }
    for (size_t i = 0; i < n; ++i) {
        const mc_oracle_reading *r = &readings[i];
        const int at = ladder->at[r->validity][action];
        const bool owed = owned[i] < 0.0;
        allowed[i] = at != MC_AT_NOTHING && r->price > 0.0;
        price[i] = at == MC_AT_MID ? r->price : edge(r, owed, at == MC_AT_FAVOURABLE);
    }
    return MC_OK;
}
