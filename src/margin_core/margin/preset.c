/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "kernels/fmath.h"
#include "kernels/preset.h"
#include "kernels/scan.h"

/* Rates and factors end here, so that no product of a few of them overflows. */
#define MOST_RATE 1e9
#define MOST_AMOUNT 1e100

/* ---- checks ------------------------------------------------------------------------------ */

/* x[0 .. n - 1] in [low, high]; a missing column is fine. */
static mc_status check_range(const double *x, size_t n, double low, double high, const char *name,
                             mc_error *err)
{
    for (size_t i = 0; x != NULL && i < n; ++i) {
        if (isnan(x[i]))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)i, "%s %zu is not a number", name, i);
        if (!(x[i] >= low && x[i] <= high))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i, "%s %zu is %g; %g to %g is allowed", name,
                           i, x[i], low, high);
    }
    return MC_OK;
}

static mc_status check_index(const int32_t *x, size_t n, int32_t low, size_t end, const char *name,
                             mc_error *err)
{
    for (size_t i = 0; i < n; ++i)
        if (x[i] < low || x[i] >= (int64_t)end)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)i, "%s %d of %zu (row %zu)", name, x[i],
                           end, i);
    return MC_OK;
}

static mc_status check_instruments(const mc_preset_columns *c, mc_error *err)
{
    if (c->n > 0
        && (c->unit == NULL || c->term == NULL || c->pair == NULL || c->is_option == NULL
            || c->value == NULL || c->base == NULL || c->mark == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a column of the instruments is missing");
    if (c->n > (size_t)1 << MC_TERM_BIT || c->n_terms > (size_t)1 << (MC_UNIT_BIT - MC_TERM_BIT)
        || c->n_units > (size_t)1 << (MC_GROUP_BIT - MC_UNIT_BIT))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%zu instruments, %zu terms, %zu units: too many",
                       c->n, c->n_terms, c->n_units);
    mc_status status = check_index(c->unit, c->n, 0, c->n_units, "unit", err);
    if (status == MC_OK)
        status = check_index(c->term, c->n, 0, c->n_terms, "term", err);
    if (status == MC_OK)
        status = check_index(c->pair, c->n, 0, c->n, "pair", err);
    for (size_t i = 1; status == MC_OK && i < c->n; ++i)
        if (mc_place_of(0, c->unit[i], c->term[i], c->pair[i])
            < mc_place_of(0, c->unit[i - 1], c->term[i - 1], c->pair[i - 1]))
            return mc_fail(err, MC_ERR_ORDER, (int64_t)i,
                           "instrument %zu is not in order of unit, term and pair", i);
    const struct { const double *x; size_t n; const char *name; } columns[] = {
        {c->value, c->n * c->n_columns, "value"}, {c->base, c->n, "base"}, {c->mark, c->n, "mark"},
        {c->delta, c->n, "delta"},
    };
    for (size_t k = 0; status == MC_OK && k < sizeof columns / sizeof *columns; ++k)
        status = check_range(columns[k].x, columns[k].n, -MOST_AMOUNT, MOST_AMOUNT, columns[k].name,
                             err);
    return status;
}

static mc_status check_columns(const mc_preset_columns *c, mc_error *err)
{
    size_t of_one = 0;
    for (size_t z = 0; c->competitor != NULL && z < c->n_columns; ++z) {
        const int32_t which = c->competitor[z], before = z > 0 ? c->competitor[z - 1] : -1;
        if (which < -1 || which >= (int64_t)c->n_competitors)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)z, "competitor %d of %zu (column %zu)",
                           which, c->n_competitors, z);
        if (which < before || which > before + 1)
            return mc_fail(err, MC_ERR_ORDER, (int64_t)z, "columns of competitors out of order");
        of_one = which >= 0 && which == before ? of_one + 1 : 1;
        if (which >= 0 && of_one > MC_PASS_LANES)
            return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)z, "a competitor of more than %d columns",
                           MC_PASS_LANES);
    }
    const int32_t last =
        c->competitor != NULL && c->n_columns > 0 ? c->competitor[c->n_columns - 1] : -1;
    if (last + 1 != (int64_t)c->n_competitors
        || (last >= 0 && (c->competitor[0] >= 0 || (c->n_terms > 0 && c->compete_rate == NULL))))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%zu competitors lack columns or rates",
                       c->n_competitors);
    const size_t by_unit = c->n_units * c->n_columns;
    const struct { const double *x; size_t n; double low, high; const char *name; } columns[] = {
        {c->weight, by_unit, 0.0, MOST_RATE, "weight"},
        {c->long_factor, c->n_terms, 0.0, MOST_RATE, "long_factor"},
        {c->short_factor, c->n_terms, 0.0, MOST_RATE, "short_factor"},
        {c->compete_rate, c->n_competitors * c->n_terms, 0.0, MOST_RATE, "compete_rate"},
        {c->dampener, by_unit, 0.0, MOST_AMOUNT, "dampener"},
        {c->gain_offset, c->n_units, 0.0, 1.0, "gain_offset"},
        {c->gain_cap, c->n_units, 0.0, INFINITY, "gain_cap"},
        {&c->core_quantum, 1, 0.0, MOST_AMOUNT, "core_quantum"},
        {&c->mm_factor, 1, 0.0, MOST_RATE, "mm_factor"},
        {&c->im_factor, 1, 0.0, MOST_RATE, "im_factor"},
    };
    mc_status status = MC_OK;
    for (size_t k = 0; status == MC_OK && k < sizeof columns / sizeof *columns; ++k)
        status = check_range(columns[k].x, columns[k].n, columns[k].low, columns[k].high,
                             columns[k].name, err);
    return status;
}

static mc_status check_rates(const mc_charge_rates *r, size_t unit, size_t charge, mc_error *err)
{
    const double values[] = {r->mm, r->im, r->ramp_slope, r->ramp_cap};
    bool good = (unsigned)r->shape < MC_CHARGE_SHAPE_END && r->n_tiers >= 0
             && r->n_tiers <= MC_MAX_TIERS && r->ramp_threshold >= 0.0
             && r->ramp_threshold <= MOST_AMOUNT;
    for (size_t v = 0; v < sizeof values / sizeof *values; ++v)
        good = good && values[v] >= 0.0 && values[v] <= MOST_RATE;
    for (int32_t t = 0; good && t < r->n_tiers; ++t)
        good = r->above[t] >= 0.0 && r->above[t] <= MOST_AMOUNT && r->multiplier[t] >= 0.0
            && r->multiplier[t] <= MOST_RATE && (t == 0 || r->above[t] > r->above[t - 1]);
    return good ? MC_OK
                : mc_fail(err, MC_ERR_DOMAIN, (int64_t)unit,
                          "charge %zu, unit %zu: a rate, tier or ramp is out of range", charge, unit);
}

static mc_status check_charge(const mc_preset_columns *c, size_t k, mc_error *err)
{
    const mc_charge *charge = &c->charges[k];
    const bool levels = charge->level != NULL;
    if ((unsigned)charge->form >= MC_CHARGE_FORM_END
        || (unsigned)charge->segment >= MC_CHARGE_SEGMENT_END
        || (unsigned)charge->role >= MC_CHARGE_ROLE_END)
        return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)k, "charge %zu: an unknown enumerator", k);
    if ((c->n > 0 && charge->weight == NULL) || (c->n_units > 0 && charge->rates == NULL)
        || (charge->n_spreads > 0 && charge->spreads == NULL)
        || (c->n > 0
            && levels != (charge->segment == MC_PER_LEVEL || charge->form == MC_CHARGE_SPREADS))
        || (levels && (charge->n_levels == 0 || charge->n_levels > MC_PRESET_SUMS)))
        return mc_fail(err, MC_ERR_ARGUMENT, (int64_t)k, "charge %zu: a column is missing", k);
    mc_status status = check_range(charge->weight, c->n, -MOST_AMOUNT, MOST_AMOUNT, "a weight", err);
    if (status == MC_OK && levels)
        status = check_index(charge->level, c->n, 0, charge->n_levels, "level", err);
    for (size_t u = 0; status == MC_OK && u < c->n_units; ++u)
        status = check_rates(&charge->rates[u], u, k, err);
    for (size_t s = 0; status == MC_OK && s < charge->n_spreads; ++s) {
        const mc_spread *spread = &charge->spreads[s];
        if (spread->level < 0 || spread->against < 0 || spread->level >= (int64_t)charge->n_levels
            || spread->against >= (int64_t)charge->n_levels)
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)s, "charge %zu: spread %zu is of level "
                           "%d against %d of %zu", k, s, spread->level, spread->against,
                           charge->n_levels);
        status = check_range(&spread->rate, 1, 0.0, MOST_RATE, "a spread's rate", err);
    }
    return status;
}

static mc_status check_combination(const mc_preset_columns *c, mc_error *err)
{
    if ((unsigned)c->combination >= MC_COMBINATION_END
        || (c->combination == MC_UNITS_CORRELATED && c->n_units > 0 && c->correlation == NULL)
        || (c->combination == MC_UNITS_CREDITS
            && ((c->n > 0 && c->delta == NULL) || (c->n_units > 0 && c->spot_move == NULL)
                || (c->n_credits > 0 && c->credits == NULL))))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the combination of units lacks a column");
    const mc_status status = check_range(&c->lambda_frac, 1, 0.0, 1.0, "lambda_frac", err);
    if (status != MC_OK || c->combination == MC_UNITS_SUM || c->combination == MC_UNITS_JOINT)
        return status;
    if (c->combination == MC_UNITS_CORRELATED)
        return check_range(c->correlation, c->n_units * c->n_units, -1.0, 1.0, "correlation", err);
    for (size_t k = 0; k < c->n_credits; ++k) {
        const mc_credit *credit = &c->credits[k];
        for (int leg = 0; leg < 2; ++leg)
            if (credit->unit[leg] < 0 || credit->unit[leg] >= (int64_t)c->n_units
                || (credit->side[leg] != 1 && credit->side[leg] != -1)
                || !(credit->ratio[leg] > 0.0 && credit->ratio[leg] <= MOST_RATE))
                return mc_fail(err, MC_ERR_DOMAIN, (int64_t)k, "leg %d of credit %zu", leg, k);
        if (!(credit->credit_frac >= 0.0 && credit->credit_frac <= 1.0))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)k, "credit %zu is %g; 0 to 1 is allowed", k,
                           credit->credit_frac);
    }
    return check_range(c->spot_move, c->n_units * c->n_columns, -1.0, MOST_RATE, "spot_move", err);
}

static mc_status check(const mc_preset_columns *c, mc_error *err)
{
    if (c == NULL || c->size != sizeof *c || (c->n_units > 0 && c->n_columns == 0))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the preset has no columns or its size is wrong");
    if (c->n_charges > 0 && c->charges == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "charges are missing");
    mc_status status = check_instruments(c, err);
    if (status == MC_OK)
        status = check_columns(c, err);
    for (size_t k = 0; status == MC_OK && k < c->n_charges; ++k)
        status = check_charge(c, k, err);
    return status == MC_OK ? check_combination(c, err) : status;
}

/* ---- lanes of columns -------------------------------------------------------------------- */

/* What every column gets as its lane; returns how many lanes that makes. */
static size_t place_columns(const mc_preset_columns *c, size_t *lane_of)
{
    size_t lane = 0;
    for (size_t z = 0; z < c->n_columns; ++z) {
        const int32_t which = c->competitor != NULL ? c->competitor[z] : -1;
        if (which >= 0 && c->competitor[z - 1] != which) {
            size_t n = 1;
            while (z + n < c->n_columns && c->competitor[z + n] == which)
                ++n;
            if (lane % MC_PASS_LANES + n > MC_PASS_LANES)
                lane += MC_PASS_LANES - lane % MC_PASS_LANES;
        }
        lane_of[z] = lane++;
    }
    return (lane + MC_LANES - 1) / MC_LANES * MC_LANES;
}

static double or_else(const double *column, size_t i, double otherwise)
{
    return column != NULL ? column[i] : otherwise;
}

static bool is_linear(const mc_preset_columns *c)
{
    bool linear = c->n_competitors == 0;
    for (size_t t = 0; t < c->n_terms; ++t)
        linear = linear && or_else(c->long_factor, t, 1.0) == 1.0
              && or_else(c->short_factor, t, 1.0) == 1.0;
    for (size_t z = 0; z < c->n_columns; ++z)
        linear = linear && (c->folds == NULL || !c->folds[z]);
    return linear;
}

static void fill_columns(mc_preset *m, const mc_preset_columns *c)
{
    for (size_t l = 0; l < m->stride; ++l) {
        const size_t z = (size_t)m->column_of[l];
        const int32_t which = c->competitor != NULL ? c->competitor[z] : -1;
        m->fold[l] = c->folds != NULL && c->folds[z] && which < 0 ? -0.0 : 0.0;
        for (size_t k = 0; k < m->n_competitors; ++k) {
            m->compete_in[k * m->stride + l] = which == (int32_t)k ? 1.0 : 0.0;
            m->compete_out[k * m->stride + l] = which == (int32_t)k ? 0.0 : INFINITY;
        }
        for (size_t u = 0; u < m->n_units; ++u) {
            m->weight[u * m->stride + l] =
                which >= 0 ? 0.0 : or_else(c->weight, u * c->n_columns + z, 1.0);
            if (m->dampener != NULL)
                m->dampener[u * m->stride + l] =
                    which >= 0 ? 0.0 : or_else(c->dampener, u * c->n_columns + z, 0.0);
        }
    }
    for (size_t u = 0; u < m->n_units; ++u) {
        m->gain_offset[u] = or_else(c->gain_offset, u, 1.0);
        m->gain_cap[u] = or_else(c->gain_cap, u, INFINITY);
    }
    for (size_t t = 0; t < m->n_terms; ++t) {
        m->factor[2 * t] = or_else(c->long_factor, t, 1.0);
        m->factor[2 * t + 1] = or_else(c->short_factor, t, 1.0);
    }
}

/* Row i: values, or what they make where no term has a rule. */
static void fill_row(mc_preset *m, const mc_preset_columns *c, size_t i)
{
    double *const row = m->table + i * m->row;
    for (size_t l = 0; l < m->stride; ++l) {
        const double value = c->value[i * c->n_columns + (size_t)m->column_of[l]];
        const double weight = m->weight[(size_t)c->unit[i] * m->stride + l];
        row[l] = m->linear ? weight * (value - c->base[i]) : value;
    }
    m->base[i] = c->base[i];
    m->term[i] = c->term[i];
    m->places[i] = mc_place_of(0, c->unit[i], c->term[i], c->pair[i]);
}

/* ---- lanes of sums ----------------------------------------------------------------------- */

typedef struct shape { double magnitude, sign, floor; } shape;

static const shape MAGNITUDE = {1.0, 0.0, -INFINITY}, SIGNED = {0.0, 1.0, -INFINITY},
                   LONG_SIGNED = {0.0, 1.0, 0.0}, POSITIVE = {0.5, 0.5, -INFINITY},
                   NEGATIVE = {0.5, -0.5, -INFINITY};

static const int ENDS_WITH[] = {
    [MC_PER_INSTRUMENT] = MC_NOTHING, [MC_PER_PAIR] = MC_PAIR, [MC_PER_TERM] = MC_TERM,
    [MC_PER_LEVEL] = MC_UNIT, [MC_PER_UNIT] = MC_UNIT,
};

static void add_sum(mc_preset *m, size_t *sum, shape s, int end)
{
    m->magnitude[*sum] = s.magnitude;
    m->sign[*sum] = s.sign;
    m->floor[*sum] = s.floor;
    for (int e = end; e < MC_ENDS; ++e)
        m->over[e][*sum] = UINT64_MAX;
    ++*sum;
}

/* Weights in the lane of a sum: of one level, or all; of options alone, or all. */
static void fill_sum(mc_preset *m, const mc_preset_columns *c, size_t sum, const double *weight,
                     const int32_t *level, size_t wanted, bool options)
{
    for (size_t i = 0; weight != NULL && i < m->n_instruments; ++i)
        if ((level == NULL || (size_t)level[i] == wanted) && (!options || c->is_option[i]))
            m->table[i * m->row + m->stride + sum] = weight[i];
}

static void place_charge(mc_preset *m, const mc_preset_columns *c, size_t k, size_t *sum)
{
    const mc_charge *from = &c->charges[k];
    mc_preset_charge *to = &m->charges[k];
    const int32_t *const level = from->level;
    const int end = ENDS_WITH[from->segment];
    to->form = from->form;
    to->role = from->role;
    to->first_sum = *sum;
    to->n_levels = level != NULL ? from->n_levels : 1;
    const size_t n_halves = from->form == MC_CHARGE_SPREADS ? 2 : 1;
    for (size_t l = 0; l < to->n_levels && from->form != MC_CHARGE_LEAST_NET; ++l)
        for (size_t half = 0; half < n_halves; ++half) {
            fill_sum(m, c, *sum, from->weight, level, l, false);
            if (from->form == MC_CHARGE_SPREADS)
                add_sum(m, sum, half == 0 ? POSITIVE : NEGATIVE, MC_TERM);
            else
                add_sum(m, sum, from->form == MC_CHARGE_SHORT ? NEGATIVE : MAGNITUDE, end);
        }
    if (from->form == MC_CHARGE_HEDGED) {
        fill_sum(m, c, *sum, from->weight, NULL, 0, false);
        add_sum(m, sum, MAGNITUDE, MC_UNIT);
    } else if (from->form == MC_CHARGE_LEAST_NET) {
        fill_sum(m, c, *sum, from->weight, NULL, 0, false);
        add_sum(m, sum, SIGNED, MC_UNIT);
        fill_sum(m, c, *sum, from->weight, NULL, 0, true);
        add_sum(m, sum, LONG_SIGNED, MC_UNIT);
    }
}

static size_t sums_of(const mc_charge *charge)
{
    const size_t levels = charge->level != NULL ? charge->n_levels : 1;
    static const size_t more[] = {[MC_CHARGE_HEDGED] = 1, [MC_CHARGE_LEAST_NET] = 1,
                                  [MC_CHARGE_SPREADS] = 0};
    return charge->form == MC_CHARGE_SPREADS ? 2 * levels : levels + more[charge->form];
}

static void fill_sums(mc_preset *m, const mc_preset_columns *c)
{
    size_t sum = 0;
    const struct { const double *weight; bool options; } own[MC_OWN_SUMS] = {
        [MC_SUM_MARK] = {c->mark, false}, [MC_SUM_OPTIONS] = {c->mark, true},
        [MC_SUM_DELTA] = {c->delta, false},
    };
    for (size_t k = 0; k < MC_OWN_SUMS; ++k) {
        fill_sum(m, c, sum, own[k].weight, NULL, 0, own[k].options);
        add_sum(m, &sum, SIGNED, MC_UNIT);
    }
    for (size_t k = 0; k < m->n_charges; ++k)
        place_charge(m, c, k, &sum);
}

/* ---- the table --------------------------------------------------------------------------- */

/* What a row can make of 1.0, rules of terms included. */
static void bound_rows(mc_preset *m, const mc_preset_columns *c)
{
    double factor = 1.0;
    for (size_t t = 0; t < 2 * m->n_terms; ++t)
        factor = mc_max(factor, m->factor[t]);
    for (size_t l = 0; l < m->n_units * m->stride; ++l)
        factor = mc_max(factor, m->weight[l]);
    for (size_t k = 0; k < m->n_competitors * m->n_terms; ++k)
        factor = mc_max(factor, m->compete_rate[k]);
    for (size_t i = 0; i < m->n_instruments; ++i) {
        double largest = fabs(c->base[i]);
        for (size_t l = 0; l < m->row; ++l)
            largest = mc_max(largest, fabs(m->table[i * m->row + l]));
        m->largest[i] = largest * factor;
        m->most = mc_max(m->most, m->largest[i]);
    }
}

/* n items, copied from a column where there is one. */
static void *copied(const void *from, size_t n, size_t size)
{
    void *const to = mc_alloc(n, size);
    if (to != NULL && from != NULL && n > 0)
        memcpy(to, from, n * size);
    return to;
}

static bool allocate_charges(mc_preset *m, const mc_preset_columns *c)
{
    m->charges = mc_alloc(c->n_charges, sizeof *m->charges);
    if (m->charges == NULL)
        return false;
    m->n_charges = c->n_charges;
    bool good = true;
    for (size_t k = 0; k < c->n_charges; ++k) {
        const mc_charge *charge = &c->charges[k];
        m->charges[k].rates = copied(charge->rates, c->n_units, sizeof *charge->rates);
        m->charges[k].spreads = copied(charge->spreads, charge->n_spreads, sizeof *charge->spreads);
        m->charges[k].n_spreads = charge->n_spreads;
        good = good && m->charges[k].rates != NULL && m->charges[k].spreads != NULL;
    }
    return good;
}

static bool allocate(mc_preset *m, const mc_preset_columns *c, size_t n_sums)
{
    const bool adjusts = c->dampener != NULL || c->gain_offset != NULL || c->gain_cap != NULL;
    size_t *const lane_of = mc_alloc(c->n_columns, sizeof *lane_of);
    if (lane_of == NULL)
        return false;
    m->n_instruments = c->n;
    m->n_units = c->n_units;
    m->n_terms = c->n_terms;
    m->n_columns = c->n_columns;
    m->n_competitors = c->n_competitors;
    m->stride = place_columns(c, lane_of);
    m->n_sums = (n_sums + MC_LANES - 1) / MC_LANES * MC_LANES;
    m->row = m->stride + m->n_sums;
    m->column_of = mc_alloc(m->stride, sizeof *m->column_of);
    m->lane = mc_alloc(c->n_competitors, sizeof *m->lane);
    for (size_t z = c->n_columns; m->column_of != NULL && m->lane != NULL && z-- > 0;) {
        m->column_of[lane_of[z]] = (int32_t)z;
        if (c->competitor != NULL && c->competitor[z] >= 0)
            m->lane[c->competitor[z]] = (int32_t)lane_of[z];
        else if (m->n_scanned == 0)
            m->n_scanned = z + 1;
    }
    mc_free(lane_of);

    const size_t by_lane = m->n_units * m->stride, by_competitor = m->n_competitors * m->stride;
    m->table = mc_alloc(m->n_instruments * m->row, sizeof *m->table);
    m->places = mc_alloc(m->n_instruments, sizeof *m->places);
    m->term = mc_alloc(m->n_instruments, sizeof *m->term);
    m->base = mc_alloc(m->n_instruments, sizeof *m->base);
    m->largest = mc_alloc(m->n_instruments, sizeof *m->largest);
    m->factor = mc_alloc(2 * m->n_terms, sizeof *m->factor);
    m->weight = mc_alloc(by_lane, sizeof *m->weight);
    m->fold = mc_alloc(m->stride, sizeof *m->fold);
    m->compete_rate = copied(c->compete_rate, c->n_competitors * c->n_terms, sizeof(double));
    m->compete_in = mc_alloc(by_competitor, sizeof *m->compete_in);
    m->compete_out = mc_alloc(by_competitor, sizeof *m->compete_out);
    m->dampener = adjusts ? mc_alloc(by_lane, sizeof *m->dampener) : NULL;
    m->gain_offset = mc_alloc(m->n_units, sizeof *m->gain_offset);
    m->gain_cap = mc_alloc(m->n_units, sizeof *m->gain_cap);
    m->correlation = c->combination == MC_UNITS_CORRELATED
                       ? copied(c->correlation, m->n_units * m->n_units, sizeof(double))
                       : mc_alloc(0, sizeof(double));
    const bool credits = c->combination == MC_UNITS_CREDITS;
    m->n_credits = credits ? c->n_credits : 0;
    m->credits = copied(c->credits, m->n_credits, sizeof *m->credits);
    m->spot_move = credits ? copied(c->spot_move, m->n_units * m->n_columns, sizeof(double))
                           : mc_alloc(0, sizeof(double));
    const void *const all[] = {
        m->column_of, m->lane, m->table, m->places, m->term, m->base, m->largest, m->factor,
        m->weight, m->fold, m->compete_rate, m->compete_in, m->compete_out, m->gain_offset,
        m->gain_cap, m->correlation, m->credits, m->spot_move,
    };
    bool good = !adjusts || m->dampener != NULL;
    for (size_t k = 0; k < sizeof all / sizeof *all; ++k)
        good = good && all[k] != NULL;
    return good && allocate_charges(m, c);
}

mc_status mc_preset_create(const mc_preset_columns *columns, mc_preset **out, mc_error *err)
{
    if (out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the preset");
    const mc_status status = check(columns, err);
    if (status != MC_OK)
        return status;
    size_t n_sums = 0;
    for (size_t k = 0; k < columns->n_charges; ++k)
        n_sums += sums_of(&columns->charges[k]);
    if (n_sums > MC_PRESET_SUMS)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "charges take %zu sums; %d are allowed", n_sums,
                       MC_PRESET_SUMS);
    mc_preset *const m = mc_alloc(1, sizeof *m);
    if (m == NULL || !allocate(m, columns, MC_OWN_SUMS + n_sums)) {
        mc_preset_destroy(m);
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for a preset of %zu instruments",
                       columns->n);
    }
    m->linear = is_linear(columns);
    fill_columns(m, columns);
    for (size_t i = 0; i < m->n_instruments; ++i)
        fill_row(m, columns, i);
    fill_sums(m, columns);
    bound_rows(m, columns);
    m->core_quantum = columns->core_quantum;
    m->combination = columns->combination;
    m->lambda = columns->lambda_frac;
    m->factors[0] = columns->mm_factor;
    m->factors[1] = columns->im_factor;
    *out = m;
    return MC_OK;
}

void mc_preset_destroy(mc_preset *m)
{
    if (m == NULL)
        return;
    for (size_t k = 0; m->charges != NULL && k < m->n_charges; ++k) {
        mc_free(m->charges[k].rates);
        mc_free(m->charges[k].spreads);
    }
    void *const all[] = {
        m->column_of, m->lane, m->table, m->places, m->term, m->base, m->largest, m->factor,
        m->weight, m->fold, m->compete_rate, m->compete_in, m->compete_out, m->dampener,
        m->gain_offset, m->gain_cap, m->correlation, m->credits, m->spot_move, m->charges, m,
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; ++k)
        mc_free(all[k]);
}
