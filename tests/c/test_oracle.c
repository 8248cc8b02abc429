/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/oracle.h>

#include "check.h"
#include "world.h"

#define S INT64_C(1000000000)
#define START (INT64_C(1700000000) * S)

enum { N = 5 };
#define EXPECTED_HASH UINT64_C(0x201c0eb3827981e1)

static mc_source sources[N];
static mc_oracle_rule rule;
static mc_ladder ladder;
static mc_feed feed;
static mc_quote quotes[N];
static mc_oracle_state state;
static mc_oracle_reading reading;

/* Two classes: in doubt, where nothing but a look is allowed, and valid. */
static void make(void)
{
    for (int i = 0; i < N; ++i)
        sources[i] = (mc_source){.id = 10 + i, .decimals = 2, .depth_usd = 1e6, .ceiling = INFINITY};
    rule = (mc_oracle_rule){
        .size = sizeof rule, .future_ns = 2 * S, .old_ns = 30 * S, .max_age_ns = 120 * S,
        .half_life_ns = 15 * S, .depth_half_ns = 3600 * S, .jump_window_ns = 600 * S,
        .gap_ns = 120 * S, .grace_ns = 60 * S, .n_fresh = 3, .jump_frac = 0.125,
        .deviation_ratio = 2.0, .outlier_frac = 0.05, .max_confidence_frac = 0.05,
        .max_band_frac = 0.02, .disagreement_k = 3.0, .age_frac = 0.001,
        .stable = {3600 * S, 1 * S, 600 * S, 0.06, 0.0003}};
    ladder = (mc_ladder){
        .n_classes = 2,
        .when = {MC_WHY_NO_PRICE | MC_WHY_NO_QUORUM | MC_WHY_JUMP | MC_WHY_DISAGREE
                 | MC_WHY_DEVIATION | MC_WHY_WIDE | MC_WHY_OLD | MC_WHY_SETTLING},
        .at = {{MC_AT_MID, MC_AT_MID},
               {MC_AT_MID, MC_AT_MID, MC_AT_ADVERSE, MC_AT_ADVERSE, MC_AT_FAVOURABLE, MC_AT_MID}}};
    feed = (mc_feed){.base = mc_currency_of("ETH"), .quote = mc_currency_of("USD"), .quorum = 3,
                     .tolerated = 1, .n_sources = N, .sources = sources, .rule = &rule,
                     .ladder = &ladder};
    memset(&state, 0, sizeof state);
    memset(&reading, 0, sizeof reading);
}

/* All sources say `cents` at `now`. */
static void say(int64_t cents, int64_t now)
{
    for (int i = 0; i < N; ++i)
        quotes[i] = (mc_quote){.mantissa = cents, .time_ns = now, .executed_usd = 1e6,
                               .displayed_usd = 1e6, .base = feed.base, .quote = feed.quote,
                               .source = 10 + i, .decimals = 2};
}

static mc_status tell(int64_t now)
{
    return mc_oracle_update(&feed, &state, quotes, N, now, &state, &reading, NULL);
}

/* A feed that has settled at 2000.00; returns the instant. */
static int64_t settled(void)
{
    make();
    int64_t now = START;
    for (int i = 0; i < 20; ++i) {
        now += 5 * S;
        say(200000, now);
        CHECK(tell(now) == MC_OK);
    }
    CHECK(reading.validity == 1 && reading.reasons == 0);
    CHECK(reading.price == 2000.0 && reading.stable == 2000.0);
    return now;
}

static void a_new_feed_has_no_price_until_depth_is_seen_to_last(void)
{
    make();
    say(200000, START);
    CHECK(tell(START) == MC_OK);
    CHECK(reading.price == 0.0 && (reading.reasons & MC_WHY_NO_PRICE) && reading.validity == 0);
    say(200000, START + S);
    CHECK(tell(START + S) == MC_OK);
    CHECK(reading.price == 2000.0 && reading.reasons == MC_WHY_SETTLING && reading.validity == 0);
}

static void one_source_moves_nothing(void)
{
    static const int64_t elsewhere[] = {1, 100000, 199000, 201000, 1000000, INT64_MAX, -5, 0};
    for (int k = 0; k < 8; ++k) {
        const int64_t now = settled() + S;
        say(200000, now);
        quotes[k % N].mantissa = elsewhere[k];
        CHECK(tell(now) == MC_OK && reading.price == 2000.0 && reading.validity == 1);
        const uint32_t seen = MC_WHY_OUTLIER | MC_WHY_NOT_POSITIVE;
        const int odd = k != 2 && k != 3;
        CHECK(((reading.reasons & seen) != 0) == odd);
    }
}

static void a_rich_and_fresh_source_weighs_less_than_the_rest(void)
{
    const int64_t now = settled() + 20 * S;
    say(200000, now - 20 * S); /* four of them have weights of a quarter or so */
    sources[0].depth_usd = 1e6;
    quotes[0].time_ns = now;
    quotes[0].mantissa = 240000;
    for (int i = 1; i < N; ++i)
        quotes[i].executed_usd = 1000.0;
    CHECK(tell(now) == MC_OK && reading.price == 2000.0 && (reading.reasons & MC_WHY_OUTLIER));
}

static void a_quorum_counts_the_sources_that_are_configured(void)
{
    const int64_t now = settled() + S;
    const mc_oracle_state before = state;
    say(100000, now); /* half the price, so that it would be seen */
    CHECK(mc_oracle_update(&feed, &state, quotes, 2, now, &state, &reading, NULL) == MC_OK);
    CHECK(reading.reasons == (MC_WHY_NO_QUORUM | MC_WHY_SILENT) && reading.validity == 0);
    CHECK(reading.price == 2000.0 && reading.median == 0.0 && reading.answered == 3);
    CHECK(state.price == before.price && state.accepted_ns == before.accepted_ns);
    say(200000, now + 121 * S);
    quotes[0].time_ns = quotes[1].time_ns = quotes[2].time_ns = now;
    CHECK(tell(now + 121 * S) == MC_OK);
    CHECK((reading.reasons & MC_WHY_NO_QUORUM) && (reading.reasons & MC_WHY_STALE));
}

/* 12.5 % at once and as much again every ten minutes: 2000 may become 2400 in six, and
 * so long without an accepted price is an outage: it settles anew. */
static void a_jump_waits_for_as_long_as_it_is_large(void)
{
    int64_t now = settled();
    for (int i = 1; i <= 7; ++i) {
        now += 60 * S;
        say(240000, now);
        CHECK(tell(now) == MC_OK);
        const int waits = i < 6;
        CHECK(((reading.reasons & MC_WHY_JUMP) != 0) == waits);
        CHECK(reading.price == (waits ? 2000.0 : 2400.0));
        CHECK(!waits || (reading.high == 2400.0 && reading.median == 2400.0));
        CHECK(waits || (reading.reasons & MC_WHY_SETTLING));
    }
}

/* 1000 against 2000 is not found by a limit of 2, one cent less is. */
static void far_from_the_stable_price_is_a_reason(void)
{
    make();
    rule.jump_frac = 10.0;
    rule.stable.growth_per_s = 1e-12;
    int64_t now = START;
    for (int i = 0; i < 20; ++i) {
        say(200000, now += 5 * S);
        CHECK(tell(now) == MC_OK);
    }
    say(100001, now += S);
    CHECK(tell(now) == MC_OK && !(reading.reasons & MC_WHY_DEVIATION));
    say(99999, now += S);
    CHECK(tell(now) == MC_OK && (reading.reasons & MC_WHY_DEVIATION));
}

/* 2000 +- 10 of confidence, +- 2 of three median deviations of 2/3: see below. */
static void the_band_is_confidence_and_disagreement_and_age(void)
{
    const int64_t now = settled() + 4 * S;
    static const int64_t prices[N] = {199800, 199900, 200000, 200100, 200200};
    say(200000, now);
    for (int i = 0; i < N; ++i) {
        quotes[i].mantissa = prices[i];
        quotes[i].confidence = prices[i] / 200; /* half a percent, rounded down */
        quotes[i].time_ns = now - 4 * S;
    }
    CHECK(tell(now) == MC_OK && reading.price == 2000.0);
    /* deviations 0, 1, 1, 2, 2 dollars of 2000: median 0.0005; age 4 s: 0.002 */
    const double half = 0.005 + 3 * 0.0005 + 0.001 * 2.0;
    CHECK(fabs(reading.high / 2000.0 - 1.0 - half) < 1e-5);
    CHECK(fabs(1.0 - reading.low / 2000.0 - half) < 1e-5);
}

static void a_wall_buys_nothing_and_its_fall_is_seen_at_once(void)
{
    int64_t now = settled();
    const double before = reading.depth_usd;
    say(200000, now += S);
    for (int i = 0; i < N; ++i)
        quotes[i].displayed_usd = 1e12;
    CHECK(tell(now) == MC_OK && reading.depth_usd < 1.02 * before + 1e4);
    say(200000, now += S);
    for (int i = 0; i < N; ++i)
        quotes[i].displayed_usd = 10.0;
    CHECK(tell(now) == MC_OK && reading.depth_usd == 10.0 * N);
}

static void a_source_at_its_bound_says_nothing(void)
{
    const int64_t now = settled() + S;
    for (int i = 0; i < N; ++i)
        sources[i].floor = 2000.0;
    say(200000, now);
    CHECK(tell(now) == MC_OK);
    CHECK(reading.reasons == (MC_WHY_NO_QUORUM | MC_WHY_AT_BOUND) && reading.answered == 0);
}

/* Each refusal: its status, its row, and nothing written. */
static void a_bad_quote_is_named_and_leaves_all_as_it_was(void)
{
    enum { UNKNOWN, TWICE, PAIR, KIND, SCALE, NO_SCALE, CONFIDENCE, DEPTH, NAN_DEPTH, BACK, FUTURE,
           CASES };
    static const mc_status expected[CASES] = {
        MC_ERR_INSTRUMENT, MC_ERR_ORDER, MC_ERR_ARGUMENT, MC_ERR_ARGUMENT, MC_ERR_ARGUMENT,
        MC_ERR_DOMAIN, MC_ERR_DOMAIN, MC_ERR_DOMAIN, MC_ERR_NOT_FINITE, MC_ERR_ORDER,
        MC_ERR_DOMAIN};
    for (int k = 0; k < CASES; ++k) {
        const int64_t now = settled() + S;
        const mc_oracle_state before = state;
        const mc_oracle_reading read = reading;
        mc_error err;
        say(210000, now);
        mc_quote *q = &quotes[3];
        switch (k) {
        case UNKNOWN: q->source = 99; break;
        case TWICE: q->source = 11; break;
        case PAIR: q->base = mc_currency_of("BTC"); break;
        case KIND: q->kind = MC_SOURCE_PUBLISHER; break;
        case SCALE: q->decimals = 8; break;
        case NO_SCALE: q->decimals = MC_NO_DECIMALS; break;
        case CONFIDENCE: q->confidence = -1; break;
        case DEPTH: q->displayed_usd = -1.0; break;
        case NAN_DEPTH: q->executed_usd = NAN; break;
        case BACK: q->time_ns = now - 2 * S; break;
        case FUTURE: q->time_ns = now + 2 * S + 1; break;
        }
        CHECK(mc_oracle_update(&feed, &state, quotes, N, now, &state, &reading, &err)
              == expected[k]);
        CHECK(err.row == 3 && err.status == expected[k] && strlen(err.message) > 10);
        CHECK(memcmp(&before, &state, sizeof state) == 0);
        CHECK(memcmp(&read, &reading, sizeof reading) == 0);
    }
    const int64_t now = settled();
    const mc_oracle_state before = state;
    say(200000, now - 1);
    CHECK(tell(now - 1) == MC_ERR_ORDER && memcmp(&before, &state, sizeof state) == 0);
    CHECK(tell(0) == MC_ERR_ORDER);
}

static void a_feed_that_cannot_be_is_refused(void)
{
    mc_error err;
    make();
    CHECK(mc_feed_check(&feed, NULL) == MC_OK);
    CHECK(mc_feed_check(NULL, NULL) == MC_ERR_ARGUMENT);
    feed.quorum = 2;
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_DOMAIN);
    feed.quorum = 6;
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_DOMAIN);
    feed.quorum = INT32_MIN;
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_DOMAIN);
    make();
    feed.tolerated = 2; /* of three that may be all that answer */
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_DOMAIN);
    make();
    sources[4].id = sources[1].id;
    CHECK(mc_feed_check(&feed, &err) == MC_ERR_ORDER && err.row == 4);
    make();
    sources[2].depth_usd = NAN;
    CHECK(mc_feed_check(&feed, &err) == MC_ERR_NOT_FINITE && err.row == 2);
    make();
    sources[2].decimals = 19;
    CHECK(mc_feed_check(&feed, &err) == MC_ERR_DOMAIN && err.row == 2);
    make();
    sources[1].ceiling = 0.0;
    CHECK(mc_feed_check(&feed, &err) == MC_ERR_DOMAIN && err.row == 1);
    make();
    feed.n_sources = MC_MAX_SOURCES + 1;
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_ARGUMENT);
    make();
    rule.size = 8;
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_ARGUMENT);
    make();
    rule.stable.growth_per_s = 0.0;
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_DOMAIN);
    make();
    ladder.when[0] = 0; /* a class for every price, and one after it */
    CHECK(mc_feed_check(&feed, NULL) == MC_ERR_ARGUMENT);
    make();
    ladder.at[1][3] = 9;
    CHECK(mc_feed_check(&feed, &err) == MC_ERR_ARGUMENT && err.row == 1);
}

static void many_feeds_are_each_as_one(void)
{
    enum { MANY = 1000 };
    static mc_oracle_state states[MANY], one[MANY];
    static mc_oracle_reading readings[MANY];
    static mc_quote all[MANY * N];
    static int64_t offset[MANY + 1], now[MANY];
    static uint8_t statuses[MANY];
    make();
    memset(states, 0, sizeof states);
    memset(one, 0, sizeof one);
    for (int step = 1; step <= 10; ++step) {
        for (int i = 0; i < MANY; ++i) {
            now[i] = START + step * 5 * S;
            offset[i + 1] = offset[i] + N;
            say(200000 + i, now[i]);
            if (i == 7)
                quotes[2].source = 99;
            memcpy(&all[i * N], quotes, sizeof quotes);
        }
        for (unsigned threads = 1; threads <= 3; threads += 2) {
            mc_oracle_state again[MANY];
            memcpy(again, states, sizeof again);
            CHECK(mc_oracle_update_many(&feed, all, offset, now, MANY, threads, again, readings,
                                        statuses, NULL) == MC_OK);
            if (threads == 3)
                memcpy(states, again, sizeof again);
        }
        for (int i = 0; i < MANY; ++i) {
            mc_oracle_reading alone;
            const mc_status status = mc_oracle_update(&feed, &one[i], &all[i * N], N, now[i],
                                                      &one[i], &alone, NULL);
            CHECK(status == statuses[i] && (status == MC_OK) == (i != 7));
            CHECK(memcmp(&one[i], &states[i], sizeof one[i]) == 0);
            CHECK(i == 7 || memcmp(&alone, &readings[i], sizeof alone) == 0);
        }
    }
    mc_error err;
    offset[3] = offset[2] - 1;
    CHECK(mc_oracle_update_many(&feed, all, offset, now, MANY, 1, states, readings, statuses, &err)
          == MC_ERR_ORDER);
    CHECK(err.row == 2);
}

static mc_oracle_reading leg(const char *base, const char *quote, double price, int64_t time_ns)
{
    return (mc_oracle_reading){.price = price, .low = price * 0.5, .high = price * 2.0,
                               .stable = price, .median = price, .depth_usd = price,
                               .time_ns = time_ns, .base = mc_currency_of(base),
                               .quote = mc_currency_of(quote), .validity = 1, .now_ns = time_ns};
}

static void legs_multiply_and_the_oldest_tells_the_time(void)
{
    static const uint8_t as_they_are[2] = {0, 0}, second_over[2] = {0, 1};
    mc_oracle_reading c = {0};
    make();
    rule.max_band_frac = 0.9;
    const mc_currency a = mc_currency_of("A"), usd = mc_currency_of("USD");
    mc_oracle_reading legs[2] = {leg("A", "B", 8.0, START + 5), leg("B", "USD", 4.0, START)};
    legs[0].reasons = MC_WHY_OLD;
    CHECK(mc_oracle_compose(legs, as_they_are, 2, a, usd, START + 5, &rule,
                            &ladder, &c, NULL) == MC_OK);
    CHECK(c.price == 32.0 && c.low == 8.0 && c.high == 128.0 && c.stable == 32.0);
    CHECK(c.time_ns == START && c.depth_usd == 4.0 && c.base == a && c.quote == usd);
    CHECK(c.reasons == (MC_WHY_OLD | MC_WHY_WIDE) && c.validity == 0);
    legs[1] = leg("USD", "B", 0.25, START);
    CHECK(mc_oracle_compose(legs, second_over, 2, a, usd, START + 5, &rule,
                            &ladder, &c, NULL) == MC_OK);
    CHECK(c.price == 32.0 && c.low == 8.0 && c.high == 128.0 && c.inverted == 1);
}

static void a_leg_ages_from_when_it_was_made(void)
{
    static const uint8_t as_they_are[2] = {0, 0};
    const mc_currency a = mc_currency_of("A"), usd = mc_currency_of("USD");
    mc_oracle_reading c = {0};
    mc_error err;
    make();
    rule.max_band_frac = 0.9;
    const mc_oracle_reading legs[2] = {leg("A", "B", 8.0, START),
                                       leg("B", "USD", 4.0, START + rule.max_age_ns)};
    const struct { int64_t now_ns; uint32_t age; } at[] = {
        {START + rule.max_age_ns, MC_WHY_NO_QUORUM | MC_WHY_STALE},
        {START + rule.max_age_ns + 1, MC_WHY_NO_QUORUM | MC_WHY_STALE}};
    for (int i = 0; i < 2; ++i) {
        CHECK(mc_oracle_compose(legs, as_they_are, 2, a, usd, at[i].now_ns, &rule, &ladder, &c,
                                NULL) == MC_OK);
        CHECK((c.reasons & ~MC_WHY_WIDE) == at[i].age && c.now_ns == START);
    }
    const mc_currency b = mc_currency_of("B");
    const struct { int64_t age_ns; uint32_t age; } alone[] = {
        {0, 0}, {rule.old_ns - 1, 0}, {rule.old_ns, MC_WHY_OLD},
        {rule.max_age_ns, MC_WHY_NO_QUORUM | MC_WHY_STALE}};
    for (int i = 0; i < 4; ++i) {
        CHECK(mc_oracle_compose(legs, as_they_are, 1, a, b, START + alone[i].age_ns, &rule, &ladder,
                                &c, NULL) == MC_OK);
        CHECK(c.reasons == alone[i].age && c.price == 8.0);
    }
    c.price = 7.0;
    CHECK(mc_oracle_compose(legs, as_they_are, 2, a, usd, START, &rule, &ladder, &c, &err)
          == MC_ERR_ORDER);
    CHECK(err.row == 1 && c.price == 7.0);
}

static void legs_that_do_not_meet_are_refused(void)
{
    const uint8_t none[2] = {0, 0}, first[2] = {1, 0}, second[2] = {0, 1};
    const mc_currency a = mc_currency_of("A"), usd = mc_currency_of("USD");
    mc_oracle_reading c = {.price = 7.0};
    mc_error err;
    make();
    mc_oracle_reading legs[2] = {leg("A", "B", 8.0, START), leg("B", "USD", 4.0, START)};
    CHECK(mc_oracle_compose(legs, none, 1, a, usd, START + 5, &rule,
                            &ladder, &c, &err) == MC_ERR_ARGUMENT);
    CHECK(err.row == 0 && strstr(err.message, "A/B") != NULL); /* Moonwell: a leg was dropped */
    CHECK(mc_oracle_compose(legs, first, 2, a, usd, START + 5, &rule,
                            &ladder, &c, &err) == MC_ERR_ARGUMENT);
    CHECK(err.row == 0);
    CHECK(mc_oracle_compose(legs, second, 2, a, usd, START + 5, &rule,
                            &ladder, &c, &err) == MC_ERR_ARGUMENT);
    CHECK(err.row == 1);
    CHECK(mc_oracle_compose(legs, none, 0, a, usd, START + 5, &rule,
                            &ladder, &c, NULL) == MC_ERR_ARGUMENT);
    legs[1].inverted = 1;
    legs[1].base = usd;
    legs[1].quote = mc_currency_of("B");
    CHECK(mc_oracle_compose(legs, second, 2, a, usd, START + 5, &rule,
                            &ladder, &c, &err) == MC_ERR_ARGUMENT);
    CHECK(err.row == 1 && strstr(err.message, "twice") != NULL);
    legs[1] = leg("B", "USD", 0.0, START);
    CHECK(mc_oracle_compose(legs, none, 2, a, usd, START + 5, &rule,
                            &ladder, &c, &err) == MC_ERR_DOMAIN);
    CHECK(err.row == 1 && c.price == 7.0);
}

static void an_edge_counts_the_stable_price_too(void)
{
    make();
    mc_oracle_reading r[2] = {leg("A", "USD", 8.0, START), leg("A", "USD", 8.0, START)};
    const double owned[2] = {1.0, -1.0};
    uint8_t allowed[2] = {9, 9};
    double price[2] = {0};
    r[0].stable = r[1].stable = 3.0; /* below the band of 4 to 16 */
    CHECK(mc_oracle_prices(&ladder, r, owned, 2, MC_WITHDRAWAL, allowed, price, NULL) == MC_OK);
    CHECK(allowed[0] == 1 && price[0] == 3.0 && price[1] == 16.0);
    CHECK(mc_oracle_prices(&ladder, r, owned, 2, MC_LIQUIDATION, allowed, price, NULL) == MC_OK);
    CHECK(price[0] == 16.0 && price[1] == 3.0);
    CHECK(mc_oracle_prices(&ladder, r, owned, 2, MC_DISPLAY, allowed, price, NULL) == MC_OK);
    CHECK(price[0] == 8.0 && price[1] == 8.0);
    r[1].validity = 0;
    CHECK(mc_oracle_prices(&ladder, r, owned, 2, MC_WITHDRAWAL, allowed, price, NULL) == MC_OK);
    CHECK(allowed[0] == 1 && allowed[1] == 0 && price[1] == 16.0);
    r[1].validity = 2;
    CHECK(mc_oracle_prices(&ladder, r, owned, 2, MC_DISPLAY, allowed, price, NULL)
          == MC_ERR_ARGUMENT);
    CHECK(mc_oracle_prices(&ladder, r, owned, 1, MC_ACTIONS, allowed, price, NULL)
          == MC_ERR_ARGUMENT);
}

/* Half a day at twice the price, each step by at most growth (fraction of the delayed)^2. */
static void a_stable_price_follows_at_its_limit(void)
{
    const mc_stable_rule r = {3600 * S, 10 * S, 600 * S, 0.06, 0.0003};
    mc_stable_price p = {0};
    mc_error err;
    CHECK(mc_stable_price_update(&r, &p, START, 1.0, &p, NULL) == MC_OK && p.price == 1.0);
    CHECK(mc_stable_price_update(&r, &p, START + 60 * S, 2.0, &p, NULL) == MC_OK);
    CHECK(p.price == 1.0 + 0.0003 * 60.0);
    CHECK(mc_stable_price_update(&r, &p, START + 69 * S, 2.0, &p, NULL) == MC_OK);
    CHECK(p.price == 1.0 + 0.0003 * 60.0); /* sooner than min_step */
    const mc_stable_price before = p;
    CHECK(mc_stable_price_update(&r, &p, START, 2.0, &p, NULL) == MC_ERR_ORDER);
    CHECK(mc_stable_price_update(&r, &p, START + 80 * S, -1.0, &p, NULL) == MC_ERR_DOMAIN);
    CHECK(mc_stable_price_update(&r, &p, START + 80 * S, NAN, &p, &err) == MC_ERR_NOT_FINITE);
    CHECK(memcmp(&before, &p, sizeof p) == 0);
}

/* Any bytes as a state and quotes: a status, and never a price that is no number. */
static void rubbish_gets_a_status(void)
{
    chance c = {7};
    for (int round = 0; round < 20000; ++round) {
        const int64_t now = settled() + S;
        say(200000, now);
        unsigned char *bytes = draw_below(&c, 2) ? (unsigned char *)&state
                                                 : (unsigned char *)quotes;
        const int64_t size = bytes == (unsigned char *)&state ? sizeof state : sizeof quotes;
        for (int k = 0; k < 4; ++k)
            bytes[draw_below(&c, size)] = (unsigned char)draw(&c);
        const mc_status status = tell(now);
        CHECK(status >= MC_OK && status < MC_STATUS_END);
        CHECK(reading.price - reading.price == 0.0 && reading.low > 0.0
              && reading.low <= reading.price && reading.price <= reading.high);
    }
}

static uint64_t hashed(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t b = 0; b < bytes; ++b)
        hash = (hash ^ at[b]) * UINT64_C(0x100000001b3); /* FNV-1a, as in fingerprint.c */
    return hash;
}

/* Ten thousand ticks of a restless market: every compiler and level must print this hash. It
 * changes with the rule, and only then. */
static void a_long_day_has_the_same_bits_everywhere(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    chance c = {11};
    int64_t now = START, cents = 200000;
    make();
    for (int i = 0; i < 10000; ++i) {
        now += draw_below(&c, 20) ? draw_below(&c, 9) * S : draw_below(&c, 900) * S;
        cents += draw_below(&c, 401) - 200;
        say(cents, now);
        for (int k = 0; k < N; ++k) {
            quotes[k].mantissa += draw_below(&c, 301) - 150;
            quotes[k].confidence = draw_below(&c, 200);
            quotes[k].time_ns -= draw_below(&c, 3) * S;
            if (quotes[k].time_ns < state.source_ns[k])
                quotes[k].time_ns = state.source_ns[k];
            quotes[k].executed_usd = (double)(1 + draw_below(&c, 1000000));
        }
        quotes[draw_below(&c, N)].mantissa *= 1 + draw_below(&c, 3);
        CHECK(tell(now) == MC_OK);
        hash = hashed(hash, &state, sizeof state);
        hash = hashed(hash, &reading, sizeof reading);
    }
    if (hash != EXPECTED_HASH)
        fprintf(stderr, "the hash is 0x%016llx\n", (unsigned long long)hash);
    CHECK(hash == EXPECTED_HASH);
}

int main(void)
{
    RUN(a_new_feed_has_no_price_until_depth_is_seen_to_last);
    RUN(one_source_moves_nothing);
    RUN(a_rich_and_fresh_source_weighs_less_than_the_rest);
    RUN(a_quorum_counts_the_sources_that_are_configured);
    RUN(a_jump_waits_for_as_long_as_it_is_large);
    RUN(far_from_the_stable_price_is_a_reason);
    RUN(the_band_is_confidence_and_disagreement_and_age);
    RUN(a_wall_buys_nothing_and_its_fall_is_seen_at_once);
    RUN(a_source_at_its_bound_says_nothing);
    RUN(a_bad_quote_is_named_and_leaves_all_as_it_was);
    RUN(a_feed_that_cannot_be_is_refused);
    RUN(many_feeds_are_each_as_one);
    RUN(legs_multiply_and_the_oldest_tells_the_time);
    RUN(a_leg_ages_from_when_it_was_made);
    RUN(legs_that_do_not_meet_are_refused);
    RUN(an_edge_counts_the_stable_price_too);
    RUN(a_stable_price_follows_at_its_limit);
    RUN(rubbish_gets_a_status);
    RUN(a_long_day_has_the_same_bits_everywhere);
    return REPORT();
}
