/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/sweep.h>

#include "check.h"
#include "world.h"

enum { MOST = 600 };

static int64_t equity[MOST], mm[MOST], order[MOST];

/* The rule of sweep.h in 128 bits. */
__extension__ typedef __int128 whole;

static int precedes(int64_t a, int64_t b)
{
    const int class_a = mm[a] > 0 ? 1 : equity[a] < 0 ? 0 : 2;
    const int class_b = mm[b] > 0 ? 1 : equity[b] < 0 ? 0 : 2;
    if (class_a != class_b)
        return class_a < class_b;
    if (class_a == 1) {
        const whole left = (whole)equity[a] * mm[b], right = (whole)equity[b] * mm[a];
        if (left != right)
            return left < right;
    }
    return a < b;
}

/* Each account once, and every one before the next: with a strict order that is the ranking. */
static void check_ranking(size_t n)
{
    static char seen[MOST];
    memset(seen, 0, sizeof seen);
    CHECK(mc_rank(equity, mm, n, order, NULL) == MC_OK);
    for (size_t i = 0; i < n; ++i) {
        CHECK(order[i] >= 0 && order[i] < (int64_t)n && !seen[order[i]]);
        seen[order[i]] = 1;
        if (i > 0)
            CHECK(precedes(order[i - 1], order[i]));
    }
}

static void the_nearest_to_liquidation_comes_first(void)
{
    /* ratios 2, -1, 1/2, 1/2, no requirement in debt, no requirement, 0 */
    const int64_t e[] = {20, -10, 5, 1, -1, 7, 0}, m[] = {10, 10, 10, 2, 0, 0, 3};
    const int64_t expected[] = {4, 1, 6, 2, 3, 0, 5};
    CHECK(mc_rank(e, m, 7, order, NULL) == MC_OK);
    CHECK(memcmp(order, expected, sizeof expected) == 0);
}

static void small_numbers_tie_and_the_lower_account_wins(void)
{
    chance c = {1};
    for (int i = 0; i < MOST; ++i) {
        equity[i] = draw_below(&c, 21) - 10;
        mm[i] = draw_below(&c, 6);
    }
    check_ranking(MOST);
}

/* Quotients that a double cannot tell apart, or puts the wrong way round: neighbours of one
 * ratio, each numerator and denominator moved by a few units out of 2^62. */
static void ratios_that_round_to_one_double_are_told_apart(void)
{
    chance c = {2};
    for (int round = 0; round < 40; ++round) {
        const int bits = 30 + (int)draw_below(&c, 32);
        const int64_t most = INT64_C(1) << bits;
        const int64_t top = most / 2 + draw_below(&c, most / 2);
        const int64_t bottom = most / 2 + draw_below(&c, most / 2);
        const int64_t sign = draw_below(&c, 2) ? 1 : -1;
        for (int i = 0; i < MOST; ++i) {
            equity[i] = sign * (top - draw_below(&c, 8));
            mm[i] = bottom - draw_below(&c, 8);
        }
        check_ranking(MOST);
    }
}

/* The same ratio k a / k b at every scale must tie exactly. */
static void multiples_of_one_ratio_tie_exactly(void)
{
    for (int i = 0; i < MOST; ++i) {
        equity[i] = (MOST - i) * INT64_C(7000000000000001);
        mm[i] = (MOST - i) * INT64_C(3000000000000013);
    }
    CHECK(mc_rank(equity, mm, MOST, order, NULL) == MC_OK);
    for (int i = 0; i < MOST; ++i)
        CHECK(order[i] == i);
}

static void mixtures_of_all_sizes_rank(void)
{
    chance c = {3};
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < MOST; ++i) {
            const int64_t most = INT64_C(1) << draw_below(&c, 63);
            equity[i] = draw_below(&c, most) * (draw_below(&c, 2) ? 1 : -1);
            mm[i] = draw_below(&c, 8) ? draw_below(&c, INT64_C(1) << draw_below(&c, 63)) : 0;
        }
        check_ranking(MOST - (size_t)round);
    }
}

static void the_ends_of_the_range_rank(void)
{
    const int64_t most = INT64_C(1) << 62;
    const int64_t ends[] = {-most, -most + 1, -1, 0, 1, most - 1, most};
    size_t n = 0;
    for (int e = 0; e < 7; ++e)
        for (int m = 3; m < 7; ++m, ++n) {
            equity[n] = ends[e];
            mm[n] = ends[m];
        }
    check_ranking(n);
}

static void what_is_out_of_range_is_named_and_nothing_is_written(void)
{
    const int64_t most = INT64_C(1) << 62;
    int64_t e[] = {1, 2, 3}, m[] = {1, 1, 1}, out[] = {-5, -5, -5};
    mc_error err;
    e[2] = most + 1;
    CHECK(mc_rank(e, m, 3, out, &err) == MC_ERR_DOMAIN && err.row == 2);
    e[2] = INT64_MIN;
    CHECK(mc_rank(e, m, 3, out, &err) == MC_ERR_DOMAIN && err.row == 2);
    m[1] = -1;
    CHECK(mc_rank(e, m, 3, out, &err) == MC_ERR_DOMAIN && err.row == 1);
    m[1] = INT64_MAX;
    CHECK(mc_rank(e, m, 3, out, &err) == MC_ERR_DOMAIN && err.row == 1);
    CHECK(mc_rank(NULL, m, 3, out, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_rank(e, NULL, 3, out, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_rank(e, m, 3, NULL, &err) == MC_ERR_ARGUMENT);
    CHECK(out[0] == -5 && out[1] == -5 && out[2] == -5);
    CHECK(mc_rank(NULL, NULL, 0, NULL, NULL) == MC_OK);
}

int main(void)
{
    RUN(the_nearest_to_liquidation_comes_first);
    RUN(small_numbers_tie_and_the_lower_account_wins);
    RUN(ratios_that_round_to_one_double_are_told_apart);
    RUN(multiples_of_one_ratio_tie_exactly);
    RUN(mixtures_of_all_sizes_rank);
    RUN(the_ends_of_the_range_rank);
    RUN(what_is_out_of_range_is_named_and_nothing_is_written);
    return REPORT();
}
