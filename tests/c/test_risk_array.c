/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/risk_array.h>

#include "check.h"
#include "world.h"

static paper world;
static random_world many;

/* ---- what risk_array.h says, one cell at a time, with libm ---- */

static double black76(double forward, double strike, double stdev, int call)
{
    const double intrinsic = fmax(call ? forward - strike : strike - forward, 0.0);
    if (stdev <= 0.0)
        return intrinsic;
    const double d1 = log(forward / strike) / stdev + stdev / 2, d2 = d1 - stdev;
    const double sign = call ? 1.0 : -1.0;
    return sign * (forward * 0.5 * erfc(-sign * d1 * M_SQRT1_2)
                   - strike * 0.5 * erfc(-sign * d2 * M_SQRT1_2));
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* The value of 1.0 coin in USD in scenario z; z past the last is the world as it is. */
static double value_of(const random_world *w, size_t i, size_t z)
{
    const mc_scenarios *s = &w->scenarios;
    const size_t at = (size_t)w->term[i] * s->n_scenarios + z;
    const int moved = z < s->n_scenarios;
    const double spot = w->index[w->unit[i]] * (moved ? 1.0 + s->spot_move[at] : 1.0);
    const double forward = w->forward[i]
        * (moved ? (1.0 + s->spot_move[at]) * (1.0 + s->basis_move[at]) : 1.0);
    if (w->kind[i] == MC_SPOT)
        return forward * (moved && w->factor[i] >= 0
                          ? 1.0 + s->event_move[(size_t)w->factor[i] * s->n_scenarios + z] : 1.0);
    if (w->kind[i] == MC_PERPETUAL || w->kind[i] == MC_FUTURE)
        return w->inverse[i] ? -spot / forward : forward * w->quote[i];

    double years = w->years[w->term[i]], vol = w->vol[i], discount = w->discount[i];
    if (moved) {
        const double left = fmax(0.0, years - s->horizon_years[z]);
        vol = fmax(s->vol_floor[at], fmax(0.0, vol * s->vol_scale[at] + s->vol_shift[at]));
        vol *= fmax(0.0, 1.0 + clamp(s->skew_slope[at] * log(w->strike[i] / w->forward[i]),
                                     -s->skew_cap[at], s->skew_cap[at]));
        discount = pow(discount, left / years);
        years = left;
    }
    const double value = discount * black76(forward, w->strike[i], vol * sqrt(years),
                                            w->kind[i] == MC_CALL);
    return w->inverse[i] ? value * spot / forward : value * w->quote[i];
}

static double cell_of(const random_world *w, size_t i, size_t z, int32_t numeraire, double quantum)
{
    const mc_scenarios *s = &w->scenarios;
    double before = 1.0, after = 1.0;
    if (numeraire >= 0) {
        before = w->index[numeraire];
        after = before * (1.0 + s->spot_move[(size_t)numeraire * R_TERMS_OF_UNIT * s->n_scenarios + z]);
    }
    const double gain = value_of(w, i, z) / after - value_of(w, i, s->n_scenarios) / before;
    return s->weight[(size_t)w->term[i] * s->n_scenarios + z] * gain * w->size[i] * w->lot[i]
         / quantum;
}

static mc_risk_array *make(random_world *w, int32_t numeraire, double quantum, unsigned threads)
{
    const mc_risk_options options = {sizeof options, quantum, numeraire, threads};
    mc_risk_array *risk = NULL;
    mc_error err = {.message = ""};
    const mc_status status = mc_risk_array_create(&w->instruments, &w->market, &w->scenarios,
                                                  w->lot, &options, &risk, &err);
    CHECK(status == MC_OK);
    if (status != MC_OK)
        fprintf(stderr, "    %s\n", err.message);
    return risk;
}

static void every_cell_is_the_revaluation_rounded_to_the_nearest_quantum(void)
{
    for (int32_t numeraire = -1; numeraire < R_UNITS; numeraire += 3) {
        random_world_make(&many, 11, 33);
        const double quantum = numeraire < 0 ? 1e-6 : 1e-6 / many.index[numeraire];
        CHECK(mc_risk_lots(&many.instruments, &many.market, many.range, 1e-6, many.lot, NULL) == MC_OK);
        mc_risk_array *risk = make(&many, numeraire, quantum, 1);
        mc_risk_view view;
        mc_risk_array_view(risk, &view);
        double worst = 0.0;
        for (size_t i = 0; i < R_N; ++i)
            for (size_t z = 0; z < view.n_scenarios; ++z) {
                const double cell = view.cells[i * view.stride + z];
                const double off = fabs(cell - cell_of(&many, i, z, numeraire, quantum));
                CHECK(rint(cell) == cell);
                worst = fmax(worst, off);
            }
        /* Half a quantum, and the rounding of two formulas on up to 1e9 quanta. */
        CHECK(worst <= 0.5 + 1e-4);
        mc_risk_array_destroy(risk);
        random_world_free(&many);
    }
}

static void an_unrounded_array_holds_the_same_values_unrounded(void)
{
    random_world_make(&many, 12, 7);
    for (int i = 0; i < R_N; ++i)
        many.lot[i] = 1e6;
    mc_risk_array *exact = make(&many, -1, 0.0, 1), *rounded = make(&many, -1, 1.0, 1);
    mc_risk_view e, r;
    mc_risk_array_view(exact, &e);
    mc_risk_array_view(rounded, &r);
    CHECK(e.quantum == 0.0 && e.mark == NULL && e.notional == NULL && e.delta == NULL);
    size_t differ = 0;
    for (size_t c = 0; c < R_N * e.stride; ++c) {
        CHECK(r.cells[c] == rint(e.cells[c]));
        differ += r.cells[c] != e.cells[c];
    }
    CHECK(differ > R_N);
    mc_risk_array_destroy(exact);
    mc_risk_array_destroy(rounded);
    random_world_free(&many);
}

static void half_a_quantum_goes_to_the_even_one(void)
{
    paper_make(&world);
    world.options.quantum = 1.0;
    for (int i = 0; i < PAPER_N; ++i)
        world.lot[i] = 0x1p17;
    world.lot[0] = 1.0;
    world.scenarios.n_scenarios = 2;
    for (int t = 0; t < PAPER_TERMS; ++t) {
        world.spot_move[2 * t] = 0.0;
        world.spot_move[2 * t + 1] = 0.5;
    }
    const double price[] = {65537, 65539, 65541}, expected[] = {32768, 32770, 32770};
    for (int k = 0; k < 3; ++k) { /* 32768.5, 32769.5 and 32770.5 */
        mc_risk_array *risk = NULL;
        mc_risk_view view;
        world.forward[0] = price[k];
        CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
        mc_risk_array_view(risk, &view);
        CHECK(view.cells[1] == expected[k]);
        mc_risk_array_destroy(risk);
    }
}

/* ---- on paper ---- */

/* Price times move; the call is worth F - 100 and never less than 0, of F = 105, 135 and 90. */
static void the_paper_worlds_cells_are_those_on_paper(void)
{
    static const double usd[PAPER_N][PAPER_S] = {
        [BTC] = {0, -12.5, 12.5, -25},
        [BTC_PERPETUAL] = {0, -12.5, 12.5, -25},
        [BTC_FUTURE] = {0, -13.75, 13.75, -27.5},
        [BTC_CALL] = {0, -15, 15, -20},
        [BTC_PUT] = {0, 0, 0, 10},
        [ETH_PERPETUAL] = {0, 1.25, -1.25, -2.5},
    };
    static const double mark[] = {100, 100, 110, 21, 1, 10}, value[] = {100, 100, 110, 20, 0, 10};
    static const double notional[] = {100, 100, 100, 100, 100, 10};
    static const double delta[] = {100, 100, 110, 120, 0, 10}, basis[] = {0, 100, 110, 120, 0, 10};
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    paper_make(&world);
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.n_instruments == PAPER_N && v.n_scenarios == PAPER_S && v.stride == 8);
    CHECK(v.quantum == 1e-6 && v.quantum_usd == 1e-6 && (uintptr_t)v.cells % 64 == 0);
    for (size_t i = 0; i < PAPER_N; ++i) {
        for (size_t z = 0; z < PAPER_S; ++z)
            CHECK(v.cells[i * 8 + z] == 1e6 * usd[i][z]);
        for (size_t z = PAPER_S; z < 8; ++z)
            CHECK(v.cells[i * 8 + z] == v.cells[i * 8]);
        CHECK(v.mark[i] == 1e6 * mark[i] && v.value[i] == 1e6 * value[i]);
        CHECK(v.notional[i] == 1e6 * notional[i] && v.vega[i] == 0.0);
        CHECK(v.delta[i] == 1e6 * delta[i] && v.basis_delta[i] == 1e6 * basis[i]);
    }
    mc_risk_array_destroy(risk);
}

/* In bitcoin a bitcoin never moves, and a spot of 100 USD is 1 whatever happens. */
static void in_its_own_coin_a_coin_does_not_move(void)
{
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    paper_make(&world);
    world.options.numeraire = 0;
    world.options.quantum = 1e-8;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.quantum_usd == 1e-6);
    for (size_t z = 0; z < PAPER_S; ++z)
        CHECK(v.cells[z] == 0.0);
    /* ETH: 0.1 BTC; in scenario 1, 11.25 / 87.5 = 0.128571428571... BTC */
    CHECK(v.cells[ETH_PERPETUAL * 8 + 1] == 2857143.0);
    CHECK(v.mark[ETH_PERPETUAL] == 1e7 && v.notional[BTC] == 1e8);
    mc_risk_array_destroy(risk);
}

/* An inverse future of 1 USD is worth -S'/F' USD: with the basis still, nothing moves; with the
 * basis doubled, -100/220 against -100/110. */
static void an_inverse_future_moves_with_the_basis_only(void)
{
    double basis[PAPER_TERMS * PAPER_S] = {0};
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    paper_make(&world);
    world.inverse[BTC_FUTURE] = 1;
    basis[2 * PAPER_S + 3] = 1.0;
    world.scenarios.basis_move = basis;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.cells[BTC_FUTURE * 8 + 1] == 0.0 && v.cells[BTC_FUTURE * 8 + 2] == 0.0);
    CHECK(v.cells[BTC_FUTURE * 8 + 3] == 454545.0);
    CHECK(v.notional[BTC_FUTURE] == 1e6 && v.delta[BTC_FUTURE] == 0.0);
    CHECK(v.basis_delta[BTC_FUTURE] == rint(1e8 / 110.0));
    mc_risk_array_destroy(risk);
}

/* An inverse call's dollars S'/F' (F' - K): at F' = 105 and S' = 87.5 that is 4.1666..., from
 * 100/120 20 = 16.6666... */
static void an_inverse_option_settles_in_coin(void)
{
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    paper_make(&world);
    world.inverse[BTC_CALL] = 1;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.cells[BTC_CALL * 8 + 1] == -12500000.0);
    CHECK(v.value[BTC_CALL] == 16666667.0);
    mc_risk_array_destroy(risk);
}

static void an_event_moves_the_assets_that_follow_it_and_no_contract(void)
{
    const double event[PAPER_S] = {0, 0, 0, -1};
    const int32_t factor[PAPER_N] = {0, 0, -1, -1, -1, -1};
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    paper_make(&world);
    world.instruments.factor = factor;
    world.scenarios.event_move = event;
    world.scenarios.n_factors = 1;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.cells[BTC * 8 + 1] == -12.5e6 && v.cells[BTC * 8 + 3] == -100e6);
    CHECK(v.cells[BTC_PERPETUAL * 8 + 3] == -25e6);
    mc_risk_array_destroy(risk);
}

/* Two years on, an option of one year is worth its intrinsic value, undiscounted. */
static void past_its_expiry_an_option_is_worth_what_it_pays(void)
{
    const double horizon[PAPER_S] = {0, 2, 2, 2}, discount[PAPER_N] = {1, 1, 1, 0.5, 0.5, 1};
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    paper_make(&world);
    world.scenarios.horizon_years = horizon;
    world.market.discount = discount;
    CHECK(paper_risk(&world, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.value[BTC_CALL] == 10e6); /* half of 20 */
    CHECK(v.cells[BTC_CALL * 8 + 1] == -5e6 && v.cells[BTC_CALL * 8 + 2] == 25e6);
    mc_risk_array_destroy(risk);
}

static void the_base_column_is_exactly_0_for_every_size(void)
{
    static const size_t sizes[] = {1, 7, 8, 33, 63, 64, 65, 130, 512};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; ++k)
        for (int rounded = 0; rounded < 2; ++rounded) {
            random_world_make(&many, 13 + k, sizes[k]);
            for (int i = 0; i < R_N; ++i)
                many.lot[i] = 1.0;
            mc_risk_array *risk = make(&many, rounded ? -1 : 2, rounded ? 1e-6 : 0.0, 1);
            mc_risk_view v;
            mc_risk_array_view(risk, &v);
            CHECK(v.stride % 8 == 0 && v.stride >= sizes[k] && v.stride < sizes[k] + 8);
            for (size_t i = 0; i < R_N; ++i)
                CHECK(v.cells[i * v.stride + sizes[k] / 2] == 0.0);
            mc_risk_array_destroy(risk);
            random_world_free(&many);
        }
}

static void every_copy_and_any_number_of_threads_give_the_same_bits(void)
{
    static const size_t sizes[] = {1, 7, 8, 33, 63, 64, 65, 130, 512};
    const char *best = mc_isa();
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; ++k)
        for (int rounded = 0; rounded < 2; ++rounded) {
            random_world_make(&many, 31 + k, sizes[k]);
            for (int i = 0; i < R_N; ++i)
                many.lot[i] = 1.0;
            CHECK(mc_isa_select("generic", NULL) == MC_OK);
            mc_risk_array *expected = make(&many, -1, rounded ? 1e-6 : 0.0, 1);
            mc_risk_view e, a;
            mc_risk_array_view(expected, &e);
            const char *name;
            for (size_t isa = 0; (name = mc_isa_at(isa)) != NULL; ++isa) {
                CHECK(mc_isa_select(name, NULL) == MC_OK);
                mc_risk_array *actual = make(&many, -1, rounded ? 1e-6 : 0.0, 1 + (unsigned)(13 * k % 64));
                mc_risk_array_view(actual, &a);
                CHECK(memcmp(a.cells, e.cells, R_N * e.stride * sizeof(double)) == 0);
                if (rounded) {
                    const double *const columns[][2] = {
                        {a.mark, e.mark}, {a.value, e.value}, {a.notional, e.notional},
                        {a.delta, e.delta}, {a.basis_delta, e.basis_delta}, {a.vega, e.vega}};
                    for (size_t c = 0; c < 6; ++c)
                        CHECK(memcmp(columns[c][0], columns[c][1], R_N * sizeof(double)) == 0);
                }
                mc_risk_array_destroy(actual);
            }
            mc_risk_array_destroy(expected);
            random_world_free(&many);
        }
    CHECK(mc_isa_select(best, NULL) == MC_OK);
}

/* ---- risk lots ---- */

static void a_risk_lot_is_the_smallest_power_of_ten_of_steps_that_moves_enough(void)
{
    random_world_make(&many, 17, 1);
    for (int i = 0; i < R_N; ++i)
        many.step[i] = pow(10.0, -(i % 16));
    CHECK(mc_risk_lots(&many.instruments, &many.market, many.range, 1e-6, many.lot, NULL) == MC_OK);
    for (int i = 0; i < R_N; ++i) {
        const double per_unit = (many.inverse[i] && many.strike[i] == 0.0 ? 1.0 : many.index[many.unit[i]])
                              * many.size[i] * many.range[many.unit[i]] / 1e-6;
        const double power = rint(log10(many.lot[i] / many.step[i]));
        CHECK(many.lot[i] == many.step[i] * pow(10.0, power) && power >= 0.0);
        CHECK(many.kind[i] == MC_SPOT || many.lot[i] * per_unit >= 65536.0);
        CHECK(power == 0.0 || many.kind[i] == MC_SPOT || many.lot[i] / 10.0 * per_unit < 65536.0);
    }
    random_world_free(&many);
}

static void lots_that_cannot_be_leave_the_output_alone(void)
{
    double range[PAPER_UNITS] = {0.5, 0.5};
    mc_error err;
    paper_make(&world);
    double lot[PAPER_N] = {7, 7, 7, 7, 7, 7};
    CHECK(mc_risk_lots(NULL, &world.market, range, 1e-6, lot, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_lots(&world.instruments, NULL, range, 1e-6, lot, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_lots(&world.instruments, &world.market, NULL, 1e-6, lot, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_lots(&world.instruments, &world.market, range, 1e-6, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_lots(&world.instruments, &world.market, range, 0.0, lot, NULL) == MC_ERR_DOMAIN);
    CHECK(mc_risk_lots(&world.instruments, &world.market, range, NAN, lot, NULL) == MC_ERR_NOT_FINITE);
    range[1] = -1;
    CHECK(mc_risk_lots(&world.instruments, &world.market, range, 1e-6, lot, &err) == MC_ERR_DOMAIN);
    CHECK(err.row == 1);
    range[1] = 0.5;
    world.step[4] = 1e-30;
    CHECK(mc_risk_lots(&world.instruments, &world.market, range, 1e-6, lot, &err) == MC_ERR_QUANTUM);
    CHECK(err.row == 4);
    for (int i = 0; i < PAPER_N; ++i)
        CHECK(lot[i] == 7.0);
    range[0] = range[1] = 0.0; /* counts as 1 */
    world.step[4] = 1.0;
    CHECK(mc_risk_lots(&world.instruments, &world.market, range, 1e-6, lot, NULL) == MC_OK);
}

/* ---- errors ---- */

static mc_status create_error(mc_error *err)
{
    mc_risk_array *risk = (mc_risk_array *)&world; /* must come back as it was */
    const mc_status status = paper_risk(&world, &risk, err);
    CHECK(risk == (mc_risk_array *)&world);
    return status;
}

static void every_error_of_create_is_named_and_makes_nothing(void)
{
    static const int32_t factor[PAPER_N] = {-1, 0, -1, -1, -1, -1};
    mc_error err;
    paper_make(&world);
    CHECK(mc_risk_array_create(&world.instruments, &world.market, &world.scenarios, world.lot,
                               &world.options, NULL, NULL) == MC_ERR_ARGUMENT);
    world.options.size = 8;
    CHECK(create_error(&err) == MC_ERR_ARGUMENT);
    paper_make(&world);
    world.scenarios.n_terms = PAPER_TERMS - 1;
    CHECK(create_error(&err) == MC_ERR_ARGUMENT);
    paper_make(&world);
    world.kind[0] = 99;
    CHECK(create_error(&err) == MC_ERR_ARGUMENT && err.row == 0);
    paper_make(&world);
    world.forward[2] = NAN;
    CHECK(create_error(&err) == MC_ERR_NOT_FINITE && err.row == 2);
    paper_make(&world);
    world.spot_move[0] = 0.1;
    CHECK(create_error(&err) == MC_ERR_ARGUMENT);
    paper_make(&world);
    world.options.numeraire = 2;
    CHECK(create_error(&err) == MC_ERR_INSTRUMENT);
    world.options.numeraire = -2;
    CHECK(create_error(&err) == MC_ERR_INSTRUMENT);
    paper_make(&world);
    world.instruments.factor = factor;
    CHECK(create_error(&err) == MC_ERR_INSTRUMENT && err.row == 1);
    paper_make(&world);
    world.lot[3] = 0.0;
    CHECK(create_error(&err) == MC_ERR_DOMAIN && err.row == 3);
    world.lot[3] = INFINITY;
    CHECK(create_error(&err) == MC_ERR_NOT_FINITE && err.row == 3);
    paper_make(&world);
    world.options.quantum = -1.0;
    CHECK(create_error(&err) == MC_ERR_DOMAIN);
    paper_make(&world);
    world.lot[5] = 0.006; /* 0.06 USD: 60000 quanta, below 2^16 */
    CHECK(create_error(&err) == MC_ERR_QUANTUM && err.row == 5);
    paper_make(&world);
    world.lot[2] = 1e10; /* a quarter of 1.1e18 quanta */
    CHECK(create_error(&err) == MC_ERR_EXACTNESS && err.row == 2);
    paper_make(&world);
    mc_risk_array *risk;
    CHECK(mc_risk_array_create(&world.instruments, &world.market, &world.scenarios, NULL,
                               &world.options, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_create(&world.instruments, &world.market, &world.scenarios, world.lot,
                               NULL, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_create(&world.instruments, &world.market, NULL, world.lot,
                               &world.options, &risk, NULL) == MC_ERR_ARGUMENT);
}

static void a_numeraire_needs_an_instrument_that_moves_it(void)
{
    paper_make(&world);
    world.index[0] = 100;
    double index[3] = {100, 10, 5};
    world.market.index_usd = index;
    world.market.confidence_frac = NULL;
    world.instruments.n_units = 3;
    world.options.numeraire = 2;
    CHECK(create_error(NULL) == MC_ERR_INSTRUMENT);
}

/* ---- adopted cells ---- */

static void adopted_cells_are_kept_row_by_row(void)
{
    double cells[2 * 9];
    mc_risk_array *risk = NULL;
    mc_risk_view v;
    for (int c = 0; c < 18; ++c)
        cells[c] = c - 9.0;
    CHECK(mc_risk_array_adopt(cells, 2, 9, 1e-6, &risk, NULL) == MC_OK);
    mc_risk_array_view(risk, &v);
    CHECK(v.n_instruments == 2 && v.n_scenarios == 9 && v.stride == 16 && v.mark == NULL);
    for (size_t i = 0; i < 2; ++i)
        for (size_t z = 0; z < 16; ++z)
            CHECK(v.cells[i * 16 + z] == cells[i * 9 + (z < 9 ? z : 0)]);
    mc_risk_array_destroy(risk);
    mc_risk_array_destroy(NULL);

    cells[3] = 0.5;
    CHECK(mc_risk_array_adopt(cells, 2, 9, 0.0, &risk, NULL) == MC_OK);
    mc_risk_array_destroy(risk);
}

static void cells_that_cannot_be_adopted_are_named_with_their_instrument(void)
{
    double cells[] = {1, 2, 3, 4};
    mc_risk_array *risk = NULL;
    mc_error err;
    CHECK(mc_risk_array_adopt(NULL, 2, 2, 1.0, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_adopt(cells, 0, 2, 1.0, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_adopt(cells, 2, 0, 1.0, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_adopt(cells, 2, 2, 1.0, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_adopt(cells, 1, SIZE_MAX, 1.0, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_adopt(cells, SIZE_MAX, 2, 1.0, &risk, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_risk_array_adopt(cells, 2, 2, -1.0, &risk, NULL) == MC_ERR_DOMAIN);
    CHECK(mc_risk_array_adopt(cells, 2, 2, NAN, &risk, NULL) == MC_ERR_NOT_FINITE);
    cells[2] = 0.5;
    CHECK(mc_risk_array_adopt(cells, 2, 2, 1.0, &risk, &err) == MC_ERR_DOMAIN && err.row == 1);
    cells[2] = NAN;
    CHECK(mc_risk_array_adopt(cells, 2, 2, 1.0, &risk, &err) == MC_ERR_NOT_FINITE && err.row == 1);
    cells[2] = -INFINITY;
    CHECK(mc_risk_array_adopt(cells, 2, 2, 0.0, &risk, &err) == MC_ERR_NOT_FINITE && err.row == 1);
    cells[2] = 0x1p53;
    CHECK(mc_risk_array_adopt(cells, 2, 2, 1.0, &risk, &err) == MC_ERR_EXACTNESS && err.row == 1);
    CHECK(risk == NULL);
    cells[2] = 0x1p53 - 1;
    CHECK(mc_risk_array_adopt(cells, 2, 2, 1.0, &risk, &err) == MC_OK);
    mc_risk_array_destroy(risk);
}

int main(void)
{
    RUN(the_paper_worlds_cells_are_those_on_paper);
    RUN(in_its_own_coin_a_coin_does_not_move);
    RUN(an_inverse_future_moves_with_the_basis_only);
    RUN(an_inverse_option_settles_in_coin);
    RUN(an_event_moves_the_assets_that_follow_it_and_no_contract);
    RUN(past_its_expiry_an_option_is_worth_what_it_pays);
    RUN(every_cell_is_the_revaluation_rounded_to_the_nearest_quantum);
    RUN(an_unrounded_array_holds_the_same_values_unrounded);
    RUN(half_a_quantum_goes_to_the_even_one);
    RUN(the_base_column_is_exactly_0_for_every_size);
    RUN(every_copy_and_any_number_of_threads_give_the_same_bits);
    RUN(a_risk_lot_is_the_smallest_power_of_ten_of_steps_that_moves_enough);
    RUN(lots_that_cannot_be_leave_the_output_alone);
    RUN(every_error_of_create_is_named_and_makes_nothing);
    RUN(a_numeraire_needs_an_instrument_that_moves_it);
    RUN(adopted_cells_are_kept_row_by_row);
    RUN(cells_that_cannot_be_adopted_are_named_with_their_instrument);
    return REPORT();
}
