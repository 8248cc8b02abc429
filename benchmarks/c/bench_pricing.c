/* Options a second of the pricing kernels, every instruction set, one thread.
 *
 * The real work: a market's options repriced on each tick (price, delta, gamma, vega, theta, in
 * columns), and a chain's quotes turned into volatilities. Rows: strikes within +-60 % of the
 * forward, a week to two years, volatility 20 to 120 %; "short" has days to expiry, where the
 * series for small vol sqrt(T) is needed. Compare rows of one run only.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <margin_core/isa.h>
#include <margin_core/pricing.h>

enum { N = 100000, REPEATS = 15 };

static double forward[N], strike[N], years[N], vol[N], discount[N], price[N], out[5][N];
static uint8_t is_call[N];
static mc_option_rows rows;

static double uniform(double low, double high)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * ((double)(state >> 11) * 0x1p-53);
}

static void fill(double years_low, double years_high)
{
    for (int i = 0; i < N; ++i) {
        forward[i] = uniform(50.0, 150.0);
        strike[i] = forward[i] * exp(uniform(-0.6, 0.6));
        years[i] = uniform(years_low, years_high);
        vol[i] = uniform(0.2, 1.2);
        discount[i] = uniform(0.9, 1.0);
        is_call[i] = forward[i] <= strike[i];
    }
    rows = (mc_option_rows){.forward = {forward, 1}, .strike = {strike, 1}, .years = {years, 1},
                            .vol = {vol, 1}, .discount = {discount, 1}, .is_call = is_call,
                            .is_call_stride = 1, .n = N};
}

static mc_status price_only(void)
{
    return mc_black76(&rows, &(mc_greeks){.price = out[0]}, 1, NULL);
}

static mc_status five_results(void)
{
    const mc_greeks greeks = {.price = out[0], .delta = out[1], .gamma = out[2], .vega = out[3],
                              .theta = out[4]};
    return mc_black76(&rows, &greeks, 1, NULL);
}

static mc_status bachelier(void)
{
    const mc_greeks greeks = {.price = out[0], .delta = out[1], .gamma = out[2], .vega = out[3],
                              .theta = out[4]};
    return mc_bachelier(&rows, &greeks, 1, NULL);
}

static mc_status implied_vol(void)
{
    return mc_implied_vol(&rows, (mc_column){price, 1}, out[0], 1, NULL);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ns(mc_status (*work)(void))
{
    double seconds[REPEATS];
    for (int i = 0; i < REPEATS; ++i) {
        const double start = now();
        if (work() != MC_OK)
            abort();
        seconds[i] = now() - start;
    }
    qsort(seconds, REPEATS, sizeof seconds[0], ascending);
    return 1e9 * seconds[REPEATS / 2] / N;
}

int main(void)
{
    static const struct { const char *name; double low, high; } terms[] = {
        {"mixed", 0.02, 2.0}, {"short", 0.001, 0.02}, {"long", 0.25, 2.0},
    };
    const char *name;
    printf("%-8s %-6s %12s %12s %12s %12s\n", "isa", "terms", "price", "price+4", "bachelier+4",
           "implied_vol");
    for (size_t i = 0; (name = mc_isa_at(i)) != NULL; ++i)
        for (size_t t = 0; t < sizeof terms / sizeof terms[0]; ++t) {
            if (mc_isa_select(name, NULL) != MC_OK)
                return 1;
            fill(terms[t].low, terms[t].high);
            if (mc_black76(&rows, &(mc_greeks){.price = price}, 1, NULL) != MC_OK)
                return 1;
            printf("%-8s %-6s %9.2f ns %9.2f ns %9.2f ns %9.2f ns\n", name, terms[t].name,
                   median_ns(price_only), median_ns(five_results), median_ns(bachelier),
                   median_ns(implied_vol));
        }
    return 0;
}
