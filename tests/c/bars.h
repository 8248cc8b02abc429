/* bars.h - made-up bars of several series, the same on every machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_TESTS_BARS_H
#define MC_TESTS_BARS_H

#include <margin_core/threshold.h>
#include <margin_core/volatility.h>

#include "world.h"

enum { SERIES = 70, BARS = 300 }; /* more than a chunk of series, several windows of bars */

static const int64_t HOUR_NS = INT64_C(3600000000000);

typedef struct made_bars {
    int64_t end_ns[BARS];
    double open[BARS * SERIES], high[BARS * SERIES], low[BARS * SERIES], close[BARS * SERIES];
    uint8_t present[BARS * SERIES];
} made_bars;

static inline double larger(double a, double b) { return a > b ? a : b; }
static inline double smaller(double a, double b) { return a < b ? a : b; }

/* Random walks with jumps between bars; one bar in 20 is absent, its prices rubbish. */
static inline void make_bars(made_bars *m, int64_t first_hour, uint64_t seed)
{
    chance c = {seed};
    double last[SERIES];
    for (int s = 0; s < SERIES; ++s)
        last[s] = draw_between(&c, 1.0, 1e5);
    for (int b = 0; b < BARS; ++b) {
        m->end_ns[b] = (first_hour + b) * HOUR_NS;
        for (int s = 0; s < SERIES; ++s) {
            const int at = b * SERIES + s;
            m->open[at] = last[s] * draw_between(&c, 0.998, 1.002);
            m->close[at] = m->open[at] * draw_between(&c, 0.97, 1.03);
            m->high[at] = larger(m->open[at], m->close[at]) * draw_between(&c, 1.0, 1.01);
            m->low[at] = smaller(m->open[at], m->close[at]) * draw_between(&c, 0.99, 1.0);
            m->present[at] = draw_below(&c, 20) != 0;
            if (m->present[at])
                last[s] = m->close[at];
            else
                m->close[at] = m->high[at] = -1.0;
        }
    }
}

/* Bars `first` .. `first + n - 1`. */
static inline mc_bars some_bars(const made_bars *m, size_t first, size_t n)
{
    const size_t at = first * SERIES;
    return (mc_bars){.n_bars = n, .n_series = SERIES, .end_ns = m->end_ns + first,
                     .open = m->open + at, .high = m->high + at, .low = m->low + at,
                     .close = m->close + at, .present = m->present + at};
}

static inline mc_vol_options vol_options(int32_t kind, size_t window)
{
    mc_vol_options o = {.size = sizeof o, .kind = kind, .interval_ns = HOUR_NS, .least = 2,
                        .n_threads = 1};
    if (kind == MC_VOL_EWMA)
        o.half_life = (double)window;
    else
        o.window = window;
    return o;
}

static inline mc_threshold_model threshold_model(void)
{
    return (mc_threshold_model){
        .size = sizeof(mc_threshold_model), .fast_half_life_days = 0.5, .slow_half_life_days = 2.0,
        .long_half_life_days = 10.0, .fast_weight = 0.25, .buffer_frac = 0.25, .floor_share = 0.75,
        .stress_weight = 0.25, .stress_half_life_days = 20.0, .after_share = 1.25,
        .after_half_life_days = 1.0, .tail = 2.5, .horizon_days = 1.0, .level = 0.99,
        .learn_rate = 0.05, .learn_most = 2.0, .rise_step_frac = 0.25, .rise_day_frac = 1.0,
        .fall_step_frac = 0.005, .fall_day_frac = 0.03, .least_frac = 0.001, .most_frac = 0.9,
        .warmup_days = 1.0, .gap_days = 1.0};
}

#endif
