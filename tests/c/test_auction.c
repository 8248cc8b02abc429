/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>

#include <margin_core/auction.h>

#include "check.h"

#define S INT64_C(1000000000)

static const double KNOT_S[] = {0.0, 60.0, 3660.0};
static const double KNOT_SHARE[] = {1.0, 0.75, 0.0};

static mc_decay lines(void)
{
    return (mc_decay){.size = sizeof(mc_decay), .kind = MC_DECAY_LINEAR, .n_knots = 3,
                      .knot_s = KNOT_S, .knot_share = KNOT_SHARE};
}

static mc_decay falling(mc_decay_kind kind)
{
    return (mc_decay){.size = sizeof(mc_decay), .kind = kind, .start = 1.0, .step = 0.25,
                      .every_s = 10.0, .floor = 0.125};
}

static void decays_are_what_their_formulas_say(void)
{
    const double at[] = {0.0, 30.0, 60.0, 1860.0, 3660.0, 1e300};
    const double line[] = {1.0, 0.875, 0.75, 0.375, 0.0, 0.0};
    const double later[] = {0.0, 9.5, 10.0, 20.0, 30.0, 1e300};
    const double stairs[] = {1.0, 1.0, 0.75, 0.5, 0.25, 0.125};
    const double halves[] = {1.0, 0.5176324619206888, 0.5, 0.25, 0.125, 0.125}; /* 2^-0.95 */
    const mc_decay linear = lines(), stair = falling(MC_DECAY_STAIR),
                   exponential = falling(MC_DECAY_EXPONENTIAL);
    double asked[6];
    CHECK(mc_decay_at(&linear, at, 6, asked, NULL) == MC_OK);
    CHECK(memcmp(asked, line, sizeof line) == 0);
    CHECK(mc_decay_at(&stair, later, 6, asked, NULL) == MC_OK);
    CHECK(memcmp(asked, stairs, sizeof stairs) == 0);
    CHECK(mc_decay_at(&exponential, later, 6, asked, NULL) == MC_OK);
    for (int i = 0; i < 6; ++i)
        CHECK(fabs(asked[i] - halves[i]) <= (i == 1 ? 2e-16 : 0.0));
}

static void a_line_never_rises_between_neighbouring_times(void)
{
    const double seconds[] = {0.0, 0.3, 0.7, 1.1}, share[] = {0.9, 0.7, 0.69, 0.1};
    const mc_decay decay = {.size = sizeof decay, .kind = MC_DECAY_LINEAR, .n_knots = 4,
                            .knot_s = seconds, .knot_share = share};
    for (int k = 1; k < 4; ++k) {
        double at[64], asked[64];
        at[0] = seconds[k];
        for (int i = 0; i < 32; ++i)
            at[0] = nextafter(at[0], 0.0);
        for (int i = 1; i < 64; ++i)
            at[i] = nextafter(at[i - 1], 2.0);
        CHECK(mc_decay_at(&decay, at, 64, asked, NULL) == MC_OK);
        for (int i = 1; i < 64; ++i)
            CHECK(asked[i] <= asked[i - 1]);
    }
}

static void a_decay_that_makes_no_price_is_refused_by_name(void)
{
    const double before[] = {0.5, 0.5};
    double asked[] = {7.0, 7.0};
    mc_error err;
#define REFUSED(decay, times, code, at_row, word)                                            \
    do {                                                                                     \
        const mc_decay made = decay;                                                         \
        CHECK(mc_decay_at(&made, times, 2, asked, &err) == code);                            \
        CHECK(err.row == at_row && strstr(err.message, word) != NULL);                       \
        CHECK(asked[0] == 7.0 && asked[1] == 7.0);                                           \
    } while (0)
    mc_decay d = falling(MC_DECAY_STAIR);
    d.floor = 1.5;
    REFUSED(d, before, MC_ERR_DOMAIN, -1, "floor");
    d = falling(MC_DECAY_STAIR), d.step = -1.0;
    REFUSED(d, before, MC_ERR_DOMAIN, -1, "step");
    d = falling(MC_DECAY_EXPONENTIAL), d.every_s = -10.0;
    REFUSED(d, before, MC_ERR_DOMAIN, -1, "every_s");
    d = falling(MC_DECAY_EXPONENTIAL), d.start = NAN;
    REFUSED(d, before, MC_ERR_NOT_FINITE, -1, "start");
    d = falling(MC_DECAY_EXPONENTIAL), d.kind = MC_DECAY_KIND_END;
    REFUSED(d, before, MC_ERR_ARGUMENT, -1, "no decay");
    d = lines(), d.size = 3;
    REFUSED(d, before, MC_ERR_ARGUMENT, -1, "size");
    d = lines(), d.n_knots = 0;
    REFUSED(d, before, MC_ERR_ARGUMENT, -1, "knot");
    const double late[] = {1.0, 2.0, 3.0}, again[] = {0.0, 5.0, 5.0}, up[] = {0.5, 0.4, 0.6};
    d = lines(), d.knot_s = late;
    REFUSED(d, before, MC_ERR_ORDER, 0, "start at 0");
    d = lines(), d.knot_s = again;
    REFUSED(d, before, MC_ERR_ORDER, 2, "rise");
    d = lines(), d.knot_share = up;
    REFUSED(d, before, MC_ERR_DOMAIN, 2, "does not rise");
    const double negative[] = {0.0, -1.0}, nan[] = {0.0, NAN};
    d = lines();
    REFUSED(d, negative, MC_ERR_DOMAIN, 1, "elapsed_s");
    REFUSED(d, nan, MC_ERR_NOT_FINITE, 1, "elapsed_s");
    CHECK(mc_decay_at(NULL, before, 2, asked, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_decay_at(&d, NULL, 2, asked, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_decay_at(&d, before, 2, NULL, &err) == MC_ERR_ARGUMENT);
#undef REFUSED
}

static void a_clock_stands_still_while_the_oracle_is_invalid(void)
{
    mc_auction_clock clocks[] = {{.seen_ns = 0, .running = 1}, {.seen_ns = 0, .running = 1}};
    const uint8_t first[] = {0, 1}, then[] = {1, 0};
    double seconds[2];
    CHECK(mc_auction_follow(clocks, 2, 60 * S, first, clocks, NULL) == MC_OK);
    CHECK(mc_auction_elapsed(clocks, 2, 3600 * S, seconds, NULL) == MC_OK);
    CHECK(seconds[0] == 60.0 && seconds[1] == 3600.0);
    CHECK(mc_auction_follow(clocks, 2, 3600 * S, then, clocks, NULL) == MC_OK);
    CHECK(mc_auction_elapsed(clocks, 2, 3610 * S, seconds, NULL) == MC_OK);
    CHECK(seconds[0] == 70.0 && seconds[1] == 3600.0);
}

static void a_clock_takes_no_time_before_what_it_has_seen(void)
{
    const mc_auction_clock clocks[] = {{.seen_ns = 5, .running = 1}, {.seen_ns = 9, .running = 1}};
    mc_auction_clock next[2] = {{.seen_ns = -1}, {.seen_ns = -1}};
    const uint8_t valid[] = {1, 1}, odd[] = {1, 2};
    double seconds[2] = {7.0, 7.0};
    mc_error err;
    CHECK(mc_auction_follow(clocks, 2, 8, valid, next, &err) == MC_ERR_ORDER && err.row == 1);
    CHECK(mc_auction_elapsed(clocks, 2, 4, seconds, &err) == MC_ERR_ORDER && err.row == 0);
    CHECK(mc_auction_follow(clocks, 2, 9, odd, next, &err) == MC_ERR_DOMAIN && err.row == 1);
    CHECK(mc_auction_follow(clocks, 2, 9, NULL, next, &err) == MC_ERR_ARGUMENT && err.row == -1);
    const mc_auction_clock old = {.seen_ns = INT64_MIN, .ran_ns = 1, .running = 1};
    const mc_auction_clock owing = {.ran_ns = -1};
    CHECK(mc_auction_elapsed(&old, 1, INT64_MAX, seconds, &err) == MC_ERR_EXACTNESS);
    CHECK(mc_auction_elapsed(&owing, 1, 1, seconds, &err) == MC_ERR_DOMAIN && err.row == 0);
    CHECK(next[0].seen_ns == -1 && next[1].seen_ns == -1);
    CHECK(seconds[0] == 7.0 && seconds[1] == 7.0);
}

typedef struct columns {
    double share[4], price[4], equity[4], mm[4], reserved[4];
} columns;

static mc_bids into(columns *c)
{
    return (mc_bids){c->share, c->price, c->equity, c->mm, c->reserved};
}

static void the_largest_bid_restores_the_buffer_and_nothing_sells_more_than_all(void)
{
    mc_auction_rules rules;
    mc_auction_derive(&rules);
    const double equity[] = {80.0, 200.0, -30.0, -30.0}, mm[] = {100.0, 100.0, 100.0, 0.0};
    const double asked[] = {0.75, 0.75, 1.0, 1.0};
    const mc_auction_rows rows = {4, equity, mm, NULL};
    double share[4], fee[4];
    CHECK(mc_auction_largest_share(&rules, &rows, asked, share, NULL) == MC_OK);
    CHECK(fabs(share[0] - 35.0 / 95.0) < 1e-15); /* BM = 80 - 115, BM - 60 */
    CHECK(share[1] == 0.0 && share[2] == 1.0 && share[3] == 1.0);
    CHECK(mc_auction_fee(&rules, &rows, fee, NULL) == MC_OK);
    CHECK(fabs(fee[0] - 0.1 * 35.0 / 115.0 * 80.0) < 1e-14);
    CHECK(fee[1] == 0.0 && fee[2] == 0.0 && fee[3] == 0.0);
    const double ten = 10.0, sixty = 60.0, hundred = 100.0, dear = 1.3;
    const mc_auction_rows owed = {1, &ten, &hundred, &sixty}; /* -105 / -100 */
    CHECK(mc_auction_largest_share(&rules, &owed, &dear, share, NULL) == MC_OK && share[0] == 1.0);
}

static void bids_pay_the_account_or_the_bidder(void)
{
    mc_auction_rules rules;
    columns c;
    const mc_bids out = into(&c);
    const double equity[] = {80.0, -20.0, 80.0}, mm[] = {100.0, 70.0, 100.0};
    const double reserved[] = {0.0, 10.0, 0.0}, elapsed_s[] = {900.0, 1800.0, 44100.0};
    const double want[] = {0.25, 0.5, 1.0};
    const uint8_t insolvent[] = {0, 1, 0};
    const mc_auction_rows rows = {3, equity, mm, reserved};
    mc_auction_derive(&rules);
    CHECK(mc_auction_bid(&rules, &rows, insolvent, elapsed_s, want, &out, NULL) == MC_OK);
    CHECK(c.share[0] == 0.25 && fabs(c.price[0] - 14.0) < 1e-14);
    CHECK(fabs(c.equity[0] - 74.0) < 1e-13 && c.mm[0] == 75.0 && c.reserved[0] == c.price[0]);
    CHECK(c.share[1] == 0.5 && c.price[1] == -32.5); /* (-30 - 35) / 2 */
    CHECK(c.equity[1] == -5.0 && c.mm[1] == 35.0 && c.reserved[1] == 10.0);
    CHECK(c.price[2] == 0.0 && c.share[2] > 0.9); /* given away: there is no reserve price */

    rules.reserve_price_frac = 0.3;
    CHECK(mc_auction_bid(&rules, &rows, insolvent, elapsed_s, want, &out, NULL) == MC_OK);
    CHECK(c.share[0] == 0.25 && c.share[2] == 0.0 && c.price[2] == 0.0 && c.equity[2] == 80.0);
    const mc_bids share_only = {.share = c.share};
    CHECK(mc_auction_bid(&rules, &rows, insolvent, elapsed_s, NULL, &share_only, NULL) == MC_OK);
    CHECK(c.share[1] == 1.0);
}

static void quanta_are_rounded_up_from_the_exact_product(void)
{
    const double ones[] = {1.0}, at[] = {0.0};
    mc_decay decay = {.size = sizeof decay, .kind = MC_DECAY_LINEAR, .n_knots = 1, .knot_s = at,
                      .knot_share = ones};
    mc_auction_rules rules = {.size = sizeof rules, .decay = &decay, .insolvent_s = 3.0,
                              .quanta = 1};
    columns c;
    const mc_bids out = into(&c);
    double share = nextafter(0.5, 1.0), equity = 0x1p51, mm = 0x1p51 + 2.0, zero = 0.0;
    const mc_auction_rows row = {1, &equity, &mm, NULL};
    CHECK(mc_auction_bid(&rules, &row, NULL, &zero, &share, &out, NULL) == MC_OK);
    CHECK(c.share[0] < 0.5); /* BM = -2: next to nothing restores it */

    rules.whole_below = 1e18;
    CHECK(mc_auction_bid(&rules, &row, NULL, &zero, &share, &out, NULL) == MC_OK);
    CHECK(c.share[0] == share && c.price[0] == 0x1p50 + 1.0); /* 2^50 + 1/4 quanta */
    share = nextafter(0.5, 0.0);
    CHECK(mc_auction_bid(&rules, &row, NULL, &zero, &share, &out, NULL) == MC_OK);
    CHECK(c.price[0] == 0x1p50); /* 2^50 - 1/8 */

    const double third[] = {1.0 / 3.0}; /* three of it are less than 1, and a double says 1 */
    decay.knot_share = third;
    equity = 3.0, share = 1.0;
    CHECK(mc_auction_bid(&rules, &row, NULL, &zero, &share, &out, NULL) == MC_OK);
    CHECK(c.price[0] == 1.0);

    const uint8_t insolvent = 1;
    const double loss = -7.0, need = 10.0, second = 1.0, half = 0.5;
    const mc_auction_rows below = {1, &loss, &need, NULL};
    CHECK(mc_auction_bid(&rules, &below, &insolvent, &second, &half, &out, NULL) == MC_OK);
    CHECK(c.price[0] == -5.0); /* -(7 + 10/3) / 2 = -5.17 */
    CHECK(c.reserved[0] == 0.0 && !signbit(c.reserved[0]));
}

static void bids_that_make_no_sense_are_refused_by_row_and_write_nothing(void)
{
    mc_auction_rules rules;
    columns c;
    memset(&c, 0x5a, sizeof c);
    const columns untouched = c;
    const mc_bids out = into(&c);
    mc_error err;
    double equity[] = {80.0, 80.0}, mm[] = {100.0, 100.0}, reserved[] = {0.0, 0.0};
    double elapsed_s[] = {0.0, 0.0}, want[] = {1.0, 1.0};
    uint8_t insolvent[] = {0, 0};
    const mc_auction_rows rows = {2, equity, mm, reserved};
    mc_auction_derive(&rules);
#define REFUSED(change, back, code, at_row)                                                    \
    do {                                                                                       \
        change;                                                                                \
        CHECK(mc_auction_bid(&rules, &rows, insolvent, elapsed_s, want, &out, &err) == code);  \
        CHECK(err.row == at_row && memcmp(&c, &untouched, sizeof c) == 0);                     \
        back;                                                                                  \
    } while (0)
    REFUSED(equity[1] = NAN, equity[1] = 80.0, MC_ERR_NOT_FINITE, 1);
    REFUSED(equity[1] = 1e301, equity[1] = 80.0, MC_ERR_DOMAIN, 1);
    REFUSED(equity[1] = -1.0, equity[1] = 80.0, MC_ERR_DOMAIN, 1);
    REFUSED(insolvent[1] = 1, insolvent[1] = 0, MC_ERR_DOMAIN, 1);
    REFUSED(insolvent[1] = 2, insolvent[1] = 0, MC_ERR_DOMAIN, 1);
    REFUSED(mm[0] = -1.0, mm[0] = 100.0, MC_ERR_DOMAIN, 0);
    REFUSED(reserved[1] = -1.0, reserved[1] = 0.0, MC_ERR_DOMAIN, 1);
    REFUSED(elapsed_s[1] = -1.0, elapsed_s[1] = 0.0, MC_ERR_DOMAIN, 1);
    REFUSED(want[1] = 1.5, want[1] = 1.0, MC_ERR_DOMAIN, 1);
    REFUSED(rules.buffer_frac = -0.1, rules.buffer_frac = 0.15, MC_ERR_DOMAIN, -1);
    REFUSED(rules.insolvent_s = 0.0, rules.insolvent_s = 3600.0, MC_ERR_DOMAIN, -1);
    REFUSED(rules.reserve_price_frac = 0.96, rules.reserve_price_frac = 0.0, MC_ERR_DOMAIN, -1);
    REFUSED(rules.fee_frac = NAN, rules.fee_frac = 0.1, MC_ERR_NOT_FINITE, -1);
    REFUSED(rules.size = 1, rules.size = sizeof rules, MC_ERR_ARGUMENT, -1);
    REFUSED(rules.quanta = 2, rules.quanta = 1, MC_ERR_ARGUMENT, -1);
    REFUSED(equity[1] = 80.5, equity[1] = 80.0, MC_ERR_DOMAIN, 1);
    REFUSED(mm[1] = 0x1p53, mm[1] = 100.0, MC_ERR_EXACTNESS, 1);
#undef REFUSED
    CHECK(mc_auction_bid(&rules, &rows, NULL, NULL, want, &out, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_auction_bid(&rules, &rows, NULL, elapsed_s, want, NULL, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_auction_largest_share(&rules, &rows, want, NULL, &err) == MC_ERR_ARGUMENT);
    CHECK(mc_auction_fee(&rules, &rows, NULL, &err) == MC_ERR_ARGUMENT);
}

int main(void)
{
    RUN(decays_are_what_their_formulas_say);
    RUN(a_line_never_rises_between_neighbouring_times);
    RUN(a_decay_that_makes_no_price_is_refused_by_name);
    RUN(a_clock_stands_still_while_the_oracle_is_invalid);
    RUN(a_clock_takes_no_time_before_what_it_has_seen);
    RUN(the_largest_bid_restores_the_buffer_and_nothing_sells_more_than_all);
    RUN(bids_pay_the_account_or_the_bidder);
    RUN(quanta_are_rounded_up_from_the_exact_product);
    RUN(bids_that_make_no_sense_are_refused_by_row_and_write_nothing);
    return REPORT();
}
