/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include <margin_core/liquidation_price.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/threads.h"
#include "kernels/column.h"
#include "kernels/fmath.h"
#include "kernels/kernels.h"
#include "margin/book.h"
#include "risk/risk_array.h"

enum { ACCOUNTS_PER_BLOCK = 16, MOST_STEPS = 1000, SIDES = 2 };

/* A margin table of the whole market serves every account at one price; one of an account's own
 * instruments costs about as much as so many rows of it. The bits are the same. */
enum { ROWS_PER_ACCOUNT = 32 };

#define MOST_MOVE 1000.0

/* ---- a market that moves ----------------------------------------------------------------- */

/* The whole market with its book, or one account with what it holds. */
typedef struct world {
    mc_margin_inputs inputs;
    mc_instruments instruments;
    mc_market market;         /* index, forward and mark are the moved ones below */
    mc_risk_options options;
    int32_t unit;
    double index_usd;         /* of the unit, today                               */
    size_t first, count;      /* the unit's instruments                           */
    const double *index_now, *forward_now, *mark_now;
    double *index, *forward, *mark; /* [n_units], [n], [n]                         */
    double *value;            /* [n] of options, today                            */
    mc_book book;             /* whose cash moves                                 */
    const int64_t *cash_now, *follows; /* [n_accounts] or NULL                     */
    int64_t *cash;            /* [n_accounts] or NULL                             */
} world;

static bool is_option(const mc_instruments *in, size_t i)
{
    return in->kind[i] == MC_CALL || in->kind[i] == MC_PUT;
}

static void find_unit(world *w)
{
    const mc_instruments *in = &w->instruments;
    while (w->first < in->n && in->unit[w->first] < w->unit)
        ++w->first;
    while (w->first + w->count < in->n && in->unit[w->first + w->count] == w->unit)
        ++w->count;
}

/* Values of the unit's instruments in the market as it stands. */
static void value_unit(const world *w, double *value)
{
    for (size_t k = 0; k < w->count; k += MC_REPRICE_MOST) {
        const size_t left = w->count - k;
        mc_values_now(&w->instruments, &w->market, w->first + k,
                      left < MC_REPRICE_MOST ? left : MC_REPRICE_MOST, value + w->first + k);
    }
}

/* What a mark becomes: that of an option by the change of its value, from its own; that of an
 * inverse contract is its size over the basis, which stays. */
static double moved_mark(const world *w, size_t i, double scale, double value)
{
    const mc_instruments *in = &w->instruments;
    const double mark = w->mark_now[i];
    const bool inverse = in->kind[i] != MC_SPOT && in->inverse != NULL && in->inverse[i];
    if (!is_option(in, i))
        return inverse ? mark : mark * scale;
    const double quote = !inverse && w->market.quote_usd != NULL ? w->market.quote_usd[i] : 1.0;
    const double moved = fma((value - w->value[i]) * quote, in->contract_size[i], mark);
    return mark >= 0.0 && moved < 0.0 ? 0.0 : moved; /* a mark below the model's value */
}

static void move_to(world *w, double price_usd, double *value)
{
    const double scale = price_usd / w->index_usd;
    w->index[w->unit] = price_usd;
    for (size_t i = w->first; i < w->first + w->count; ++i)
        w->forward[i] = w->forward_now[i] * scale;
    value_unit(w, value);
    for (size_t i = w->first; i < w->first + w->count; ++i)
        w->mark[i] = moved_mark(w, i, scale, value[i]);
    for (size_t a = 0; w->follows != NULL && a < w->book.columns.n_accounts; ++a)
        w->cash[a] = w->cash_now[a] - w->follows[a] + (int64_t)floor((double)w->follows[a] * scale);
}

/* Equity less MM of a range at a price, in quanta; `value` is room for [n]. */
static mc_status excess_at(world *w, const mc_range *range, double price_usd, double *value,
                           int64_t *equity, int64_t *mm, mc_error *err)
{
    const mc_margin_inputs *in = &w->inputs;
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    move_to(w, price_usd, value);
    mc_status status = mc_risk_array_moved(&w->instruments, &w->market, in->scenarios, in->lot,
                                           &w->options, &risk, err);
    if (status == MC_OK)
        status = mc_margin_create(risk, &w->instruments, &w->market, in->model, &margin, err);
    if (status == MC_OK)
        status = mc_sweep(margin, &w->book, range, in->sides, in->owners,
                          &(mc_standing){.equity = equity, .mm = mm}, err);
    for (size_t a = 0; status == MC_OK && a < range->count; ++a)
        equity[a] -= mm[a];
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
    return status;
}

/* ---- memory ------------------------------------------------------------------------------ */

typedef struct arena {
    char *memory;
    size_t used;
} arena;

/* A piece in cache lines of its own; NULL while sizes are only counted. */
static void *deal(arena *a, size_t n, size_t size)
{
    char *const piece = a->memory != NULL ? a->memory + a->used : NULL;
    a->used += (n * size / MC_ALIGNMENT + 1) * MC_ALIGNMENT;
    return piece;
}

static void deal_moving(arena *a, world *w, size_t n, size_t n_units, size_t n_accounts)
{
    w->index = deal(a, n_units, sizeof *w->index);
    w->forward = deal(a, n, sizeof *w->forward);
    w->mark = deal(a, n, sizeof *w->mark);
    w->value = deal(a, n, sizeof *w->value);
    w->cash = w->follows != NULL ? deal(a, n_accounts, sizeof *w->cash) : NULL;
}

/* From here on the world's market is its moving columns, still at today's numbers. */
static void start(world *w)
{
    const mc_instruments *in = &w->instruments;
    memcpy(w->index, w->index_now, in->n_units * sizeof *w->index);
    memcpy(w->forward, w->forward_now, in->n * sizeof *w->forward);
    memcpy(w->mark, w->mark_now, in->n * sizeof *w->mark);
    w->market.index_usd = w->index;
    w->market.forward_usd = w->forward;
    w->market.mark_usd = w->mark;
    w->inputs.instruments = &w->instruments;
    w->inputs.market = &w->market;
    if (w->follows != NULL)
        w->book.columns.cash = w->cash;
    find_unit(w);
    value_unit(w, w->value);
}

/* ---- the search -------------------------------------------------------------------------- */

/* One side of one account. Distances are ticks from `origin`, where today's price counts as 0. */
typedef struct side {
    int64_t near, far;        /* not liquidatable, and liquidatable; far 0: not yet seen  */
    int64_t near_excess, far_excess;
    size_t looks;             /* of the grid that are done                                */
} side;

typedef struct search {
    const mc_price_search *asked;
    int64_t origin[SIDES];
    size_t n_looks[SIDES];
    int64_t *look[SIDES];     /* distances, rising                                        */
} search;

static double price_of(const search *s, int which, int64_t distance)
{
    const int64_t tick = which == 0 ? s->origin[0] - distance : s->origin[1] + distance;
    return (double)tick / s->asked->ticks_per_usd;
}

static void make_looks(search *s, double index_usd)
{
    const double today = index_usd * s->asked->ticks_per_usd;
    const double least = mc_max(ceil(today * (1.0 + s->asked->least_move)), 1.0);
    const double most = floor(today * (1.0 + s->asked->most_move));
    const double end[SIDES] = {least, most};
    s->origin[0] = (int64_t)ceil(today);
    s->origin[1] = (int64_t)floor(today);
    for (int which = 0; which < SIDES; ++which) {
        const double reach = mc_log_ratio(end[which] > 0.0 ? end[which] : 1.0, today);
        const int64_t furthest = which == 0 ? s->origin[0] - (int64_t)end[0]
                                            : (int64_t)end[1] - s->origin[1];
        int64_t last = 0;
        s->n_looks[which] = 0;
        for (size_t k = 1; k <= s->asked->n_steps; ++k) {
            const double price = today * mc_exp(reach * (double)k / (double)s->asked->n_steps);
            const int64_t tick = (int64_t)rint(price);
            int64_t at = which == 0 ? s->origin[0] - tick : tick - s->origin[1];
            at = k == s->asked->n_steps || at > furthest ? furthest : at;
            if (at > last)
                s->look[which][s->n_looks[which]++] = last = at;
        }
    }
}

static void saw(side *s, int64_t distance, int64_t excess)
{
    if (excess < 0) {
        s->far = distance;
        s->far_excess = excess;
    } else {
        s->near = distance;
        s->near_excess = excess;
    }
}

static bool is_looking(const search *s, int which, const side *x)
{
    return x->far == 0 && x->looks < s->n_looks[which];
}

/* ---- every account at once, on the grid -------------------------------------------------- */

/* Goes on until no account looks any more. Where the whole market cannot be margined at a price
 * (a rate or somebody's sums past the bound), accounts go on alone: theirs may well be. */
static mc_status look_together(world *w, const search *s, const mc_range *range, side *sides,
                               mc_error *err)
{
    double *const value = mc_alloc(w->instruments.n, sizeof *value);
    int64_t *const excess = mc_alloc(2 * range->count, sizeof *excess);
    mc_status status = MC_OK;
    if (value == NULL || excess == NULL)
        status = mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu accounts", range->count);
    for (int which = 0; status == MC_OK && which < SIDES; ++which)
        for (size_t k = 0; status == MC_OK && k < s->n_looks[which]; ++k) {
            bool looking = false;
            for (size_t a = 0; !looking && a < range->count; ++a)
                looking = is_looking(s, which, &sides[a * SIDES + which]);
            if (!looking)
                break;
            const int64_t at = s->look[which][k];
            mc_error here;
            status = excess_at(w, range, price_of(s, which, at), value, excess,
                               excess + range->count, &here);
            if (status == MC_ERR_MEMORY && err != NULL)
                *err = here;
            for (size_t a = 0; status == MC_OK && a < range->count; ++a) {
                side *const x = &sides[a * SIDES + which];
                if (is_looking(s, which, x)) {
                    saw(x, at, excess[a]);
                    ++x->looks;
                }
            }
        }
    mc_free(value);
    mc_free(excess);
    return status == MC_ERR_MEMORY ? status : MC_OK;
}

/* ---- one account, with what it holds ----------------------------------------------------- */

/* Rows of the market that the account holds or has orders for, rising; their number. */
static size_t rows_of(const mc_book_columns *c, size_t a, int32_t extra, int32_t *rows)
{
    int64_t p = c->offset[a], o = 0, orders_end = 0;
    const int64_t end = c->offset[a + 1];
    if (c->order_offset != NULL) {
        o = c->order_offset[a];
        orders_end = c->order_offset[a + 1];
    }
    size_t n = 0;
    while (p < end || o < orders_end || extra >= 0) {
        int32_t row = extra >= 0 ? extra : INT32_MAX;
        if (p < end && c->instrument[p] < row)
            row = c->instrument[p];
        if (o < orders_end && c->order_instrument[o] < row)
            row = c->order_instrument[o];
        rows[n++] = row;
        while (p < end && c->instrument[p] == row)
            ++p;
        while (o < orders_end && c->order_instrument[o] == row)
            ++o;
        if (row == extra)
            extra = -1;
    }
    return n;
}

static size_t n_rows_most(const mc_book_columns *c, size_t a)
{
    int64_t n = c->offset[a + 1] - c->offset[a] + 1;
    if (c->order_offset != NULL)
        n += c->order_offset[a + 1] - c->order_offset[a];
    return (size_t)n;
}

/* An account's own world in one piece of memory; the structs that its views point to. */
typedef struct own {
    world world;
    mc_scenarios scenarios;
    mc_margin_model model;
    double *value; /* room for values at a price */
} own;

/* A copy of the chosen rows of a column; NULL stays NULL. */
static void *take(arena *a, const void *column, size_t size, const int32_t *rows, size_t n)
{
    if (column == NULL)
        return NULL;
    char *const to = deal(a, n, size);
    for (size_t k = 0; to != NULL && k < n; ++k)
        memcpy(to + k * size, (const char *)column + (size_t)rows[k] * size, size);
    return to;
}

/* The place of each row's number among the different ones, and those: numbers never fall. */
static size_t renumber(const int32_t *number_of, const int32_t *rows, size_t n, int32_t *place,
                       int32_t *numbers)
{
    size_t m = 0;
    for (size_t k = 0; k < n; ++k) {
        const int32_t number = number_of[rows[k]];
        if (m == 0 || numbers[m - 1] != number)
            numbers[m++] = number;
        place[k] = (int32_t)m - 1;
    }
    return m;
}

static int32_t place_of(const int32_t *rows, int32_t row)
{
    int32_t k = 0;
    while (rows[k] != row)
        ++k;
    return k;
}

/* Of account a. `rows`, `units`, `terms` and their places have been found; in two rounds, first
 * the size and then the columns. */
typedef struct chosen {
    const int32_t *rows, *unit, *term, *units, *terms;
    size_t n, n_units, n_terms;
} chosen;

static void take_market(arena *m, const world *all, const chosen *c, own *o)
{
    const mc_instruments *in = &all->instruments;
    const mc_market *market = &all->market;
    world *const w = &o->world;
    w->instruments = (mc_instruments){
        .n = c->n, .n_units = c->n_units, .n_terms = c->n_terms, .unit = c->unit, .term = c->term,
        .kind = take(m, in->kind, sizeof *in->kind, c->rows, c->n),
        .inverse = take(m, in->inverse, sizeof *in->inverse, c->rows, c->n),
        .factor = take(m, in->factor, sizeof *in->factor, c->rows, c->n),
        .strike = take(m, in->strike, sizeof *in->strike, c->rows, c->n),
        .contract_size = take(m, in->contract_size, sizeof *in->contract_size, c->rows, c->n),
        .step = take(m, in->step, sizeof *in->step, c->rows, c->n),
    };
    w->market = (mc_market){
        .confidence_frac = take(m, market->confidence_frac, sizeof(double), c->units, c->n_units),
        .years = take(m, market->years, sizeof(double), c->terms, c->n_terms),
        .discount = take(m, market->discount, sizeof(double), c->rows, c->n),
        .vol = take(m, market->vol, sizeof(double), c->rows, c->n),
        .quote_usd = take(m, market->quote_usd, sizeof(double), c->rows, c->n),
    };
    w->index_now = take(m, all->index_now, sizeof(double), c->units, c->n_units);
    w->forward_now = take(m, all->forward_now, sizeof(double), c->rows, c->n);
    w->mark_now = take(m, all->mark_now, sizeof(double), c->rows, c->n);
    w->inputs.lot = take(m, all->inputs.lot, sizeof(double), c->rows, c->n);
}

static void take_scenarios(arena *m, const mc_scenarios *s, const chosen *c, own *o)
{
    const size_t row = s->n_scenarios * sizeof(double);
    o->scenarios = *s;
    o->scenarios.n_terms = c->n_terms;
    const double **const columns[] = {
        &o->scenarios.spot_move, &o->scenarios.basis_move, &o->scenarios.vol_scale,
        &o->scenarios.vol_shift, &o->scenarios.vol_floor, &o->scenarios.skew_slope,
        &o->scenarios.skew_cap, &o->scenarios.weight,
    };
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; ++k)
        *columns[k] = take(m, *columns[k], row, c->terms, c->n_terms);
}

static void take_model(arena *m, const mc_margin_model *model, const chosen *c, own *o)
{
    mc_asset *const assets = model->n_assets > 0 ? deal(m, c->n, sizeof *assets) : NULL;
    o->model = *model;
    o->model.n_units = c->n_units;
    o->model.units = take(m, model->units, sizeof *model->units, c->units, c->n_units);
    o->model.assets = assets;
    o->model.n_assets = 0;
    size_t next = 0; /* of the account's rows */
    for (size_t k = 0; assets != NULL && k < model->n_assets; ++k) {
        while (next < c->n && c->rows[next] < model->assets[k].instrument)
            ++next;
        if (next < c->n && c->rows[next] == model->assets[k].instrument) {
            assets[o->model.n_assets] = model->assets[k];
            assets[o->model.n_assets++].instrument = (int32_t)next;
        }
    }
}

static void take_book(arena *m, const world *all, const chosen *c, size_t a, own *o)
{
    static const int32_t nobody = -1, somebody = 0;
    const mc_book_columns *from = &all->book.columns;
    world *const w = &o->world;
    const size_t n = (size_t)(from->offset[a + 1] - from->offset[a]);
    const size_t n_orders = from->order_offset == NULL
                          ? 0 : (size_t)(from->order_offset[a + 1] - from->order_offset[a]);
    int64_t *const offset = deal(m, 2, sizeof *offset);
    int64_t *const order_offset = deal(m, 2, sizeof *order_offset);
    int32_t *const instrument = deal(m, n, sizeof *instrument);
    int32_t *const ordered = deal(m, n_orders, sizeof *ordered);
    int64_t *const sides = deal(m, 2 * c->n_units, sizeof *sides);
    int64_t *const owners = deal(m, 2 * c->n_units, sizeof *owners);
    const bool owned = all->inputs.owners != NULL && from->owner != NULL && from->owner[a] >= 0;
    if (m->memory == NULL)
        return;

    offset[1] = (int64_t)n;
    order_offset[1] = (int64_t)n_orders;
    for (size_t k = 0; k < n; ++k)
        instrument[k] = place_of(c->rows, from->instrument[from->offset[a] + (int64_t)k]);
    for (size_t k = 0; k < n_orders; ++k)
        ordered[k] = place_of(c->rows,
                              from->order_instrument[from->order_offset[a] + (int64_t)k]);
    for (size_t k = 0; k < 2 * c->n_units; ++k) {
        const size_t at = (size_t)c->units[k / 2] * 2 + k % 2;
        if (all->inputs.sides != NULL)
            sides[k] = all->inputs.sides[at];
        if (owned)
            owners[k] = all->inputs.owners[(size_t)from->owner[a] * all->instruments.n_units * 2
                                           + at];
    }
    w->inputs.sides = all->inputs.sides != NULL ? sides : NULL;
    w->inputs.owners = owned ? owners : NULL;
    w->cash_now = all->cash_now != NULL ? all->cash_now + a : NULL;
    w->book = all->book;
    w->book.columns = (mc_book_columns){
        .n_accounts = 1, .n_instruments = c->n, .offset = offset, .instrument = instrument,
        .lots = from->lots + from->offset[a], .cash = w->cash_now,
        .mode = from->mode != NULL ? from->mode + a : NULL, .owner = owned ? &somebody : &nobody,
        .n_owners = owned ? 1 : 0,
    };
    if (n_orders > 0) {
        w->book.columns.order_offset = order_offset;
        w->book.columns.order_instrument = ordered;
        w->book.columns.order_lots = from->order_lots + from->order_offset[a];
        w->book.columns.order_limit = from->order_limit + from->order_offset[a];
    }
}

static void take_all(arena *m, const world *all, const chosen *c, size_t a, own *o)
{
    world *const w = &o->world;
    w->options = all->options;
    w->options.n_threads = 1;
    w->index_usd = all->index_usd;
    w->follows = all->follows != NULL ? all->follows + a : NULL;
    take_market(m, all, c, o);
    take_scenarios(m, all->inputs.scenarios, c, o);
    take_model(m, all->inputs.model, c, o);
    take_book(m, all, c, a, o);
    deal_moving(m, w, c->n, c->n_units, 1);
    o->value = deal(m, c->n, sizeof *o->value);
    w->inputs.scenarios = &o->scenarios;
    w->inputs.model = &o->model;
}

/* The world of an account that holds the unit; the caller frees the memory, NULL where there is
 * none left. */
static void *make_own(const world *all, size_t a, int32_t extra, own *o)
{
    const size_t most = n_rows_most(&all->book.columns, a);
    int32_t *const rows = mc_alloc(5 * most, sizeof *rows);
    if (rows == NULL)
        return NULL;
    int32_t *const unit = rows + most, *const units = unit + most, *const term = units + most;
    int32_t *const terms = term + most;
    chosen c = {.rows = rows, .unit = unit, .term = term, .units = units, .terms = terms};
    c.n = rows_of(&all->book.columns, a, extra, rows);
    c.n_units = renumber(all->instruments.unit, rows, c.n, unit, units);
    c.n_terms = renumber(all->instruments.term, rows, c.n, term, terms);

    arena m = {NULL, 0};
    memset(o, 0, sizeof *o);
    take_all(&m, all, &c, a, o);
    char *const memory = mc_alloc(1, m.used + 2 * (c.n * sizeof *rows + MC_ALIGNMENT));
    if (memory != NULL) {
        m = (arena){memory, 0};
        memset(o, 0, sizeof *o);
        take_all(&m, all, &c, a, o);
        int32_t *const own_unit = deal(&m, c.n, sizeof *own_unit);
        int32_t *const own_term = deal(&m, c.n, sizeof *own_term);
        memcpy(own_unit, unit, c.n * sizeof *own_unit);
        memcpy(own_term, term, c.n * sizeof *own_term);
        o->world.instruments.unit = own_unit;
        o->world.instruments.term = own_term;
        o->world.unit = place_of(units, all->unit);
        if (o->world.options.numeraire >= 0)
            o->world.options.numeraire = place_of(units, all->options.numeraire);
        start(&o->world);
    }
    mc_free(rows);
    return memory;
}

static bool holds_unit(const world *all, size_t a)
{
    const mc_book_columns *c = &all->book.columns;
    bool holds = false;
    for (int64_t p = c->offset[a]; !holds && p < c->offset[a + 1]; ++p)
        holds = all->instruments.unit[c->instrument[p]] == all->unit;
    if (c->order_offset != NULL)
        for (int64_t o = c->order_offset[a]; !holds && o < c->order_offset[a + 1]; ++o)
            holds = all->instruments.unit[c->order_instrument[o]] == all->unit;
    return holds;
}

/* ---- an account alone: the rest of its looks, then the root ------------------------------ */

static mc_status look_at(own *o, const search *s, int which, int64_t distance, side *x,
                         mc_error *err)
{
    int64_t excess = 0, mm = 0;
    const mc_status status = excess_at(&o->world, &(mc_range){0, 1, 1},
                                       price_of(s, which, distance), o->value, &excess, &mm, err);
    if (status == MC_OK)
        saw(x, distance, excess);
    return status;
}

/* Illinois: regula falsi that halves the weight of an end that stays, and bisects where two steps
 * have not halved the bracket. The ends stay what they are: near holds, far does not. */
static mc_status close_in(own *o, const search *s, int which, side *x, mc_error *err)
{
    double near = (double)x->near_excess, far = (double)x->far_excess;
    int slow = 0;
    while (x->far - x->near > 1) {
        const int64_t gap = x->far - x->near;
        int64_t step = slow >= 2 ? gap / 2 : (int64_t)((double)gap * (near / (near - far)));
        step = step < 1 ? 1 : step >= gap ? gap - 1 : step;
        const int64_t last_far = x->far;
        const mc_status status = look_at(o, s, which, x->near + step, x, err);
        if (status != MC_OK)
            return status;
        if (x->far != last_far) {
            far = (double)x->far_excess;
            near *= 0.5;
        } else {
            near = (double)x->near_excess;
            far *= 0.5;
        }
        slow = 2 * (x->far - x->near) > gap ? slow + 1 : 0;
    }
    return MC_OK;
}

typedef struct alone_job {
    const world *all;
    const search *search;
    const mc_range *range;
    int32_t extra;      /* the numeraire's first instrument, or -1 */
    side *sides;
    const uint8_t *found;
    mc_error *errors;   /* [n_threads] the first of each */
} alone_job;

static mc_status search_account(const alone_job *job, size_t k, mc_error *err)
{
    const size_t a = job->range->first + k;
    own o;
    void *const memory = make_own(job->all, a, job->extra, &o);
    if (memory == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for account %zu", a);
    mc_status status = MC_OK;
    for (int which = 0; status == MC_OK && which < SIDES; ++which) {
        side *const x = &job->sides[k * SIDES + which];
        for (; status == MC_OK && is_looking(job->search, which, x); ++x->looks)
            status = look_at(&o, job->search, which, job->search->look[which][x->looks], x, err);
        if (status == MC_OK && x->far > 0)
            status = close_in(&o, job->search, which, x, err);
    }
    mc_free(memory);
    return status;
}

static void search_block(void *context, size_t block, unsigned thread)
{
    const alone_job *job = context;
    const size_t first = block * ACCOUNTS_PER_BLOCK;
    for (size_t k = first; k < first + ACCOUNTS_PER_BLOCK && k < job->range->count; ++k) {
        const side *const x = &job->sides[k * SIDES];
        const bool wants = is_looking(job->search, 0, &x[0]) || is_looking(job->search, 1, &x[1])
                        || x[0].far - x[0].near > 1 || x[1].far - x[1].near > 1;
        const size_t a = job->range->first + k;
        if (!wants || job->found[k] == MC_PRICE_NOW || job->errors[thread].status != MC_OK)
            continue;
        mc_error err;
        const mc_status status = search_account(job, k, &err);
        if (status != MC_OK) {
            if (status != MC_ERR_MEMORY)
                err.row = (int64_t)a;
            job->errors[thread] = err;
        }
    }
}

/* ---- the call ---------------------------------------------------------------------------- */

static mc_status check_search(const mc_margin_inputs *in, const mc_book *book,
                              const mc_price_search *s, const int64_t *follows, mc_error *err)
{
    if (in->options == NULL || in->options->quantum <= 0.0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a liquidation price needs a quantum");
    if (s->size != sizeof *s || s->n_steps < 1 || s->n_steps > MOST_STEPS)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the search's size is wrong, or it has %zu steps: "
                       "1 to %d are allowed", s->n_steps, MOST_STEPS);
    if (s->unit < 0 || (size_t)s->unit >= in->instruments->n_units)
        return mc_fail(err, MC_ERR_INSTRUMENT, -1, "unit %d of %zu", s->unit,
                       in->instruments->n_units);
    if (in->options->numeraire == s->unit)
        return mc_fail(err, MC_ERR_ARGUMENT, -1,
                       "a coin's price in itself is 1: unit %d is the numeraire", s->unit);
    const double numbers[] = {s->ticks_per_usd, s->least_move, s->most_move};
    for (size_t k = 0; k < 3; ++k)
        if (!mc_is_finite(numbers[k]))
            return mc_fail(err, MC_ERR_NOT_FINITE, -1, "a tick or a move is not finite");
    if (s->ticks_per_usd <= 0.0 || s->least_move <= -1.0 || s->least_move >= 0.0
        || s->most_move <= 0.0 || s->most_move > MOST_MOVE)
        return mc_fail(err, MC_ERR_DOMAIN, -1, "%g ticks a USD, moves from %g to %g",
                       s->ticks_per_usd, s->least_move, s->most_move);
    const double index = in->market->index_usd[s->unit];
    if (!(index * (1.0 + s->most_move) * s->ticks_per_usd < MC_EXACT_LIMIT))
        return mc_fail(err, MC_ERR_DOMAIN, -1, "2^53 ticks or more of unit %d", s->unit);
    for (size_t a = 0; follows != NULL && a < book->columns.n_accounts; ++a)
        if (!(fabs((double)follows[a]) * (1.0 + s->most_move) < MC_EXACT_LIMIT))
            return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)a,
                           "cash of account %zu that follows the price may pass 2^53 quanta", a);
    return MC_OK;
}

/* Today's standing, by the public functions: they check everything that was given. */
static mc_status today(const mc_margin_inputs *in, const mc_book *book, const mc_range *range,
                       int64_t *equity, int64_t *mm, mc_error *err)
{
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_status status = mc_risk_array_create(in->instruments, in->market, in->scenarios, in->lot,
                                            in->options, &risk, err);
    if (status == MC_OK)
        status = mc_margin_create(risk, in->instruments, in->market, in->model, &margin, err);
    if (status == MC_OK)
        status = mc_sweep(margin, book, range, in->sides, in->owners,
                          &(mc_standing){.equity = equity, .mm = mm}, err);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
    return status;
}

static mc_status search_all(world *w, const search *s, const mc_range *range, side *sides,
                            const uint8_t *found, mc_error *err)
{
    mc_status status = MC_OK;
    if (range->count >= w->instruments.n / ROWS_PER_ACCOUNT)
        status = look_together(w, s, range, sides, err);
    if (status != MC_OK)
        return status;
    int32_t extra = -1;
    for (size_t i = w->instruments.n; w->options.numeraire >= 0 && i-- > 0;)
        if (w->instruments.unit[i] == w->options.numeraire)
            extra = (int32_t)i;
    const size_t n_blocks = (range->count + ACCOUNTS_PER_BLOCK - 1) / ACCOUNTS_PER_BLOCK;
    const unsigned threads = mc_thread_count(range->n_threads, n_blocks);
    mc_error *const errors = mc_alloc(threads, sizeof *errors);
    if (errors == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %u threads", threads);
    alone_job job = {.all = w, .search = s, .range = range, .extra = extra, .sides = sides,
                     .found = found, .errors = errors};
    mc_parallel(n_blocks, threads, search_block, &job);
    const mc_error *first = NULL;
    for (unsigned t = 0; t < threads; ++t)
        if (errors[t].status != MC_OK && (first == NULL || errors[t].row < first->row))
            first = &errors[t];
    if (first != NULL) {
        status = first->status;
        if (err != NULL)
            *err = *first;
    }
    mc_free(errors);
    return status;
}

mc_status mc_liquidation_prices(const mc_margin_inputs *inputs, const mc_book *book,
                                const mc_range *range, const mc_price_search *asked,
                                const int64_t *follows, int64_t *below, int64_t *above,
                                uint8_t *found, mc_error *err)
{
    if (inputs == NULL || book == NULL || range == NULL || asked == NULL || below == NULL
        || above == NULL || found == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "inputs, a book, a range, a search or an output "
                       "is missing");
    mc_status status = mc_instruments_check(inputs->instruments, err);
    if (status == MC_OK)
        status = mc_market_check(inputs->instruments, inputs->market, err);
    if (status == MC_OK)
        status = check_search(inputs, book, asked, follows, err);
    if (status == MC_OK
        && (range->first > book->columns.n_accounts
            || range->count > book->columns.n_accounts - range->first))
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "accounts %zu + %zu of %zu", range->first,
                         range->count, book->columns.n_accounts);
    if (status != MC_OK)
        return status;

    const mc_instruments *in = inputs->instruments;
    world w = {
        .inputs = *inputs, .instruments = *in, .market = *inputs->market,
        .options = *inputs->options, .unit = asked->unit,
        .index_usd = inputs->market->index_usd[asked->unit],
        .index_now = inputs->market->index_usd, .forward_now = inputs->market->forward_usd,
        .mark_now = inputs->market->mark_usd, .book = *book, .follows = follows,
        .cash_now = book->columns.cash,
    };
    w.options.n_threads = range->n_threads;
    search s = {.asked = asked};
    side *sides = NULL;
    int64_t *excess = NULL, *no_cash = NULL;
    uint8_t *seen = NULL;
    arena m = {NULL, 0};
    for (int writing = 0; writing < 2; ++writing) {
        deal_moving(&m, &w, in->n, in->n_units, book->columns.n_accounts);
        s.look[0] = deal(&m, asked->n_steps, sizeof(int64_t));
        s.look[1] = deal(&m, asked->n_steps, sizeof(int64_t));
        sides = deal(&m, range->count * SIDES, sizeof *sides);
        excess = deal(&m, range->count * 2, sizeof *excess);
        no_cash = follows != NULL && w.cash_now == NULL
                ? deal(&m, book->columns.n_accounts, sizeof *no_cash) : NULL;
        seen = deal(&m, range->count, sizeof *seen);
        if (!writing) {
            m = (arena){mc_alloc(1, m.used), 0};
            if (m.memory == NULL)
                return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for %zu accounts", range->count);
        }
    }
    if (no_cash != NULL)
        w.cash_now = no_cash;
    start(&w);
    make_looks(&s, w.index_usd);
    status = today(inputs, book, range, excess, excess + range->count, err);
    for (size_t k = 0; status == MC_OK && k < range->count; ++k) {
        const int64_t now = excess[k] - excess[range->count + k];
        seen[k] = now < 0 ? MC_PRICE_NOW : 0;
        for (int which = 0; which < SIDES; ++which) {
            side *const x = &sides[k * SIDES + which];
            x->near_excess = now;
            if (now < 0 || !holds_unit(&w, range->first + k))
                x->looks = MOST_STEPS; /* nothing to look for */
        }
    }
    if (status == MC_OK)
        status = search_all(&w, &s, range, sides, seen, err);
    for (size_t k = 0; status == MC_OK && k < range->count; ++k) {
        const side *const x = &sides[k * SIDES];
        below[k] = x[0].far > 0 ? s.origin[0] - x[0].far : 0;
        above[k] = x[1].far > 0 ? s.origin[1] + x[1].far : 0;
        found[k] = (uint8_t)(seen[k] | (x[0].far > 0 ? MC_PRICE_BELOW : 0)
                             | (x[1].far > 0 ? MC_PRICE_ABOVE : 0));
    }
    mc_free(m.memory);
    return status;
}
