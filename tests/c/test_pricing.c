/* Black-76, Bachelier and implied volatility: reference values, limits, errors, and the same bits
 * on every instruction set, thread count, position and subset. The dense comparison with 60-digit
 * arithmetic is tests/python/test_pricing_accuracy.py. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <margin_core/isa.h>
#include <margin_core/pricing.h>

#include "check.h"
#include "kernels/kernels.h"

enum { N = 1000, N_GREEKS = 8, LARGE = 50001 };

static double forward[LARGE], strike[LARGE], years[LARGE], vol[LARGE], discount[LARGE];
static uint8_t is_call[LARGE];

static uint64_t state = 1;

static double uniform(double low, double high)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * ((double)(state >> 11) * 0x1p-53);
}

/* |ln F/K| <= 3, vol sqrt(T) in [1e-6, 5], and every 16th row a limit. */
static void fill(size_t n)
{
    state = 1;
    for (size_t i = 0; i < n; ++i) {
        const double s = exp(uniform(log(1e-6), log(5.0)));
        const double x = i % 3 == 0 ? uniform(-3.0, 3.0) : uniform(-7.5, 7.5) * s;
        forward[i] = exp(uniform(-3.0, 12.0));
        strike[i] = forward[i] * exp(fmax(fmin(x, 3.0), -3.0));
        years[i] = exp(uniform(log(1e-4), log(10.0)));
        vol[i] = s / sqrt(years[i]);
        discount[i] = uniform(0.5, 1.1);
        is_call[i] = uniform(0.0, 1.0) < 0.5;
        switch (i % 80) {
        case 15: vol[i] = 0.0; break;
        case 31: years[i] = 0.0; break;
        case 47: forward[i] = 0.0; break;
        case 63: strike[i] = 0.0; break;
        case 79: strike[i] = forward[i]; break;
        default: break;
        }
    }
}

static mc_option_rows rows_from(size_t first, size_t n)
{
    return (mc_option_rows){
        .forward = {forward + first, 1}, .strike = {strike + first, 1}, .years = {years + first, 1},
        .vol = {vol + first, 1}, .discount = {discount + first, 1}, .is_call = is_call + first,
        .is_call_stride = 1, .n = n,
    };
}

static mc_greeks greeks_at(double *out, size_t n, unsigned wanted)
{
    double *column[N_GREEKS];
    for (unsigned g = 0; g < N_GREEKS; ++g)
        column[g] = (wanted >> g) & 1 ? out + g * n : NULL;
    return (mc_greeks){column[0], column[1], column[2], column[3],
                       column[4], column[5], column[6], column[7]};
}

typedef mc_status pricer(const mc_option_rows *, const mc_greeks *, unsigned, mc_error *);
static pricer *const pricers[] = {mc_black76, mc_bachelier};

/* One row, plain numbers. */
static mc_status price_one(pricer *f, double fwd, double k, double t, double v, double d, int call,
                           double out[N_GREEKS], mc_error *err)
{
    const uint8_t side = (uint8_t)call;
    const mc_option_rows row = {.forward = {&fwd, 0}, .strike = {&k, 0}, .years = {&t, 0},
                                .vol = {&v, 0}, .discount = {&d, 0}, .is_call = &side, .n = 1};
    const mc_greeks greeks = greeks_at(out, 1, 0xff);
    return f(&row, &greeks, 1, err);
}

static void values_agree_with_60_digits(void)
{
    /* forward, strike, years, vol, discount, call; the eight results by mpmath. */
    static const struct { double in[6]; double want[N_GREEKS]; } cases[] = {
        {{100.0, 100.0, 1.0, 0.2, 1.0, 1.0},
         {7.9655674554057967, 0.53982783727702899, 0.019847627373850586, 39.695254747701178,
          -0.010875412259644158, 46.017216272297098, 0.19847627373850588, -1.9847627373850589}},
        {{100.0, 110.0, 0.25, 0.5, 0.99, 1.0},
         {6.1285221496306637, 0.39489365941871107, 0.015287888780591204, 19.109860975739007,
          -0.051680783978579073, 8.3402109480601112, 0.38696759058002872, 4.9578426862006015}},
        {{90000.0, 60000.0, 0.08, 0.65, 1.0, 0.0},
         {64.787589445365711, -0.010799026093563669, 1.7223940165731949e-06, 725.47235978062974,
          -8.074606744133721, -82.935995029287668, -0.092667076235254928, 5419.2931853775171}},
        {{90000.0, 150000.0, 0.02, 0.9, 1.0, 1.0},
         {0.099371612423174355, 3.9110625141503786e-05, 1.4263894850795306e-08, 2.0796758692459556,
          -0.12819919741927124, 0.068411693006243335, 0.00074019005327814573, 37.211250623963764}},
        {{1.0, 1.0000001, 0.015625, 1e-05, 1.05, 0.0},
         {5.7778643367497167e-07, -0.55847517799454771, 334040.88943737425, 0.052193888974589736,
          -5.070198177785358e-08, -0.0087261836840778345, 3340.4348262481508, 33.404085640297104}},
        {{3000.0, 3000.0, 0.00390625, 0.03125, 0.9, 1.0},
         {2.1037968474149213, 0.4503506328079025, 0.061277505050261721, 67.321477716351993,
          -0.58230599443992859, 5.2693285217823931, 0.011220246286058666, -0.0020544884556992185}},
        {{50.0, 400.0, 4.0, 2.4, 0.8, 0.0},
         {318.27852186928709, -0.019683292745097426, 0.00019222601509372934, 4.6134243622495035,
          0.044853212631678546, -1277.0507460261679, 0.054461801147025785, -10.711454530706355}},
        {{2.0, 1.9, 0.5, 0.1, 1.0, 1.0},
         {0.11885458256355691, 0.7765974147560275, 2.1121388718576926, 0.4224277743715385,
          -0.00011573363681412014, 0.71717012347424902, -2.0611642752388271, 2.2175363327804907}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        const double *in = cases[i].in;
        double got[N_GREEKS];
        CHECK(price_one(mc_black76, in[0], in[1], in[2], in[3], in[4], in[5] != 0.0, got, NULL)
              == MC_OK);
        for (int g = 0; g < N_GREEKS; ++g)
            CHECK(fabs(got[g] - cases[i].want[g]) <= 1e-13 * fabs(cases[i].want[g]));
    }
}

static void every_copy_returns_the_same_bits(void)
{
    static double first[N_GREEKS * N], other[N_GREEKS * N];
    const mc_option_rows rows = rows_from(0, N);
    fill(N);
    for (int f = 0; f < 2; ++f) {
        const mc_kernels *copy;
        for (size_t i = 0; (copy = mc_kernels_at(i)) != NULL; ++i) {
            double *out = i == 0 ? first : other;
            const mc_greeks greeks = greeks_at(out, N, 0xff);
            (f == 0 ? copy->black76 : copy->bachelier)(&rows, &greeks, 0, N);
            CHECK(memcmp(first, out, sizeof first) == 0);
        }
    }
}

static void every_copy_finds_the_same_volatility(void)
{
    static double price[N], first[N], other[N];
    const mc_option_rows rows = rows_from(0, N);
    const mc_greeks greeks = {.price = price};
    const mc_kernels *copy;
    fill(N);
    mc_kernels_at(0)->black76(&rows, &greeks, 0, N);
    for (size_t i = 0; (copy = mc_kernels_at(i)) != NULL; ++i) {
        double *out = i == 0 ? first : other;
        copy->implied_vol(&rows, (mc_column){price, 1}, out, 0, N);
        CHECK(memcmp(first, out, sizeof first) == 0);
        CHECK(copy->has_vol(&rows, (mc_column){price, 1}, 0, 14));
    }
}

static uint64_t hash(uint64_t h, const double *x, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)x;
    for (size_t i = 0; i < n * sizeof *x; ++i)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return h;
}

/* One number for gcc and clang, -O0 to -O3, and every copy; the inputs need no libm. A change of
 * it is a change of results: say so in the changelog. */
static void every_compiler_returns_the_same_bits(void)
{
    static double out[N_GREEKS * N], found[N];
    state = 1;
    for (size_t i = 0; i < N; ++i) {
        forward[i] = uniform(50.0, 150.0);
        strike[i] = uniform(50.0, 150.0);
        years[i] = i % 4 == 0 ? uniform(0.0, 1e-3) : uniform(0.0, 3.0);
        vol[i] = uniform(0.05, 1.5);
        discount[i] = uniform(0.8, 1.02);
        is_call[i] = uniform(0.0, 1.0) < 0.5;
    }
    const mc_option_rows rows = rows_from(0, N);
    const mc_greeks greeks = greeks_at(out, N, 0xff);
    const char *name;
    for (size_t i = 0; (name = mc_isa_at(i)) != NULL; ++i) {
        CHECK(mc_isa_select(name, NULL) == MC_OK);
        CHECK(mc_black76(&rows, &greeks, 1, NULL) == MC_OK);
        uint64_t h = hash(UINT64_C(0xcbf29ce484222325), out, N_GREEKS * N);
        CHECK(mc_implied_vol(&rows, (mc_column){out, 1}, found, 1, NULL) == MC_OK);
        h = hash(h, found, N);
        CHECK(mc_bachelier(&rows, &greeks, 1, NULL) == MC_OK);
        h = hash(h, out, N_GREEKS * N);
        if (h != UINT64_C(0x7d196236ab634ef8))
            fprintf(stderr, "%s: 0x%016llx\n", name, (unsigned long long)h);
        CHECK(h == UINT64_C(0x7d196236ab634ef8));
    }
}

/* A row alone, at any offset, in any batch and on any thread, for any subset of results. */
static void a_row_has_its_bits_wherever_it_stands(void)
{
    static double whole[N_GREEKS * N], part[N_GREEKS * N];
    fill(N);
    for (int f = 0; f < 2; ++f) {
        const mc_option_rows all = rows_from(0, N);
        const mc_greeks greeks = greeks_at(whole, N, 0xff);
        CHECK(pricers[f](&all, &greeks, 1, NULL) == MC_OK);
        for (size_t first = 0; first < 300; first += 7)
            for (size_t n = 1; n <= 129; n += 32) {
                const mc_option_rows some = rows_from(first, n);
                const mc_greeks few = greeks_at(part, n, 0xff);
                CHECK(pricers[f](&some, &few, 1, NULL) == MC_OK);
                for (int g = 0; g < N_GREEKS; ++g)
                    CHECK(memcmp(part + g * n, whole + g * N + first, n * sizeof *part) == 0);
            }
        for (unsigned wanted = 0; wanted < 256; ++wanted) {
            const mc_option_rows some = rows_from(0, 131);
            const mc_greeks few = greeks_at(part, 131, wanted);
            memset(part, 0x55, sizeof part);
            CHECK(pricers[f](&some, &few, 1, NULL) == MC_OK);
            for (unsigned g = 0; g < N_GREEKS; ++g)
                for (size_t i = 0; i < 131; ++i) {
                    static const unsigned char untouched[8] = {0x55, 0x55, 0x55, 0x55,
                                                               0x55, 0x55, 0x55, 0x55};
                    const void *want = (wanted >> g) & 1 ? (const void *)&whole[g * N + i]
                                                         : (const void *)untouched;
                    if (memcmp(&part[g * 131 + i], want, 8) != 0)
                        CHECK(!"a subset changed a bit");
                }
        }
    }
}

static void threads_and_shared_values_change_no_bit(void)
{
    double *one = malloc(LARGE * sizeof *one), *many = malloc(LARGE * sizeof *many);
    fill(LARGE);
    for (size_t i = 0; i < LARGE; ++i)
        years[i] = 0.25;
    mc_option_rows rows = rows_from(0, LARGE);
    const mc_greeks to_one = {.theta = one}, to_many = {.theta = many};
    CHECK(mc_black76(&rows, &to_one, 1, NULL) == MC_OK);
    for (unsigned threads = 0; threads <= 5; ++threads) {
        memset(many, 0, LARGE * sizeof *many);
        rows.years.stride = threads % 2; /* one value for all rows */
        CHECK(mc_black76(&rows, &to_many, threads, NULL) == MC_OK);
        CHECK(memcmp(one, many, LARGE * sizeof *one) == 0);
    }
    free(one);
    free(many);
}

static void a_price_stays_inside_its_bounds_and_on_parity(void)
{
    static double call[LARGE], put[LARGE];
    const uint8_t yes = 1, no = 0;
    fill(LARGE);
    mc_option_rows rows = rows_from(0, LARGE);
    const mc_greeks to_call = {.price = call}, to_put = {.price = put};
    rows.is_call_stride = 0;
    rows.is_call = &yes;
    CHECK(mc_black76(&rows, &to_call, 1, NULL) == MC_OK);
    rows.is_call = &no;
    CHECK(mc_black76(&rows, &to_put, 1, NULL) == MC_OK);
    int outside = 0;
    for (size_t i = 0; i < LARGE; ++i) {
        const double f = forward[i], k = strike[i], d = discount[i];
        outside += !(call[i] >= d * fmax(f - k, 0.0) && call[i] <= d * f);
        outside += !(put[i] >= d * fmax(k - f, 0.0) && put[i] <= d * k);
        outside += !(fabs(call[i] - put[i] - d * (f - k)) <= 4 * DBL_EPSILON * d * fmax(f, k));
        outside += signbit(call[i]) || signbit(put[i]);
    }
    CHECK(outside == 0);
}

/* A power of two times F and K changes no bit but the exponent. */
static void prices_are_homogeneous(void)
{
    for (int i = 0; i < 200; ++i) {
        double a[N_GREEKS], b[N_GREEKS];
        fill(200);
        CHECK(price_one(mc_black76, forward[i], strike[i], years[i], vol[i], 1.0, 1, a, NULL)
              == MC_OK);
        CHECK(price_one(mc_black76, forward[i] * 0x1p40, strike[i] * 0x1p40, years[i], vol[i], 1.0,
                        1, b, NULL) == MC_OK);
        CHECK(b[0] == a[0] * 0x1p40);
        CHECK(b[1] == a[1]);
        CHECK(b[2] == a[2] * 0x1p-40 || a[2] < 1e-290); /* below, it is subnormal */
    }
}

static void limits_are_values(void)
{
    double g[N_GREEKS];
    for (int zero = 0; zero < 2; ++zero) { /* of time, then of volatility */
        const double t = zero == 0 ? 0.0 : 1.0, v = zero == 0 ? 1.0 : 0.0;
        CHECK(price_one(mc_black76, 110, 100, t, v, 0.5, 1, g, NULL) == MC_OK);
        CHECK(g[0] == 5.0 && g[1] == 0.5);
        CHECK(price_one(mc_black76, 110, 100, t, v, 0.5, 0, g, NULL) == MC_OK);
        CHECK(g[0] == 0.0 && g[1] == 0.0);
        CHECK(price_one(mc_black76, 90, 100, t, v, 0.5, 0, g, NULL) == MC_OK);
        CHECK(g[0] == 5.0 && g[1] == -0.5);
        CHECK(price_one(mc_black76, 100, 100, t, v, 0.5, 1, g, NULL) == MC_OK);
        CHECK(g[0] == 0.0 && g[1] == 0.25);
        CHECK(price_one(mc_bachelier, -37.63, -40, t, v, 1.0, 1, g, NULL) == MC_OK);
        CHECK(g[0] == -37.63 + 40 && g[1] == 1.0 && g[2] == 0.0);
        CHECK(price_one(mc_bachelier, -40, -40, t, v, 1.0, 0, g, NULL) == MC_OK);
        CHECK(g[0] == 0.0 && g[1] == -0.5);
    }
    CHECK(price_one(mc_black76, 0, 100, 1, 1, 1.0, 0, g, NULL) == MC_OK);
    CHECK(g[0] == 100.0 && g[1] == -1.0 && g[3] == 0.0);
    CHECK(price_one(mc_black76, 100, -0.0, 1, 1, 1.0, 1, g, NULL) == MC_OK);
    CHECK(g[0] == 100.0 && g[1] == 1.0 && g[3] == 0.0);
    CHECK(price_one(mc_black76, 0, 0, 1, 1, 1.0, 1, g, NULL) == MC_OK);
    CHECK(g[0] == 0.0 && g[1] == 0.5);
}

/* theta = r price / 365, rho = T D K N(d2) or less T D K, the others 0 but at the money. */
static void greeks_have_limits(void)
{
    /* forward, strike, years, vol; the call's and the put's rho; vega, vanna; D is 1/2 */
    static const struct { double in[4], rho[2], vega, vanna; } cases[] = {
        {{110, 100, 2, 0}, {100, 0}, 0, 0},      {{90, 100, 2, 0}, {0, -100}, 0, 0},
        {{0, 100, 2, 0.3}, {0, -100}, 0, 0},     {{0, 100, 2, 0}, {0, -100}, 0, 0},
        {{100, 0, 2, 0.3}, {0, 0}, 0, 0},        {{100, -0.0, 2, 0}, {0, 0}, 0, 0},
        {{0, 0, 2, 0.3}, {0, 0}, 0, 0},          {{0, 0, 2, 0}, {0, 0}, 0, 0},
        {{110, 100, 0, 0.3}, {0, 0}, 0, 0},      {{90, 100, 0, 0.3}, {0, 0}, 0, 0},
        {{100, 100, 0, 0.3}, {0, 0}, 0, 0},      {{100, 100, 0, 0}, {0, 0}, 0, 0},
        {{100, 100, 4, 0}, {100, -100}, 39.894228040143268, 0.19947114020071634},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c)
        for (int model = 0; model < 2; ++model)
            for (int call = 0; call < 2; ++call) {
                const double *in = cases[c].in;
                const bool money = in[0] == in[1] && in[2] > 0.0 && in[3] == 0.0
                                && (in[0] > 0.0 || model == 1);
                double g[N_GREEKS];
                if (model == 1 && in[2] > 0.0 && in[3] > 0.0)
                    continue; /* no limit under Bachelier */
                CHECK(price_one(pricers[model], in[0], in[1], in[2], in[3], 0.5, call, g, NULL)
                      == MC_OK);
                const double carry = in[2] > 0.0 ? log(2.0) / in[2] * g[0] / 365.0 : 0.0;
                const double vega = model == 0 ? cases[c].vega
                                  : money      ? 0.5 * sqrt(in[2]) * 0.3989422804014327
                                               : 0.0;
                CHECK(g[0] == 0.5 * fmax(call ? in[0] - in[1] : in[1] - in[0], 0.0));
                CHECK(g[2] == (money ? DBL_MAX : 0.0));
                CHECK(fabs(g[3] - vega) <= 4 * DBL_EPSILON * vega);
                CHECK(fabs(g[4] - carry) <= 4 * DBL_EPSILON * carry);
                CHECK(g[5] == cases[c].rho[1 - call]);
                CHECK(fabs(g[6] - (model == 0 ? cases[c].vanna : 0.0)) <= 1e-16);
                CHECK(g[7] == 0.0);
                for (int i = 2; i < N_GREEKS; ++i)
                    CHECK(!signbit(g[i]) || g[i] < 0.0);
            }
}

/* Ever smaller volatilities end in the values at 0, on and off the money. */
static void greeks_run_into_their_limits(void)
{
    static const double strikes[] = {100.0, 80.0, 125.0};
    for (int c = 0; c < 12; ++c) {
        const double k = strikes[c / 4];
        double at_zero[N_GREEKS], before = 0.0;
        pricer *const f = pricers[c & 1];
        CHECK(price_one(f, 100.0, k, 0.7, 0.0, 0.9, c >> 1 & 1, at_zero, NULL) == MC_OK);
        for (double v = 1e-6; v > 0.0; v *= 1e-3) {
            double g[N_GREEKS];
            CHECK(price_one(f, 100.0, k, 0.7, v, 0.9, c >> 1 & 1, g, NULL) == MC_OK);
            for (int i = 0; i < N_GREEKS; ++i)
                if (i != 2)
                    CHECK(fabs(g[i] - at_zero[i]) <= 100.0 * v + 1e-14 * fabs(at_zero[i]));
            CHECK(g[2] >= before && g[2] <= at_zero[2]);
            before = g[2];
        }
        CHECK(before == at_zero[2]);
    }
}

/* Every (forward, strike, x) of the special values, x the volatility at one year and the time at
 * volatility one: a finite result inside its bounds, or an error that names the row. */
static void special_values_are_defined(void)
{
    static const double special[] = {0.0, -0.0, 5e-324, 1e-308, 1e-16, 1.0, 1e16, 1e308,
                                     INFINITY, -INFINITY, NAN, -1.0};
    enum { S = sizeof special / sizeof special[0] };
    int wrong = 0, results = 0;
    for (int c = 0; c < S * S * S * 4; ++c) {
        const double f = special[c / 4 % S], k = special[c / 4 / S % S], x = special[c / 4 / S / S];
        const int call = c & 1, in_time = c >> 1 & 1;
        for (int model = 0; model < 3; ++model) {
            const double t = in_time ? x : 1.0, v = in_time ? 1.0 : x;
            const bool finite = isfinite(f) && isfinite(k) && isfinite(x);
            const bool legal = finite && ((f >= 0 && k >= 0) || model == 1)
                            && (x >= 0 || (model == 2 && !in_time));
            double g[N_GREEKS] = {0};
            mc_error err = {.row = -1};
            mc_status status;
            if (model < 2) {
                status = price_one(pricers[model], f, k, t, v, 1.0, call, g, &err);
            } else { /* x is the time at price 1, or the price at one year */
                const double p = in_time ? 1.0 : x, one = 1.0;
                const uint8_t side = (uint8_t)call;
                const mc_option_rows row = {.forward = {&f, 0}, .strike = {&k, 0},
                                            .years = {in_time ? &x : &one, 0},
                                            .discount = {&one, 0}, .is_call = &side, .n = 1};
                status = mc_implied_vol(&row, (mc_column){&p, 0}, g, 1, &err);
            }
            if (status == MC_OK) {
                ++results;
                wrong += !legal;
                for (int i = 0; i < N_GREEKS; ++i)
                    wrong += !isfinite(g[i]);
                wrong += g[0] < 0.0 || signbit(g[0]);
                if (model == 0)
                    wrong += g[0] < fmax(call ? f - k : k - f, 0.0) || g[0] > (call ? f : k);
            } else {
                wrong += err.row != 0 || err.status != status;
                wrong += legal && model < 2;
                wrong += legal && status != MC_ERR_NO_SOLUTION;
                wrong += !finite && status != MC_ERR_NOT_FINITE && status != MC_ERR_DOMAIN;
            }
        }
    }
    CHECK(wrong == 0);
    CHECK(results > 5000);
}

static void volatility_comes_back_from_the_price(void)
{
    static double price[LARGE], found[LARGE], again[LARGE];
    fill(LARGE);
    for (size_t i = 0; i < LARGE; ++i) { /* out of the money, time value above 1e-12 */
        is_call[i] = forward[i] <= strike[i];
        discount[i] = fmin(discount[i], 1.0);
    }
    const mc_option_rows rows = rows_from(0, LARGE);
    const mc_greeks to_price = {.price = price}, to_again = {.price = again};
    mc_option_rows back = rows;
    CHECK(mc_black76(&rows, &to_price, 1, NULL) == MC_OK);
    int wrong = 0, compared = 0;
    for (size_t i = 0; i < LARGE; ++i) {
        const double limit = discount[i] * fmin(forward[i], strike[i]);
        if (price[i] >= limit)
            price[i] = 0.5 * limit;
    }
    for (size_t i = 0; i < LARGE; ++i)
        if (years[i] == 0.0)
            price[i] = 0.0;
    mc_error err;
    CHECK(mc_implied_vol(&rows, (mc_column){price, 1}, found, 2, &err) == MC_OK);
    back.vol = (mc_column){found, 1};
    CHECK(mc_black76(&back, &to_again, 1, NULL) == MC_OK);
    for (size_t i = 0; i < LARGE; ++i) {
        if (price[i] < 1e-12 * fmax(forward[i], strike[i]))
            continue;
        ++compared;
        wrong += !(fabs(again[i] - price[i]) <= 1e-13 * price[i]);
    }
    CHECK(wrong == 0);
    CHECK(compared > LARGE / 2);
}

static void prices_without_a_volatility_are_refused(void)
{
    const double f = 110, k = 100, d = 0.5, t = 1, zero = 0;
    const uint8_t call = 1;
    mc_option_rows row = {.forward = {&f, 0}, .strike = {&k, 0}, .years = {&t, 0},
                          .discount = {&d, 0}, .is_call = &call, .n = 1};
    double found = -1.0;
    mc_error err;
    const struct { double price; mc_status status; } cases[] = {
        {5.0, MC_OK}, {nextafter(5.0, 0.0), MC_ERR_NO_SOLUTION}, {-1.0, MC_ERR_NO_SOLUTION},
        {55.0, MC_ERR_NO_SOLUTION}, {nextafter(55.0, 0.0), MC_OK}, {NAN, MC_ERR_NOT_FINITE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i)
        CHECK(mc_implied_vol(&row, (mc_column){&cases[i].price, 0}, &found, 1, &err)
              == cases[i].status);
    const double intrinsic = 5.0, more = 6.0;
    CHECK(mc_implied_vol(&row, (mc_column){&intrinsic, 0}, &found, 1, &err) == MC_OK);
    CHECK(found == 0.0);
    row.years.data = &zero;
    CHECK(mc_implied_vol(&row, (mc_column){&intrinsic, 0}, &found, 1, &err) == MC_OK);
    CHECK(mc_implied_vol(&row, (mc_column){&more, 0}, &found, 1, &err) == MC_ERR_NO_SOLUTION);
    CHECK(err.row == 0 && strstr(err.message, "6") != NULL);
}

/* The first bad row is named, with its column and value, and nothing is written. */
static void a_bad_row_leaves_the_outputs_alone(void)
{
    static double out[N_GREEKS * LARGE], clean[N_GREEKS * LARGE];
    static const struct {
        double *column;
        const char *name;
        double value;
        mc_status status;
    } bad[] = {
        {forward, "forward", -1.0, MC_ERR_DOMAIN}, {strike, "strike", NAN, MC_ERR_NOT_FINITE},
        {years, "years", -1e-300, MC_ERR_DOMAIN}, {vol, "vol", INFINITY, MC_ERR_NOT_FINITE},
        {discount, "discount", 0.0, MC_ERR_DOMAIN}, {discount, "discount", -1.0, MC_ERR_DOMAIN},
    };
    const size_t places[] = {0, 127, 4096, LARGE - 1};
    memset(clean, 0x7e, sizeof clean);
    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; ++b)
        for (size_t p = 0; p < sizeof places / sizeof places[0]; ++p)
            for (unsigned threads = 1; threads <= 2; ++threads) {
                mc_error err = {.row = -2};
                fill(LARGE);
                bad[b].column[places[p]] = bad[b].value;
                is_call[LARGE - 1] = p + 1 < sizeof places / sizeof places[0] ? 2 : 1; /* later */
                const mc_option_rows rows = rows_from(0, LARGE);
                const mc_greeks greeks = greeks_at(out, LARGE, 0xff);
                memcpy(out, clean, sizeof out);
                CHECK(mc_black76(&rows, &greeks, threads, &err) == bad[b].status);
                CHECK(err.row == (int64_t)places[p]);
                CHECK(strstr(err.message, bad[b].name) != NULL);
                CHECK(memcmp(out, clean, sizeof out) == 0);
            }
    fill(N);
    is_call[5] = 2;
    const mc_option_rows rows = rows_from(0, N);
    const mc_greeks greeks = greeks_at(out, N, 0xff);
    mc_error err;
    CHECK(mc_black76(&rows, &greeks, 1, &err) == MC_ERR_DOMAIN);
    CHECK(err.row == 5 && strstr(err.message, "is_call") != NULL);
    CHECK(mc_black76(&rows, &greeks, 1, NULL) == MC_ERR_DOMAIN);
}

static void pointers_and_strides_are_checked(void)
{
    double out[N_GREEKS * 4];
    fill(4);
    const mc_greeks greeks = greeks_at(out, 4, 0xff);
    mc_option_rows rows = rows_from(0, 4);
    mc_error err;
    CHECK(mc_black76(NULL, &greeks, 1, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_black76(&rows, NULL, 1, &err) == MC_ERR_ARGUMENT);
    rows.vol.stride = 2;
    CHECK(mc_black76(&rows, &greeks, 1, &err) == MC_ERR_ARGUMENT && err.row == -1);
    rows = rows_from(0, 4);
    rows.strike.data = NULL;
    CHECK(mc_black76(&rows, &greeks, 1, &err) == MC_ERR_ARGUMENT);
    rows = rows_from(0, 4);
    rows.is_call = NULL;
    CHECK(mc_black76(&rows, &greeks, 1, &err) == MC_ERR_ARGUMENT);
    rows = rows_from(0, 4);
    rows.is_call_stride = 3;
    CHECK(mc_black76(&rows, &greeks, 1, &err) == MC_ERR_ARGUMENT);
    rows = rows_from(0, 4);
    CHECK(mc_implied_vol(&rows, (mc_column){out, 1}, NULL, 1, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_implied_vol(&rows, (mc_column){NULL, 1}, out, 1, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_implied_vol(NULL, (mc_column){out, 1}, out, 1, &err) == MC_ERR_ARGUMENT);

    const mc_option_rows none = {.n = 0};
    CHECK(mc_black76(&none, &(mc_greeks){0}, 0, &err) == MC_OK);
    CHECK(mc_implied_vol(&none, (mc_column){NULL, 1}, NULL, 0, &err) == MC_OK);
}

static void an_output_may_be_an_input(void)
{
    static double want[N];
    fill(N);
    const mc_option_rows rows = rows_from(0, N);
    const mc_greeks apart = {.price = want}, same = {.price = forward};
    CHECK(mc_black76(&rows, &apart, 1, NULL) == MC_OK);
    CHECK(mc_black76(&rows, &same, 1, NULL) == MC_OK);
    CHECK(memcmp(want, forward, sizeof want) == 0);
}

int main(void)
{
    RUN(values_agree_with_60_digits);
    RUN(every_copy_returns_the_same_bits);
    RUN(every_copy_finds_the_same_volatility);
    RUN(every_compiler_returns_the_same_bits);
    RUN(a_row_has_its_bits_wherever_it_stands);
    RUN(threads_and_shared_values_change_no_bit);
    RUN(a_price_stays_inside_its_bounds_and_on_parity);
    RUN(prices_are_homogeneous);
    RUN(limits_are_values);
    RUN(greeks_have_limits);
    RUN(greeks_run_into_their_limits);
    RUN(special_values_are_defined);
    RUN(volatility_comes_back_from_the_price);
    RUN(prices_without_a_volatility_are_refused);
    RUN(a_bad_row_leaves_the_outputs_alone);
    RUN(pointers_and_strides_are_checked);
    RUN(an_output_may_be_an_input);
    return REPORT();
}
