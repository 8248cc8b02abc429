/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/isa.h>
#include <margin_core/volatility.h>

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "bars.h"

enum { WINDOW = 24, CELLS = BARS * SERIES };

static made_bars made;
static double vol[CELLS], again[CELLS];
static uint8_t ready[CELLS], ready_again[CELLS];

static double *fresh(const mc_vol_options *o, size_t n_series, mc_vol_state *state)
{
    *state = (mc_vol_state){.n_series = n_series,
                            .memory = calloc(mc_vol_memory(o) * n_series, sizeof(double))};
    return state->memory;
}

/* The whole history in calls of `step` bars. */
static void run(const mc_vol_options *o, size_t first, size_t step, double *v, uint8_t *r)
{
    mc_vol_state state;
    double *memory = fresh(o, SERIES, &state);
    for (size_t b = first; b < BARS; b += step) {
        const size_t n = step < BARS - b ? step : BARS - b;
        const mc_bars bars = some_bars(&made, b, n);
        CHECK(mc_vol_update(o, &bars, &state, v + b * SERIES, r + b * SERIES, NULL) == MC_OK);
    }
    CHECK(state.end_ns == made.end_ns[BARS - 1]);
    free(memory);
}

static double one_series(const mc_vol_options *o, size_t n, const double *open, const double *high,
                         const double *low, const double *close)
{
    int64_t end_ns[8];
    double out[8];
    mc_vol_state state;
    double *memory = fresh(o, 1, &state);
    for (size_t i = 0; i < n; ++i)
        end_ns[i] = (int64_t)(i + 1) * HOUR_NS;
    const mc_bars bars = {.n_bars = n, .n_series = 1, .end_ns = end_ns, .open = open, .high = high,
                          .low = low, .close = close};
    CHECK(mc_vol_update(o, &bars, &state, out, NULL, NULL) == MC_OK);
    free(memory);
    return out[n - 1];
}

static int near(double vol_of_year, double variance)
{
    return fabs(vol_of_year - sqrt(8760.0 * variance)) <= 1e-13 * vol_of_year;
}

/* Each formula once, written out for the least window, with libm's logarithm. */
static void three_bars_give_what_the_papers_say(void)
{
    const double open[] = {100.0, 101.0, 103.0}, high[] = {102.0, 104.0, 103.5};
    const double low[] = {99.0, 100.5, 100.0}, close[] = {101.5, 102.0, 101.0};
    double r[3], o[3], u[3], d[3], c[3], rs[3];
    mc_vol_options options;
    for (int i = 0; i < 3; ++i) {
        r[i] = i > 0 ? log(close[i] / close[i - 1]) : 0.0;
        o[i] = i > 0 ? log(open[i] / close[i - 1]) : 0.0;
        u[i] = log(high[i] / open[i]);
        d[i] = log(low[i] / open[i]);
        c[i] = log(close[i] / open[i]);
        rs[i] = u[i] * (u[i] - c[i]) + d[i] * (d[i] - c[i]);
    }
    const double span = (u[1] - d[1]) * (u[1] - d[1]) + (u[2] - d[2]) * (u[2] - d[2]);
    const double k = 0.34 / (1.34 + 3.0);
    const double two = (o[1] - o[2]) * (o[1] - o[2]), body = (c[1] - c[2]) * (c[1] - c[2]);
    const struct { mc_vol_kind kind; double variance; } expected[] = {
        {MC_VOL_CLOSE, (r[1] - r[2]) * (r[1] - r[2]) / 2.0},
        {MC_VOL_PARKINSON, span / (8.0 * log(2.0))},
        {MC_VOL_GARMAN_KLASS,
         (0.5 * span - (2.0 * log(2.0) - 1.0) * (c[1] * c[1] + c[2] * c[2])) / 2.0},
        {MC_VOL_ROGERS_SATCHELL, (rs[1] + rs[2]) / 2.0},
        {MC_VOL_YANG_ZHANG, two / 2.0 + k * body / 2.0 + (1.0 - k) * (rs[1] + rs[2]) / 2.0},
        {MC_VOL_REALISED, (r[1] * r[1] + r[2] * r[2]) / 2.0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; ++i) {
        options = vol_options(expected[i].kind, 2);
        CHECK(near(one_series(&options, 3, open, high, low, close), expected[i].variance));
    }
    options = vol_options(MC_VOL_EWMA, 3);
    const double kept = pow(2.0, -1.0 / 3.0);
    CHECK(near(one_series(&options, 3, NULL, NULL, NULL, close),
               (kept * r[1] * r[1] + r[2] * r[2]) / (1.0 + kept)));
    const double more[] = {101.5, 102.0, 101.0, 103.0};
    options = vol_options(MC_VOL_BIPOWER, 2);
    CHECK(near(one_series(&options, 4, NULL, NULL, NULL, more),
               acos(-1.0) / 4.0
                   * (fabs(r[1] * r[2]) + fabs(r[2] * log(103.0 / 101.0)))));
}

static void how_the_bars_are_cut_into_calls_does_not_show(void)
{
    for (int32_t kind = 0; kind < MC_VOL_KIND_END; ++kind) {
        const mc_vol_options o = vol_options(kind, WINDOW);
        run(&o, 0, BARS, vol, ready);
        run(&o, 0, 1, again, ready_again);
        CHECK(memcmp(vol, again, sizeof vol) == 0 && memcmp(ready, ready_again, sizeof ready) == 0);
        run(&o, 0, 37, again, ready_again);
        CHECK(memcmp(vol, again, sizeof vol) == 0 && memcmp(ready, ready_again, sizeof ready) == 0);
    }
}

/* A window knows its bars, the close before them, and for bipower the return before that. */
static void where_a_stream_begins_does_not_show_in_a_window(void)
{
    for (int i = 0; i < CELLS; ++i)
        if (!made.present[i]) { /* an absent bar would need one more before it */
            made.present[i] = 1;
            made.high[i] = made.open[i];
            made.close[i] = made.low[i];
        }
    for (int32_t kind = MC_VOL_CLOSE; kind < MC_VOL_KIND_END; ++kind) {
        const mc_vol_options o = vol_options(kind, WINDOW);
        run(&o, 0, BARS, vol, ready);
        for (size_t first = 1; first < 60; first += 19) {
            const size_t whole = (first + WINDOW + 2) * SERIES;
            run(&o, first, BARS, again, ready_again);
            CHECK(memcmp(vol + whole, again + whole, sizeof vol - whole * sizeof *vol) == 0);
        }
    }
    make_bars(&made, 480001, 7);
}

static void a_shock_that_has_left_the_window_leaves_nothing_behind(void)
{
    enum { N = 4000 };
    static double close[N], out[N], calm_out[N];
    static int64_t end_ns[N];
    const mc_vol_options o = vol_options(MC_VOL_CLOSE, 50);
    for (int pass = 0; pass < 2; ++pass) {
        mc_vol_state state;
        double *memory = fresh(&o, 1, &state);
        for (int i = 0; i < N; ++i) {
            end_ns[i] = (i + 1) * HOUR_NS;
            close[i] = 100.0 + 1e-6 * (i % 7);
            if (pass == 0 && i == 100)
                close[i] = 1e12;
        }
        const mc_bars bars = {.n_bars = N, .n_series = 1, .end_ns = end_ns, .close = close};
        CHECK(mc_vol_update(&o, &bars, &state, pass == 0 ? out : calm_out, NULL, NULL) == MC_OK);
        free(memory);
    }
    CHECK(out[120] > 1.0);
    CHECK(memcmp(out + 152, calm_out + 152, (N - 152) * sizeof *out) == 0);
}

static void every_instruction_set_and_number_of_threads_agree_to_the_bit(void)
{
    const char *isa;
    for (int32_t kind = 0; kind < MC_VOL_KIND_END; ++kind) {
        mc_vol_options o = vol_options(kind, WINDOW);
        CHECK(mc_isa_select("generic", NULL) == MC_OK);
        run(&o, 0, BARS, vol, ready);
        for (size_t i = 0; (isa = mc_isa_at(i)) != NULL; ++i) {
            CHECK(mc_isa_select(isa, NULL) == MC_OK);
            for (o.n_threads = 1; o.n_threads < 4; ++o.n_threads) {
                run(&o, 0, BARS, again, ready_again);
                CHECK(memcmp(vol, again, sizeof vol) == 0);
                CHECK(memcmp(ready, ready_again, sizeof ready) == 0);
            }
        }
    }
}

static void no_value_is_given_before_there_is_enough_and_none_is_nan(void)
{
    for (int32_t kind = 0; kind < MC_VOL_KIND_END; ++kind) {
        mc_vol_options o = vol_options(kind, WINDOW);
        o.least = 20;
        run(&o, 0, BARS, vol, ready);
        size_t n_ready = 0;
        for (size_t i = 0; i < CELLS; ++i) {
            CHECK(vol[i] >= 0.0 && vol[i] < 100.0 && (ready[i] || vol[i] == 0.0));
            CHECK(!(ready[i] && i < 19 * SERIES));
            n_ready += ready[i];
        }
        CHECK(n_ready > CELLS / 2);
    }
}

/* An hour without a bar: the return after it counts for two. */
static void a_return_over_an_absent_bar_is_counted_with_its_time(void)
{
    const double close[] = {100.0, 101.0, 1.0, 104.0};
    const uint8_t present[] = {1, 1, 0, 1};
    const int64_t end_ns[] = {HOUR_NS, 2 * HOUR_NS, 3 * HOUR_NS, 4 * HOUR_NS};
    const double a = log(1.01), b = log(104.0 / 101.0);
    const struct { mc_vol_kind kind; double variance; } expected[] = {
        {MC_VOL_REALISED, (a * a + b * b) / 3.0},
        {MC_VOL_CLOSE, (a - b) * (a - b) / 2.0 * (2.0 / 3.0)},
    };
    for (size_t i = 0; i < 2; ++i) {
        const mc_vol_options o = vol_options(expected[i].kind, 4);
        double out[4];
        mc_vol_state state;
        double *memory = fresh(&o, 1, &state);
        const mc_bars bars = {.n_bars = 4, .n_series = 1, .end_ns = end_ns, .close = close,
                              .present = present};
        CHECK(mc_vol_update(&o, &bars, &state, out, NULL, NULL) == MC_OK);
        CHECK(near(out[3], expected[i].variance));
        free(memory);
    }
}

static void check_refused(const mc_vol_options *o, mc_bars bars, mc_status status, int64_t row,
                          const char *word)
{
    mc_vol_state state;
    mc_error err = {.row = 99};
    const size_t bytes = mc_vol_memory(o) * SERIES * sizeof(double);
    double *memory = fresh(o, SERIES, &state);
    double *before = malloc(bytes);
    const mc_bars good = some_bars(&made, 0, 2);
    CHECK(mc_vol_update(o, &good, &state, NULL, NULL, NULL) == MC_OK);
    memcpy(before, memory, bytes);
    vol[0] = 7.0;
    CHECK(mc_vol_update(o, &bars, &state, vol, ready, &err) == status);
    CHECK(err.row == row && strstr(err.message, word) != NULL);
    CHECK(vol[0] == 7.0 && state.end_ns == made.end_ns[1]);
    CHECK(memcmp(before, memory, bytes) == 0);
    free(before);
    free(memory);
}

static void a_bad_bar_is_named_and_nothing_is_remembered_of_it(void)
{
    const mc_vol_options o = vol_options(MC_VOL_YANG_ZHANG, WINDOW);
    const mc_vol_options closes = vol_options(MC_VOL_REALISED, WINDOW);
    const size_t at = 4 * SERIES + 3; /* bar 2 of those that begin with 2 */
    const struct { double *column; double value; mc_status status; const char *word; } prices[] = {
        {made.close, 0.0, MC_ERR_DOMAIN, "close must be positive"},
        {made.open, -1.0, MC_ERR_DOMAIN, "open must be positive"},
        {made.low, NAN, MC_ERR_NOT_FINITE, "low"},
        {made.high, INFINITY, MC_ERR_NOT_FINITE, "high"},
        {made.high, 1e-3, MC_ERR_DOMAIN, "below low"},
        {made.close, 1e9, MC_ERR_DOMAIN, "not between"},
    };
    made.present[at] = 1;
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; ++i) {
        const double kept = prices[i].column[at];
        prices[i].column[at] = prices[i].value;
        check_refused(&o, some_bars(&made, 2, 9), prices[i].status, 2, prices[i].word);
        prices[i].column[at] = kept;
    }
    made.close[at] = NAN;
    check_refused(&closes, some_bars(&made, 2, 9), MC_ERR_NOT_FINITE, 2, "series 3");
    make_bars(&made, 480001, 7);
}

static void time_that_repeats_goes_back_or_leaves_a_gap_is_refused(void)
{
    const mc_vol_options o = vol_options(MC_VOL_REALISED, WINDOW);
    check_refused(&o, some_bars(&made, 1, 5), MC_ERR_ORDER, 0, "before or with");
    check_refused(&o, some_bars(&made, 0, 5), MC_ERR_ORDER, 0, "before or with");
    check_refused(&o, some_bars(&made, 4, 5), MC_ERR_ORDER, 0, "gap of 2 intervals");
    made.end_ns[5] += 1;
    check_refused(&o, some_bars(&made, 2, 5), MC_ERR_ORDER, 3, "multiple");
    made.end_ns[5] = -HOUR_NS;
    check_refused(&o, some_bars(&made, 2, 5), MC_ERR_ORDER, 3, "multiple");
    make_bars(&made, 480001, 7);
}

static void illegal_options_need_no_memory_and_are_refused(void)
{
    const mc_vol_options good = vol_options(MC_VOL_CLOSE, WINDOW);
    mc_vol_options bad[] = {good, good, good, good, good, good, vol_options(MC_VOL_EWMA, 3)};
    bad[0].size = 0;
    bad[1].kind = MC_VOL_KIND_END;
    bad[2].interval_ns = 0;
    bad[3].window = 1;
    bad[4].least = WINDOW + 1;
    bad[5].least = 1;
    bad[6].half_life = NAN;
    mc_bars bars = some_bars(&made, 0, 5);
    mc_vol_state state;
    double *memory = fresh(&good, SERIES, &state);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        CHECK(mc_vol_memory(&bad[i]) == 0);
        CHECK(mc_vol_update(&bad[i], &bars, &state, vol, NULL, NULL) == MC_ERR_ARGUMENT);
    }
    state.n_series = SERIES - 1;
    CHECK(mc_vol_update(&good, &bars, &state, vol, NULL, NULL) == MC_ERR_ARGUMENT);
    state.n_series = SERIES;
    bars.close = NULL;
    CHECK(mc_vol_update(&good, &bars, &state, vol, NULL, NULL) == MC_ERR_ARGUMENT);
    const mc_vol_options shape = vol_options(MC_VOL_PARKINSON, 2);
    bars = some_bars(&made, 0, 5);
    bars.low = NULL;
    CHECK(mc_vol_update(&shape, &bars, &state, vol, NULL, NULL) == MC_ERR_ARGUMENT);
    bars = some_bars(&made, 0, 0);
    CHECK(mc_vol_update(&good, &bars, &state, vol, NULL, NULL) == MC_OK && state.end_ns == 0);
    free(memory);
}

int main(void)
{
    make_bars(&made, 480001, 7);
    RUN(three_bars_give_what_the_papers_say);
    RUN(how_the_bars_are_cut_into_calls_does_not_show);
    RUN(where_a_stream_begins_does_not_show_in_a_window);
    RUN(a_shock_that_has_left_the_window_leaves_nothing_behind);
    RUN(every_instruction_set_and_number_of_threads_agree_to_the_bit);
    RUN(no_value_is_given_before_there_is_enough_and_none_is_nan);
    RUN(a_return_over_an_absent_bar_is_counted_with_its_time);
    RUN(a_bad_bar_is_named_and_nothing_is_remembered_of_it);
    RUN(time_that_repeats_goes_back_or_leaves_a_gap_is_refused);
    RUN(illegal_options_need_no_memory_and_are_refused);
    return REPORT();
}
