/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/isa.h>
#include <margin_core/threshold.h>

#include <math.h>

#include "check.h"
#include "bars.h"

enum { STEPS = BARS, UNITS = SERIES };

static made_bars made;
static double ranges[STEPS * UNITS], again[STEPS * UNITS];
static mc_threshold_state state[UNITS], kept[UNITS];

static mc_prices some_prices(size_t first, size_t n)
{
    return (mc_prices){.n_steps = n, .n_units = UNITS, .time_ns = made.end_ns + first,
                       .price_usd = made.close + first * UNITS,
                       .present = made.present + first * UNITS};
}

static void run(const mc_threshold_model *m, size_t step, unsigned threads, double *out)
{
    memset(state, 0, sizeof state);
    for (size_t t = 0; t < STEPS; t += step) {
        const size_t n = step < STEPS - t ? step : STEPS - t;
        const mc_prices prices = some_prices(t, n);
        CHECK(mc_threshold_update(m, &prices, state, out + t * UNITS, threads, NULL) == MC_OK);
    }
}

/* One unit that moves by `move[t]` in hour t, from 100. */
static void one_unit(const mc_threshold_model *m, const double *move, size_t n, double *out)
{
    static int64_t time_ns[STEPS];
    static double price[STEPS];
    mc_threshold_state one = {0};
    for (size_t t = 0; t < n; ++t) {
        time_ns[t] = (int64_t)(t + 1) * HOUR_NS;
        price[t] = (t > 0 ? price[t - 1] : 100.0) * (1.0 + move[t]);
    }
    const mc_prices prices = {.n_steps = n, .n_units = 1, .time_ns = time_ns, .price_usd = price};
    CHECK(mc_threshold_update(m, &prices, &one, out, 1, NULL) == MC_OK);
}

/* Nothing but tail x volatility: each tool is put back alone. */
static mc_threshold_model bare(void)
{
    mc_threshold_model m = threshold_model();
    m.buffer_frac = m.floor_share = m.stress_weight = m.after_share = m.learn_rate = 0.0;
    m.rise_step_frac = m.rise_day_frac = 1e9;
    m.fall_step_frac = m.fall_day_frac = 1.0;
    m.warmup_days = 0.0;
    return m;
}

/* Up and down by the same logarithm every hour: every EWMA is that squared, 24 of them a day. */
static void make_even(double size, double *move)
{
    for (int t = 0; t < STEPS; ++t)
        move[t] = t % 2 ? size : 1.0 / (1.0 + size) - 1.0;
}

static void an_even_market_has_a_range_of_tail_times_its_volatility(void)
{
    double move[STEPS], out[STEPS];
    mc_threshold_model m = bare();
    make_even(0.01, move);
    one_unit(&m, move, STEPS, out);
    const double daily = log(1.01) * sqrt(24.0);
    CHECK(out[0] == 0.0);
    for (int t = 1; t < STEPS; ++t)
        CHECK(fabs(out[t] / (2.5 * daily) - 1.0) < 1e-12);
    m.horizon_days = 4.0;
    m.buffer_frac = 0.25; /* calm: the volatility is the long look-back's */
    one_unit(&m, move, STEPS, out);
    CHECK(fabs(out[STEPS - 1] / (2.0 * 1.25 * 2.5 * daily) - 1.0) < 1e-12);
}

/* 200 lively hours, then nothing moves. */
static void make_fading(double *move)
{
    make_even(0.01, move);
    for (int t = 200; t < STEPS; ++t)
        move[t] = 0.0;
}

static void a_floor_and_the_weight_on_stress_hold_the_range_up_when_it_is_quiet(void)
{
    double move[STEPS], plain[STEPS], out[STEPS];
    mc_threshold_model m = bare();
    const double daily = log(1.01) * sqrt(24.0);
    make_fading(move);
    one_unit(&m, move, STEPS, plain);
    m.floor_share = 0.75;
    one_unit(&m, move, STEPS, out);
    /* The long variance halves in 10 days: in 100 hours of 300 / 24 days so far it loses that. */
    const double kept_share = pow(2.0, -100.0 / 240.0), all = 1.0 - pow(2.0, -299.0 / 240.0);
    const double lasting = daily * sqrt((kept_share * (1.0 - pow(2.0, -199.0 / 240.0))) / all);
    CHECK(fabs(out[STEPS - 1] / (2.5 * 0.75 * lasting) - 1.0) < 1e-12);
    CHECK(plain[STEPS - 1] < out[STEPS - 1]);

    m.floor_share = 0.0;
    m.stress_weight = 0.25;
    one_unit(&m, move, STEPS, out);
    const double stressed = daily * pow(2.0, -100.0 / 480.0);
    CHECK(fabs(out[STEPS - 1] - 0.75 * plain[STEPS - 1] - 0.25 * 2.5 * stressed) < 1e-12);
}

static void the_buffer_is_used_up_as_volatility_rises(void)
{
    double move[STEPS], plain[STEPS], out[STEPS];
    mc_threshold_model m = bare();
    make_even(0.01, move);
    for (int t = 200; t < STEPS; ++t)
        move[t] *= 4.0;
    one_unit(&m, move, STEPS, plain);
    m.buffer_frac = 0.25;
    one_unit(&m, move, STEPS, out);
    CHECK(fabs(out[199] / plain[199] - 1.25) < 1e-12); /* calm: all of it      */
    CHECK(out[STEPS - 1] == plain[STEPS - 1]);         /* stress: none is left */
    for (int t = 1; t < STEPS; ++t)
        CHECK(out[t] >= plain[t] && out[t] <= 1.25 * plain[t] * (1.0 + 1e-15));
}

static void a_range_moves_no_further_than_a_step_and_a_day_allow(void)
{
    mc_threshold_model m = threshold_model();
    size_t at_limit = 0;
    run(&m, STEPS, 1, ranges);
    for (int u = 0; u < UNITS; ++u) {
        double day_start = 0.0;
        for (int t = 1; t < STEPS; ++t) {
            const double before = ranges[(t - 1) * UNITS + u], now = ranges[t * UNITS + u];
            if ((made.end_ns[t] / HOUR_NS - 1) % 24 == 0)
                day_start = before; /* the first hour after midnight */
            if (before == 0.0)
                continue;
            CHECK(now <= before * 1.25 && now >= before * 0.995);
            if (day_start > 0.0 && made.present[t * UNITS + u])
                CHECK(now <= day_start * 2.0 && now >= day_start * 0.96);
            at_limit += now == before * (1.0 - 0.005);
        }
    }
    CHECK(at_limit > 0);
}

static void an_exceedance_raises_the_tail_and_days_without_one_lower_it(void)
{
    double move[STEPS], plain[STEPS], out[STEPS];
    mc_threshold_model m = bare();
    make_even(0.01, move);
    move[2 * 24 + 12] = 0.2; /* the third day's move is beyond the range, 0.12 */
    one_unit(&m, move, STEPS, plain);
    m.learn_rate = 0.1;
    one_unit(&m, move, STEPS, out);
    /* Hour 24 k ends day k, and is step 24 k - 1. */
    CHECK(fabs(out[2 * 24 - 1] / plain[2 * 24 - 1] - exp(-0.001)) < 1e-12);
    CHECK(fabs(out[3 * 24 - 1] / plain[3 * 24 - 1] - exp(-0.001 + 0.099)) < 1e-12);
    CHECK(fabs(out[8 * 24 - 1] / plain[8 * 24 - 1] - exp(-0.006 + 0.099)) < 1e-12);
    m.learn_most = 1.01;
    one_unit(&m, move, STEPS, out);
    CHECK(fabs(out[3 * 24 - 1] / plain[3 * 24 - 1] - 1.01) < 1e-12);
}

static void after_a_shock_the_range_covers_another_one(void)
{
    double move[STEPS], out[STEPS];
    mc_threshold_model m = bare();
    make_even(0.01, move);
    move[100] = -0.1; /* from 100, where midnight was */
    m.fast_weight = 0.0;
    m.tail = 1.0;
    m.after_share = 1.25;
    one_unit(&m, move, STEPS, out);
    CHECK(fabs(out[100] / (1.25 * 0.1) - 1.0) < 1e-12 && out[99] < 0.05 && out[101] < out[100]);
}

/* The widest jump that doubles hold does not stay in the state for ever. */
static void a_monstrous_jump_is_forgotten_too(void)
{
    static int64_t time_ns[STEPS];
    static double price[STEPS], out[STEPS];
    mc_threshold_state one = {0};
    mc_threshold_model m = bare();
    m.after_share = 1.25;
    for (int t = 0; t < STEPS; ++t) {
        time_ns[t] = (t + 1) * 24 * HOUR_NS;
        price[t] = t == 10 ? 5e-324 : t == 11 ? 1e308 : 100.0 * (1.0 + 0.01 * (t % 2));
    }
    const mc_prices prices = {.n_steps = STEPS, .n_units = 1, .time_ns = time_ns, .price_usd = price};
    CHECK(mc_threshold_update(&m, &prices, &one, out, 1, NULL) == MC_OK);
    for (int t = 1; t < STEPS; ++t)
        CHECK(out[t] > 0.0 && out[t] <= 0.9);
    CHECK(out[12] == 0.9 && out[STEPS - 1] < 0.9);
}

static void how_prices_are_cut_into_calls_does_not_show(void)
{
    const mc_threshold_model m = threshold_model();
    run(&m, STEPS, 1, ranges);
    memcpy(kept, state, sizeof state);
    run(&m, 1, 1, again);
    CHECK(memcmp(ranges, again, sizeof ranges) == 0 && memcmp(kept, state, sizeof state) == 0);
}

static void every_instruction_set_and_number_of_threads_agree_to_the_bit(void)
{
    const mc_threshold_model m = threshold_model();
    const char *isa;
    CHECK(mc_isa_select("generic", NULL) == MC_OK);
    run(&m, STEPS, 1, ranges);
    memcpy(kept, state, sizeof state);
    for (size_t i = 0; (isa = mc_isa_at(i)) != NULL; ++i) {
        CHECK(mc_isa_select(isa, NULL) == MC_OK);
        for (unsigned threads = 1; threads < 4; ++threads) {
            run(&m, STEPS, threads, again);
            CHECK(memcmp(ranges, again, sizeof ranges) == 0);
            CHECK(memcmp(kept, state, sizeof state) == 0);
        }
    }
}

static void check_refused(const mc_threshold_model *m, mc_prices prices, mc_status status,
                          int64_t row, const char *word)
{
    const mc_threshold_model good = threshold_model();
    const mc_prices first = some_prices(0, 2);
    mc_error err = {.row = 99};
    memset(state, 0, sizeof state);
    CHECK(mc_threshold_update(&good, &first, state, NULL, 1, NULL) == MC_OK);
    memcpy(kept, state, sizeof state);
    ranges[0] = 7.0;
    CHECK(mc_threshold_update(m, &prices, state, ranges, 1, &err) == status);
    CHECK(err.row == row && strstr(err.message, word) != NULL);
    CHECK(ranges[0] == 7.0 && memcmp(kept, state, sizeof state) == 0);
}

static void a_bad_price_or_time_is_named_and_nothing_is_remembered_of_it(void)
{
    mc_threshold_model m = threshold_model();
    const size_t at = 4 * UNITS + 3;
    made.present[at] = 1;
    made.close[at] = 0.0;
    check_refused(&m, some_prices(2, 9), MC_ERR_DOMAIN, 2, "unit 3");
    made.close[at] = NAN;
    check_refused(&m, some_prices(2, 9), MC_ERR_NOT_FINITE, 2, "unit 3");
    make_bars(&made, 480001, 7);
    check_refused(&m, some_prices(0, 9), MC_ERR_ORDER, 0, "already");
    made.end_ns[5] = made.end_ns[4];
    check_refused(&m, some_prices(2, 9), MC_ERR_ORDER, 3, "does not rise");
    make_bars(&made, 480001, 7);
    check_refused(&m, some_prices(40, 9), MC_ERR_ORDER, 0, "had no price for");
}

static void a_parameter_out_of_range_is_named(void)
{
    const mc_threshold_model good = threshold_model();
    mc_threshold_model bad = good;
    bad.size = 1;
    check_refused(&bad, some_prices(2, 9), MC_ERR_ARGUMENT, -1, "size");
    bad = good;
    bad.slow_half_life_days = 0.1;
    check_refused(&bad, some_prices(2, 9), MC_ERR_DOMAIN, -1, "slow_half_life_days");
    bad = good;
    bad.tail = NAN;
    check_refused(&bad, some_prices(2, 9), MC_ERR_NOT_FINITE, -1, "tail");
    bad = good;
    bad.most_frac = 1.0;
    check_refused(&bad, some_prices(2, 9), MC_ERR_DOMAIN, -1, "most_frac");
    check_refused(&good, (mc_prices){.n_steps = 1, .n_units = 1}, MC_ERR_ARGUMENT, -1, "no prices");
}

int main(void)
{
    make_bars(&made, 480001, 7);
    RUN(an_even_market_has_a_range_of_tail_times_its_volatility);
    RUN(a_floor_and_the_weight_on_stress_hold_the_range_up_when_it_is_quiet);
    RUN(the_buffer_is_used_up_as_volatility_rises);
    RUN(a_range_moves_no_further_than_a_step_and_a_day_allow);
    RUN(an_exceedance_raises_the_tail_and_days_without_one_lower_it);
    RUN(after_a_shock_the_range_covers_another_one);
    RUN(a_monstrous_jump_is_forgotten_too);
    RUN(how_prices_are_cut_into_calls_does_not_show);
    RUN(every_instruction_set_and_number_of_threads_agree_to_the_bit);
    RUN(a_bad_price_or_time_is_named_and_nothing_is_remembered_of_it);
    RUN(a_parameter_out_of_range_is_named);
    return REPORT();
}
