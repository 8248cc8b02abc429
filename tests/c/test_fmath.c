/* The functions of kernels/fmath.h and the Mills ratio against the 64-bit long double of libm. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/black76.h"

#include "accuracy.h"
#include "check.h"

enum { CASES = 200000 };

#define WORST(got, want) worst = fmax(worst, ulps(got, want))

static void exp_is_within_an_ulp_and_a_tenth(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double x = uniform(-708.0, 709.7);
        WORST(mc_exp(x), expl(x));
    }
    CHECK(worst < 1.1);
    CHECK(mc_exp(0.0) == 1.0);
    CHECK(mc_exp(-0.0) == 1.0);
    CHECK(mc_exp(-1e308) == 0.0);
    CHECK(mc_exp(1e308) == INFINITY);
    CHECK(fabs(mc_exp(-740.0) - exp(-740.0)) <= 2 * DBL_TRUE_MIN);
}

static void exp_minus_one_keeps_its_digits_at_zero(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double x = -exp(uniform(-40.0, 3.6));
        WORST(mc_expm1_decay(x), expm1l(x));
    }
    CHECK(worst < 2.0);
    CHECK(mc_expm1_decay(0.0) == 0.0);
    CHECK(mc_expm1_decay(-1e9) == -1.0);
}

static void log_is_within_two_ulp_near_one_too(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double x = exp(uniform(-700.0, 700.0));
        const double near = 1.0 + uniform(-0.5, 1.0) * exp(uniform(-36.0, 0.0));
        WORST(mc_log(x), logl(x));
        WORST(mc_log_normal(x), logl(x));
        if (near != 1.0)
            WORST(mc_log(near), logl(near));
    }
    CHECK(worst < 2.0);
    CHECK(mc_log(1.0) == 0.0);
    CHECK(ulps(mc_log(DBL_TRUE_MIN), logl(DBL_TRUE_MIN)) < 1.0);
    CHECK(ulps(mc_log(DBL_MAX), logl(DBL_MAX)) < 1.0);
}

static void log_of_a_ratio_needs_no_quotient(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double b = exp(uniform(-300.0, 300.0));
        const double a = b * exp(uniform(-3.0, 3.0) * exp(uniform(-30.0, 0.0)));
        if (a != b)
            WORST(mc_log_ratio(a, b), log1pl(((long double)a - b) / b));
    }
    CHECK(worst < 2.0);
    CHECK(mc_log_ratio(DBL_TRUE_MIN, DBL_TRUE_MIN) == 0.0);
    CHECK(ulps(mc_log_ratio(1e308, DBL_TRUE_MIN), logl(1e308L) - logl(DBL_TRUE_MIN)) < 1.0);
}

static void powers_are_within_two_ulp(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double x = exp(uniform(-20.0, 20.0)), p = uniform(-8.0, 8.0);
        WORST(mc_pow(x, p), powl(x, p));
    }
    CHECK(worst < 2.0);
    CHECK(mc_pow(2.0, 10.0) == 1024.0);
    CHECK(mc_pow(4.0, 0.5) == 2.0);
    CHECK(mc_pow(3.0, 0.0) == 1.0);
    CHECK(mc_pow(1.0, 1e6) == 1.0);
}

static void the_mills_ratio_is_within_six_ulp(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double x = uniform(0.0, 12.0);
        const long double want = 0.5L * expl(0.5L * x * x) * erfcl(x / sqrtl(2.0L));
        WORST(mc_mills_p(x) / mc_mills_q(x), want);
    }
    CHECK(worst < 6.0);
    CHECK(mc_mills_p(0.0) / mc_mills_q(0.0) == 0.5);
}

static void the_gaussian_keeps_the_rounding_of_its_square(void)
{
    double worst = 0.0;
    for (int i = 0; i < CASES; ++i) {
        const double x = uniform(0.0, 37.5);
        WORST(mc_gauss(x), expl(-0.5L * ((long double)x * x)));
    }
    CHECK(worst < 30.0); /* the reference rounds its own square: 700 / 2^64 */
    CHECK(mc_gauss(40.0) == 0.0);
}

int main(void)
{
#if __LDBL_MANT_DIG__ < 64
    printf("skip test_fmath: no wider long double here\n");
    return 0;
#endif
    RUN(exp_is_within_an_ulp_and_a_tenth);
    RUN(exp_minus_one_keeps_its_digits_at_zero);
    RUN(log_is_within_two_ulp_near_one_too);
    RUN(log_of_a_ratio_needs_no_quotient);
    RUN(powers_are_within_two_ulp);
    RUN(the_mills_ratio_is_within_six_ulp);
    RUN(the_gaussian_keeps_the_rounding_of_its_square);
    return REPORT();
}
