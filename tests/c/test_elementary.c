/* elementary.h against the 64-bit long double of libm. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>

#include <margin_core/elementary.h>

#include "accuracy.h"
#include "check.h"

enum { N = 100000 };

static double x[N], p[N], out[N];
/* 0 where the result is not normal. */
static double ulps_if_normal(double got, long double want)
{
    return fabsl(want) < DBL_MIN || fabsl(want) > DBL_MAX ? 0.0 : ulps(got, want);
}

static void every_function_is_within_its_bound(void)
{
    double of_exp = 0, of_expm1 = 0, of_log = 0, of_pow = 0;
    for (int i = 0; i < N; ++i)
        x[i] = uniform(-1.0, 1.0) * exp(uniform(-30.0, 6.6));
    CHECK(mc_exp_column(x, N, out, NULL) == MC_OK);
    for (int i = 0; i < N; ++i)
        of_exp = fmax(of_exp, ulps_if_normal(out[i], expl(x[i])));
    CHECK(mc_expm1_column(x, N, out, NULL) == MC_OK);
    for (int i = 0; i < N; ++i)
        of_expm1 = fmax(of_expm1, ulps_if_normal(out[i], expm1l(x[i])));

    for (int i = 0; i < N; ++i) {
        x[i] = exp(uniform(-700.0, 700.0) * (i % 2 ? 1.0 : 1e-6));
        p[i] = uniform(-1.0, 1.0) * exp(uniform(-20.0, 5.0));
    }
    CHECK(mc_log_column(x, N, out, NULL) == MC_OK);
    for (int i = 0; i < N; ++i)
        of_log = fmax(of_log, ulps_if_normal(out[i], logl(x[i])));
    CHECK(mc_pow_column(x, p, N, out, NULL) == MC_OK);
    for (int i = 0; i < N; ++i)
        of_pow = fmax(of_pow, ulps_if_normal(out[i], powl(x[i], p[i])));

    CHECK(of_exp < 1.1);
    CHECK(of_expm1 < 2.5);
    CHECK(of_log < 2.0);
    CHECK(of_pow < 2.0);
}

static void the_ends_are_finite_and_zero_is_exact(void)
{
    const double ends[] = {0.0, -0.0, 709.9, DBL_MAX, -746.0, -DBL_MAX, 1.0};
    double e[7];
    CHECK(mc_exp_column(ends, 7, e, NULL) == MC_OK);
    CHECK(e[0] == 1.0 && e[1] == 1.0 && e[2] == DBL_MAX && e[3] == DBL_MAX);
    CHECK(e[4] == 0.0 && e[5] == 0.0);
    CHECK(mc_expm1_column(ends, 7, e, NULL) == MC_OK);
    CHECK(e[0] == 0.0 && e[1] == 0.0 && e[2] == DBL_MAX && e[3] == DBL_MAX);
    CHECK(e[4] == -1.0 && e[5] == -1.0);

    const double of[] = {DBL_MIN, DBL_MAX, DBL_MAX, 1.0, 2.0, DBL_TRUE_MIN, 7.0},
                 by[] = {DBL_MAX, DBL_MAX, -DBL_MAX, DBL_MAX, 10.0, -1.0, 0.0};
    CHECK(mc_pow_column(of, by, 7, e, NULL) == MC_OK);
    CHECK(e[0] == 0.0 && e[1] == DBL_MAX && e[2] == 0.0 && e[3] == 1.0);
    CHECK(e[4] == 1024.0 && e[5] == DBL_MAX && e[6] == 1.0);
}

static void a_bad_row_is_named_and_nothing_written(void)
{
    double in[] = {1.0, 2.0, 0.0, NAN}, at[] = {1.0, 1.0, 1.0, INFINITY}, to[] = {5, 5, 5, 5};
    mc_error err;
    CHECK(mc_log_column(in, 4, to, &err) == MC_ERR_DOMAIN && err.row == 2);
    CHECK(mc_exp_column(in, 4, to, &err) == MC_ERR_NOT_FINITE && err.row == 3);
    CHECK(mc_expm1_column(at, 4, to, &err) == MC_ERR_NOT_FINITE && err.row == 3);
    CHECK(mc_pow_column(in, at, 4, to, &err) == MC_ERR_DOMAIN && err.row == 2);
    CHECK(mc_pow_column(at, in, 4, to, &err) == MC_ERR_NOT_FINITE && err.row == 3);
    CHECK(mc_pow_column(in, NULL, 1, to, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_exp_column(NULL, 1, to, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_log_column(in, 1, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(to[0] == 5 && to[1] == 5 && to[2] == 5 && to[3] == 5);
    CHECK(mc_exp_column(NULL, 0, NULL, NULL) == MC_OK);
    CHECK(mc_exp_column(in, 2, in, NULL) == MC_OK && in[0] > 2.718 && in[1] > 7.389);
}

int main(void)
{
    RUN(every_function_is_within_its_bound);
    RUN(the_ends_are_finite_and_zero_is_exact);
    RUN(a_bad_row_is_named_and_nothing_written);
    return REPORT();
}
