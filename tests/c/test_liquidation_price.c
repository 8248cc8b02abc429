/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/margin_core.h>

#include "check.h"
#include "world.h"

/* ---- on paper ---- */

static paper world;

typedef struct answer {
    int64_t below, above;
    uint8_t found;
} answer;

static mc_margin_inputs inputs_of(const paper *w)
{
    return (mc_margin_inputs){.instruments = &w->instruments, .market = &w->market,
                              .scenarios = &w->scenarios, .lot = w->lot, .options = &w->options,
                              .model = &w->model};
}

static mc_price_search cents(void)
{
    return (mc_price_search){sizeof(mc_price_search), 0, 100.0, -0.9, 3.0, 20};
}

/* One account of BTC and ETH perpetuals. */
static mc_status held(uint8_t mode, double btc, double eth, int64_t cash,
                      const mc_price_search *search, const int64_t *follows, answer *out,
                      mc_error *err)
{
    const int64_t offset[] = {0, 2};
    const int32_t instrument[] = {BTC_PERPETUAL, ETH_PERPETUAL};
    const double lots[] = {btc, eth};
    const mc_book_columns columns = {.n_accounts = 1, .n_instruments = PAPER_N, .offset = offset,
                                     .instrument = instrument, .lots = lots, .cash = &cash,
                                     .mode = &mode};
    const mc_margin_inputs inputs = inputs_of(&world);
    mc_book *book = NULL;
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    const mc_status status = mc_liquidation_prices(&inputs, book, &(mc_range){0, 1, 1}, search,
                                                   follows, &out->below, &out->above, &out->found,
                                                   err);
    mc_book_destroy(book);
    return status;
}

static answer price(uint8_t mode, double btc, double eth, double cash_usd)
{
    const mc_price_search search = cents();
    answer out = {-7, -7, 77};
    CHECK(held(mode, btc, eth, (int64_t)rint(cash_usd * 1e6), &search, NULL, &out, NULL) == MC_OK);
    return out;
}

/* Cross: P 10 - 1000 + C = 1 % of 10 P and of the other position. With C = 55.54 the position
 * alone goes at 95.40; 396 ETH at 10 need 39.60 more, and it goes at 99.40. An estimate that looks
 * at one position is four dollars late (TorchTrade #344 has these two numbers). */
static void a_cross_account_counts_what_its_other_positions_need(void)
{
    paper_make(&world);
    for (int u = 0; u < 2; ++u) {
        world.units[u].n_tiers = 1;
        world.units[u].tiers[0] = (mc_tier){0.0, 0.01, 0.02};
    }
    const answer one = price(MC_CROSS, 10, 0, 55.54 - 1000.0);
    const answer both = price(MC_CROSS, 10, 396, 55.54 - 1000.0 - 3960.0);
    CHECK(one.below == 9540 && one.found == MC_PRICE_BELOW && one.above == 0);
    CHECK(both.below == 9940 && both.found == MC_PRICE_BELOW);
}

/* Isolated, short: C - 10 P = P 10 / 8 at 110; there it is not below yet. */
static void an_isolated_short_goes_one_tick_above_its_root(void)
{
    paper_make(&world);
    const answer found = price(MC_ISOLATED, -10, 0, 1237.5);
    CHECK(found.above == 11001 && found.found == MC_PRICE_ABOVE && found.below == 0);
}

/* Portfolio: the scan takes a quarter, the roll 1/64: C + 10 P = 10 P 17/64 at 80. */
static void a_portfolio_account_goes_where_its_scan_does(void)
{
    paper_make(&world);
    const answer found = price(MC_PORTFOLIO, 10, 0, -587.5);
    CHECK(found.below == 7999 && found.found == MC_PRICE_BELOW);
    CHECK(price(MC_PORTFOLIO, 10, 0, -1000.0).found == MC_PRICE_NOW);
    CHECK(price(MC_PORTFOLIO, 10, 0, 0.0).found == 0); /* paid for */
    CHECK(price(MC_PORTFOLIO, 0, 10, 0.0).found == 0); /* holds nothing of the unit but 0 lots */
}

/* 100 USD of cash that follow the price are a coin: C + 10 P + P = 10 P / 8 at 80. */
static void cash_that_follows_the_price_moves_with_it(void)
{
    paper_make(&world);
    const mc_price_search search = cents();
    const int64_t coin = 100000000;
    answer found;
    CHECK(held(MC_ISOLATED, 10, 0, -680000000, &search, &coin, &found, NULL) == MC_OK);
    /* C = -780: -780 + 11 P = 1.25 P at 80 */
    CHECK(found.below == 7999 && found.found == MC_PRICE_BELOW);
}

static void what_makes_no_sense_is_refused_and_writes_nothing(void)
{
    paper_make(&world);
    answer out = {-7, -7, 77};
    mc_error err;
    mc_price_search s;
#define REFUSED(change, expected)                                                        \
    do {                                                                                \
        s = cents();                                                                    \
        change;                                                                         \
        CHECK(held(MC_CROSS, 1, 1, 0, &s, NULL, &out, &err) == (expected));              \
        CHECK(err.status == (expected) && out.below == -7 && out.above == -7 && out.found == 77); \
    } while (0)
    REFUSED(s.size = 1, MC_ERR_ARGUMENT);
    REFUSED(s.n_steps = 0, MC_ERR_ARGUMENT);
    REFUSED(s.n_steps = 1001, MC_ERR_ARGUMENT);
    REFUSED(s.unit = 2, MC_ERR_INSTRUMENT);
    REFUSED(s.unit = -1, MC_ERR_INSTRUMENT);
    REFUSED(s.ticks_per_usd = 0.0, MC_ERR_DOMAIN);
    REFUSED(s.ticks_per_usd = 1e15, MC_ERR_DOMAIN); /* 2^53 ticks and more */
    REFUSED(s.ticks_per_usd = NAN, MC_ERR_NOT_FINITE);
    REFUSED(s.least_move = -1.0, MC_ERR_DOMAIN);
    REFUSED(s.least_move = 0.0, MC_ERR_DOMAIN);
    REFUSED(s.most_move = 0.0, MC_ERR_DOMAIN);
    REFUSED(s.most_move = 1001.0, MC_ERR_DOMAIN);
    REFUSED(s.most_move = INFINITY, MC_ERR_NOT_FINITE);
    REFUSED(world.options.quantum = 0.0, MC_ERR_ARGUMENT);
    world.options.quantum = 1e-6;
    REFUSED(world.options.numeraire = 0, MC_ERR_ARGUMENT);
    world.options.numeraire = -1;
    REFUSED(world.index[0] = -1.0, MC_ERR_DOMAIN);
    world.index[0] = 100.0;
    REFUSED(world.lot[0] = 1e-9, MC_ERR_QUANTUM);
    world.lot[0] = 1.0;
    REFUSED(world.units[1].group = 5, MC_ERR_INSTRUMENT);
    world.units[1].group = 0;
    s = cents();
    const int64_t much = INT64_C(1) << 53;
    CHECK(held(MC_CROSS, 1, 1, 0, &s, &much, &out, &err) == MC_ERR_EXACTNESS && err.row == 0);
    /* 4e7 lots of 100 USD are within the bound today, not at four times the price. */
    CHECK(held(MC_CROSS, 4e7, 0, 0, &s, NULL, &out, &err) == MC_ERR_EXACTNESS && err.row == 0);
    CHECK(out.below == -7 && out.above == -7 && out.found == 77);

    const mc_margin_inputs in = inputs_of(&world);
    const mc_range all = {0, 1, 1};
    CHECK(mc_liquidation_prices(&in, NULL, &all, &s, NULL, &out.below, &out.above, &out.found, NULL)
          == MC_ERR_ARGUMENT);
    CHECK(mc_liquidation_prices(NULL, NULL, &all, &s, NULL, &out.below, &out.above, &out.found,
                                &err) == MC_ERR_ARGUMENT && err.row == -1);
}

/* ---- at random: what the definition says, by sweeps of the whole market ---- */

enum { ACCOUNTS = 240, UNITS_TRIED = 3, TICKS = 1000 };

typedef struct moving {
    double index[R_UNITS], forward[R_N], mark[R_N];
} moving;

static double value(const random_world *w, const double *forward, const double *index, int i)
{
    double price = 0.0;
    const uint8_t is_call = w->kind[i] == MC_CALL;
    const mc_option_rows rows = {
        .forward = {forward + i, 1}, .strike = {w->strike + i, 1},
        .years = {w->years + w->term[i], 1}, .vol = {w->vol + i, 1},
        .discount = {w->discount + i, 1}, .is_call = &is_call, .is_call_stride = 1, .n = 1,
    };
    CHECK(mc_black76(&rows, &(mc_greeks){.price = &price}, 1, NULL) == MC_OK);
    return w->inverse[i] ? price * (index[w->unit[i]] / forward[i]) : price;
}

static void move(const random_world *w, int unit, double price, moving *m)
{
    const double scale = price / w->index[unit];
    memcpy(m->index, w->index, sizeof m->index);
    memcpy(m->forward, w->forward, sizeof m->forward);
    memcpy(m->mark, w->mark, sizeof m->mark);
    m->index[unit] = price;
    for (int i = unit * R_OF_UNIT; i < (unit + 1) * R_OF_UNIT; ++i) {
        m->forward[i] *= scale;
        if (w->kind[i] == MC_CALL || w->kind[i] == MC_PUT) {
            const double change = value(w, m->forward, m->index, i)
                                - value(w, w->forward, w->index, i);
            m->mark[i] = fmax(fma(change * (w->inverse[i] ? 1.0 : w->quote[i]), w->size[i],
                                  m->mark[i]), 0.0);
        } else if (w->kind[i] == MC_SPOT || !w->inverse[i]) {
            m->mark[i] *= scale;
        }
    }
}

static int is_liquidatable(const random_world *w, const mc_book *book, size_t a, int unit,
                           double price, const int64_t *sides, const int64_t *owners)
{
    moving m;
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    uint8_t status = 77;
    move(w, unit, price, &m);
    mc_market market = w->market;
    market.index_usd = m.index;
    market.forward_usd = m.forward;
    market.mark_usd = m.mark;
    CHECK(mc_risk_array_create(&w->instruments, &market, &w->scenarios, w->lot, &options, &risk,
                               NULL) == MC_OK);
    CHECK(mc_margin_create(risk, &w->instruments, &market, &w->model, &margin, NULL) == MC_OK);
    CHECK(mc_sweep(margin, book, &(mc_range){a, 1, 1}, sides, owners,
                   &(mc_standing){.status = &status}, NULL) == MC_OK);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
    return status >= MC_ACCOUNT_LIQUIDATABLE;
}

static void exposures(const random_world *w, const mc_book *book, int64_t *sides, int64_t *owners)
{
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    CHECK(mc_risk_array_create(&w->instruments, &w->market, &w->scenarios, w->lot, &options, &risk,
                               NULL) == MC_OK);
    CHECK(mc_margin_create(risk, &w->instruments, &w->market, &w->model, &margin, NULL) == MC_OK);
    CHECK(mc_exposure(margin, book, 1, sides, owners, NULL) == MC_OK);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
}

typedef struct answers {
    int64_t below[ACCOUNTS], above[ACCOUNTS];
    uint8_t found[ACCOUNTS];
} answers;

/* All accounts in ranges of `piece`: few go alone, many with a table of the whole market. */
static void find(const mc_margin_inputs *in, const mc_book *book, const mc_price_search *search,
                 size_t piece, unsigned threads, answers *out)
{
    memset(out, 77, sizeof *out);
    for (size_t a = 0; a < ACCOUNTS; a += piece)
        CHECK(mc_liquidation_prices(in, book, &(mc_range){a, piece, threads}, search, NULL,
                                    out->below + a, out->above + a, out->found + a, NULL) == MC_OK);
}

static void the_tick_is_liquidatable_and_the_one_before_it_is_not(void)
{
    static random_world w;
    static random_book accounts;
    static answers found, other;
    int both = 0, below = 0, above = 0, now = 0, none = 0;
    random_world_make(&w, 48, 17);
    random_book_make(&accounts, 49, ACCOUNTS);
    for (int i = 0; i < R_N; ++i)
        w.lot[i] = w.inverse[i] && w.strike[i] == 0.0 ? 10.0 : 100.0 / w.index[w.unit[i]];
    for (size_t a = 0; a < ACCOUNTS; ++a)
        accounts.cash[a] = 100 * accounts.cash[a] + INT64_C(50000000000);
    mc_book *book = NULL;
    CHECK(mc_book_create(&accounts.columns, &book, NULL) == MC_OK);
    static int64_t sides[2 * R_UNITS], owners[2 * R_UNITS * BOOK_OWNERS];
    exposures(&w, book, sides, owners);
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    const mc_margin_inputs in = {&w.instruments, &w.market, &w.scenarios, w.lot, &options,
                                 &w.model, sides, owners};
    const char *const best = mc_isa();
    for (int unit = 0; unit < UNITS_TRIED; ++unit) {
        const double per_usd = TICKS / w.index[unit] / 1.0001; /* today is between two ticks */
        const mc_price_search search = {sizeof search, unit, per_usd, -0.9, 3.0, 24};
        find(&in, book, &search, ACCOUNTS, 1, &found);
        const char *name;
        for (size_t copy = 0; (name = mc_isa_at(copy)) != NULL; ++copy) {
            CHECK(mc_isa_select(name, NULL) == MC_OK);
            for (unsigned threads = 1; threads < 4; threads += 2) {
                find(&in, book, &search, threads == 1 ? 1 : ACCOUNTS, threads, &other);
                CHECK(memcmp(&found, &other, sizeof found) == 0);
            }
        }
        CHECK(mc_isa_select(best, NULL) == MC_OK);
        const double today = w.index[unit] * per_usd;
        for (size_t a = 0; a < ACCOUNTS; ++a) {
            const int64_t tick[] = {found.below[a], found.above[a]};
            const int at_once = is_liquidatable(&w, book, a, unit, w.index[unit], sides, owners);
            CHECK(at_once == (found.found[a] == MC_PRICE_NOW));
            for (int k = 0; k < 2; ++k) {
                if (!(found.found[a] & (MC_PRICE_BELOW << k))) {
                    CHECK(tick[k] == 0);
                    continue;
                }
                const double before = (double)tick[k] + (k == 0 ? 1.0 : -1.0);
                const int passes = k == 0 ? before > today : before < today;
                CHECK((k == 0) == ((double)tick[k] < today));
                CHECK(is_liquidatable(&w, book, a, unit, (double)tick[k] / per_usd, sides, owners));
                CHECK(!is_liquidatable(&w, book, a, unit,
                                       passes ? w.index[unit] : before / per_usd, sides, owners));
            }
            both += found.found[a] == (MC_PRICE_BELOW | MC_PRICE_ABOVE);
            below += found.found[a] == MC_PRICE_BELOW;
            above += found.found[a] == MC_PRICE_ABOVE;
            now += found.found[a] == MC_PRICE_NOW;
            none += found.found[a] == 0;
        }
    }
    printf("     %d both, %d below, %d above, %d now, %d none\n", both, below, above, now, none);
    CHECK(both > 5 && below > 5 && above > 10 && now > 10 && none > 10);
    mc_book_destroy(book);
    random_book_free(&accounts);
    random_world_free(&w);
}

int main(void)
{
    RUN(a_cross_account_counts_what_its_other_positions_need);
    RUN(an_isolated_short_goes_one_tick_above_its_root);
    RUN(a_portfolio_account_goes_where_its_scan_does);
    RUN(cash_that_follows_the_price_moves_with_it);
    RUN(what_makes_no_sense_is_refused_and_writes_nothing);
    RUN(the_tick_is_liquidatable_and_the_one_before_it_is_not);
    return REPORT();
}
