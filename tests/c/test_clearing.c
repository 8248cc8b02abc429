/* SPDX-License-Identifier: Apache-2.0 */
/* `test_clearing [STEPS]`: the random walk's steps, a million unless told. */
#include <stdint.h>
#include <stdlib.h>

#include <margin_core/clearing.h>

#include "base/wide.h"
#include "check.h"

enum { N = 48, JOURNAL = 16 };

static uint64_t steps = 1000000;

typedef struct world {
    mc_ledger ledger;
    int64_t cash[N], pnl[N];
    mc_receipt journal[JOURNAL];
} world;

static uint64_t seed = 20251010;

static uint64_t next_random(void) /* xorshift64* */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

static int64_t below(int64_t n)
{
    return (int64_t)(next_random() % (uint64_t)n);
}

static void start(world *w, mc_waterfall rules)
{
    memset(w, 0, sizeof *w);
    w->ledger = (mc_ledger){.n_accounts = N, .cash = w->cash, .pnl = w->pnl,
                            .journal = w->journal, .n_journal = JOURNAL, .waterfall = rules};
}

static mc_waterfall every_layer(int32_t adl)
{
    return (mc_waterfall){.insurance_limit = INT64_C(1) << 60, .adl = adl, .socialises = 1};
}

/* Applies one event under the next id. */
static mc_status give(world *w, mc_event event, const int64_t *candidates, int64_t *haircuts,
                      mc_error *err)
{
    size_t done;
    event.id = w->ledger.last_id + 1;
    return mc_ledger_apply(&w->ledger, &event, 1, candidates, event.count, haircuts, NULL, &done,
                           err);
}

static int refused(world *w, mc_event event, const int64_t *candidates, mc_status status,
                   const char *word)
{
    const world before = *w;
    mc_error err;
    const int named = give(w, event, candidates, NULL, &err) == status && err.row == 0 &&
                      strstr(err.message, word) != NULL;
    return named && memcmp(&before, w, sizeof before) == 0;
}

/* Account 0 lost 1,000 to accounts 1 to 3, has 100 and is closed; the fund holds 50. */
static void start_loss(world *w, mc_waterfall rules)
{
    start(w, rules);
    const mc_event events[] = {
        {.kind = MC_EVENT_DEPOSIT, .account = -1, .amount = 50},
        {.kind = MC_EVENT_DEPOSIT, .account = 0, .amount = 100},
        {.kind = MC_EVENT_DEPOSIT, .account = 1, .amount = 7},
        {.kind = MC_EVENT_VARIATION, .account = 0, .counterparty = 1, .amount = 333},
        {.kind = MC_EVENT_VARIATION, .account = 0, .counterparty = 2, .amount = 600},
        {.kind = MC_EVENT_VARIATION, .account = 0, .counterparty = 3, .amount = 67},
        {.kind = MC_EVENT_LIQUIDATION, .account = 0, .counterparty = -1, .pnl = -1000, .fee = 9},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; ++i)
        CHECK(give(w, events[i], NULL, NULL, NULL) == MC_OK);
    CHECK(w->ledger.deficit == 900 && w->cash[0] == 0 && w->pnl[0] == 0 && w->ledger.fees == 0);
}

static const int64_t WINNERS[] = {1, 2, 3};
static const mc_event FUND = {.kind = MC_EVENT_INSURANCE};
static const mc_event ADL = {.kind = MC_EVENT_ADL, .count = 3};
static const mc_event SOCIALISED = {.kind = MC_EVENT_SOCIALISED, .count = 3};

static void a_loss_runs_down_the_layers(void)
{
    world w;
    int64_t haircuts[3];
    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(w.ledger.insurance == 0 && w.ledger.deficit == 850);
    CHECK(give(&w, ADL, WINNERS, haircuts, NULL) == MC_OK);
    CHECK(w.ledger.deficit == 0);
    CHECK(haircuts[0] == 283 && haircuts[1] == 510 && haircuts[2] == 57); /* 283.05 510 56.95 */
    CHECK(w.pnl[1] == 50 && w.pnl[2] == 90 && w.pnl[3] == 10 && w.cash[1] == 7);
    CHECK(mc_ledger_check(&w.ledger, NULL) == MC_OK);
}

static void a_queue_cuts_its_first_entirely(void)
{
    world w;
    const int64_t queue[] = {3, 1, 2};
    int64_t haircuts[3];
    start_loss(&w, every_layer(MC_ADL_RANKED));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, ADL, queue, haircuts, NULL) == MC_OK);
    CHECK(haircuts[0] == 67 && haircuts[1] == 333 && haircuts[2] == 450 && w.ledger.deficit == 0);
}

/* What was taken is what is paid down, whatever the queue says. */
static void an_account_twice_in_a_queue_pays_once(void)
{
    world w;
    const int64_t queue[] = {1, 1, 3};
    int64_t haircuts[3];
    start_loss(&w, every_layer(MC_ADL_RANKED));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, ADL, queue, haircuts, NULL) == MC_OK);
    CHECK(haircuts[0] == 333 && haircuts[1] == 0 && haircuts[2] == 67);
    CHECK(w.ledger.deficit == 450 && mc_ledger_check(&w.ledger, NULL) == MC_OK);
}

static void the_last_layer_takes_equity_and_the_rest_stays_by_name(void)
{
    world w;
    const mc_waterfall rules = {.socialises = 1};
    start_loss(&w, rules);
    CHECK(give(&w, SOCIALISED, WINNERS, NULL, NULL) == MC_OK);
    CHECK(w.ledger.deficit == 0 && w.cash[1] == 0 && w.ledger.insurance == 50);
    CHECK(w.pnl[1] + w.pnl[2] + w.pnl[3] == 107);

    start_loss(&w, rules);
    const mc_event first = {.kind = MC_EVENT_SOCIALISED, .count = 1};
    CHECK(give(&w, first, WINNERS, NULL, NULL) == MC_OK);
    CHECK(w.ledger.deficit == 560 && w.cash[1] == 0 && w.pnl[1] == 0);
    CHECK(mc_ledger_check(&w.ledger, NULL) == MC_OK);
}

static void the_fund_pays_its_limit_an_event(void)
{
    world w;
    start_loss(&w, (mc_waterfall){.insurance_limit = 30});
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(w.ledger.insurance == 20 && w.ledger.deficit == 870);
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(w.ledger.insurance == 0 && w.ledger.deficit == 850);
}

static void a_loss_at_the_mark_is_not_withdrawn(void)
{
    world w;
    start(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .amount = 100}, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_VARIATION, .counterparty = 1, .amount = 60}, NULL,
               NULL, NULL) == MC_OK);
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .amount = -41}, NULL, MC_ERR_DOMAIN,
                  "more than there is"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = 1, .amount = -1}, NULL,
                  MC_ERR_DOMAIN, "more than there is"));
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .amount = -40}, NULL, NULL, NULL) == MC_OK);
}

static void a_fee_takes_what_the_loss_leaves(void)
{
    world w;
    start(&w, (mc_waterfall){.fee_to_fund = 1});
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .amount = 100}, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .counterparty = 1, .amount = 95, .fee = 9},
               NULL, NULL, NULL) == MC_OK);
    CHECK(w.cash[0] == 0 && w.cash[1] == 95 && w.ledger.insurance == 5 && w.ledger.deficit == 0);
}

static void layers_wait_for_their_turn(void)
{
    world w;
    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(refused(&w, ADL, WINNERS, MC_ERR_ORDER, "insurance comes first"));
    CHECK(refused(&w, SOCIALISED, WINNERS, MC_ERR_ORDER, "insurance comes first"));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(refused(&w, SOCIALISED, WINNERS, MC_ERR_ORDER, "auto-deleveraging comes first"));
    CHECK(give(&w, ADL, WINNERS, NULL, NULL) == MC_OK);

    CHECK(give(&w, SOCIALISED, WINNERS, NULL, NULL) == MC_OK); /* nothing left to pay */
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 5, .counterparty = 6,
                              .amount = 3}, NULL, NULL, NULL) == MC_OK);
    CHECK(refused(&w, ADL, WINNERS, MC_ERR_ORDER, "insurance comes first")); /* a new loss */

    start(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(give(&w, ADL, WINNERS, NULL, NULL) == MC_OK); /* no deficit, no order */

    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    const mc_event nobody = {.kind = MC_EVENT_ADL};
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, nobody, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK); /* once more costs no turn */
    CHECK(give(&w, SOCIALISED, WINNERS, NULL, NULL) == MC_OK);
    CHECK(w.ledger.deficit == 0);

    start_loss(&w, (mc_waterfall){.adl = MC_ADL_PRO_RATA});
    CHECK(refused(&w, FUND, NULL, MC_ERR_ARGUMENT, "no such layer"));
    CHECK(give(&w, ADL, WINNERS, NULL, NULL) == MC_OK);
    CHECK(w.ledger.deficit == 0);
}

/* Nobody is cut while the fund can pay, and nobody leaves before his cut. */
static void a_fund_that_is_filled_pays_before_winners(void)
{
    world w;
    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = -1, .amount = 200}, NULL, NULL,
               NULL) == MC_OK);
    CHECK(refused(&w, ADL, WINNERS, MC_ERR_ORDER, "insurance comes first"));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK && w.ledger.deficit == 650);
    CHECK(give(&w, ADL, WINNERS, NULL, NULL) == MC_OK && w.ledger.deficit == 0);

    mc_waterfall rules = every_layer(MC_ADL_PRO_RATA);
    rules.fee_to_fund = 1;
    start_loss(&w, rules);
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = 5, .amount = 9}, NULL, NULL,
               NULL) == MC_OK);
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 5, .counterparty = -1,
                              .fee = 4}, NULL, NULL, NULL) == MC_OK);
    CHECK(refused(&w, ADL, WINNERS, MC_ERR_ORDER, "insurance comes first"));
}

static void a_gain_waits_for_adl(void)
{
    world w;
    const mc_event leave = {.kind = MC_EVENT_LIQUIDATION, .account = 1, .counterparty = -1,
                            .pnl = 333};
    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(refused(&w, leave, NULL, MC_ERR_ORDER, "before a gain is realised"));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(refused(&w, leave, NULL, MC_ERR_ORDER, "before a gain is realised"));
    CHECK(give(&w, (mc_event){.kind = MC_EVENT_ADL}, NULL, NULL, NULL) == MC_OK);
    CHECK(give(&w, leave, NULL, NULL, NULL) == MC_OK && w.cash[1] == 340);

    start_loss(&w, (mc_waterfall){.insurance_limit = 1});
    CHECK(give(&w, leave, NULL, NULL, NULL) == MC_OK); /* there is no ADL to wait for */
}

/* dYdX, 10 October 2025: the last position of a market is closed and the fund holds too little. */
static void a_market_closes_to_its_last_position(void)
{
    world w;
    const int64_t last[] = {1};
    start(&w, every_layer(MC_ADL_PRO_RATA));
    const mc_event events[] = {
        {.kind = MC_EVENT_DEPOSIT, .account = 0, .amount = 100},
        {.kind = MC_EVENT_DEPOSIT, .account = -1, .amount = 30},
        {.kind = MC_EVENT_VARIATION, .account = 0, .counterparty = 1, .amount = 900},
        {.kind = MC_EVENT_LIQUIDATION, .account = 0, .counterparty = 1, .amount = 40, .pnl = -900},
        {.kind = MC_EVENT_INSURANCE},
        {.kind = MC_EVENT_ADL, .count = 1},
        {.kind = MC_EVENT_LIQUIDATION, .account = 1, .counterparty = -1, .pnl = 90, .fee = 5},
        {.kind = MC_EVENT_DEPOSIT, .account = 1, .amount = -125},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; ++i) {
        CHECK(give(&w, events[i], last, NULL, NULL) == MC_OK);
        CHECK(mc_ledger_check(&w.ledger, NULL) == MC_OK && w.ledger.deficit >= 0);
    }
    /* 940 lost, 100 + 30 + 810 paid: the winner leaves with 40 + 90 - 5 */
    CHECK(w.ledger.deficit == 0 && w.ledger.insurance == 0 && w.cash[1] == 0 && w.pnl[1] == 0);
    CHECK(w.ledger.total == 5 && w.ledger.fees == 5);
}

static void what_cannot_be_done_is_named_and_changes_nothing(void)
{
    const int64_t limit = INT64_C(1) << 61;
    const int64_t falling[] = {2, 1, 3}, twice[] = {1, 1, 2}, beyond[] = {1, 2, N};
    world w;
    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = 1, .amount = -1}, NULL,
                  MC_ERR_DOMAIN, "deficit is open"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = N, .amount = 1}, NULL,
                  MC_ERR_INSTRUMENT, "account 48 of 48"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = 1, .amount = limit}, NULL,
                  MC_ERR_DOMAIN, "2^61"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = 1, .amount = INT64_MIN},
                  NULL, MC_ERR_DOMAIN, "out of range"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_VARIATION, .account = -1, .amount = 1}, NULL,
                  MC_ERR_INSTRUMENT, "account -1"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_VARIATION, .amount = -1}, NULL, MC_ERR_DOMAIN,
                  "out of range"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_VARIATION, .counterparty = 1, .amount = limit},
                  NULL, MC_ERR_DOMAIN, "2^61"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .pnl = 334}, NULL,
                  MC_ERR_DOMAIN, "does not have"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .amount = 8,
                                 .counterparty = 2}, NULL, MC_ERR_DOMAIN, "whole account"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .amount = 8,
                                 .counterparty = -1}, NULL, MC_ERR_INSTRUMENT, "account -1"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .amount = 8,
                                 .counterparty = 1}, NULL, MC_ERR_ARGUMENT, "pays itself"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .pnl = -1}, NULL,
                  MC_ERR_DOMAIN, "does not have"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = N}, NULL,
                  MC_ERR_INSTRUMENT, "account 48"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .fee = -1}, NULL,
                  MC_ERR_DOMAIN, "out of range"));
    CHECK(refused(&w, (mc_event){.kind = -1}, NULL, MC_ERR_ARGUMENT, "kind -1"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_KIND_END}, NULL, MC_ERR_ARGUMENT, "kind 6"));
    CHECK(give(&w, FUND, NULL, NULL, NULL) == MC_OK);
    CHECK(refused(&w, ADL, falling, MC_ERR_ORDER, "do not rise"));
    CHECK(refused(&w, ADL, twice, MC_ERR_ORDER, "do not rise"));
    CHECK(refused(&w, ADL, beyond, MC_ERR_INSTRUMENT, "account 48"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_ADL, .first = 1, .count = 3}, WINNERS,
                  MC_ERR_ARGUMENT, "candidates 1 + 3 of 3"));
}

/* Three winners of 2^61 each: their claims pass what a product may hold. */
static void balances_stop_at_their_bounds(void)
{
    const int64_t limit = INT64_C(1) << 61;
    const mc_event all = {.kind = MC_EVENT_ADL, .count = 4};
    const int64_t candidates[] = {1, 2, 3, 4};
    world w;
    start(&w, (mc_waterfall){.adl = MC_ADL_PRO_RATA});
    for (int a = 1; a <= 4; ++a)
        w.pnl[a] = limit;
    w.ledger.deficit = 1;
    CHECK(refused(&w, all, candidates, MC_ERR_EXACTNESS, "2^63 - 1"));
    CHECK(give(&w, ADL, candidates, NULL, NULL) == MC_OK);
    CHECK(w.ledger.deficit == 0 && w.pnl[3] == limit - 1);

    w.cash[1] = w.cash[5] = limit;
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 1, .pnl = 1}, NULL,
                  MC_ERR_DOMAIN, "2^61"));
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 2, .counterparty = 5,
                                 .pnl = limit, .amount = 1}, NULL, MC_ERR_DOMAIN, "2^61"));
    w.ledger.total = limit;
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_DEPOSIT, .account = 7, .amount = 1}, NULL,
                  MC_ERR_DOMAIN, "2^61"));
    w.ledger.fees = limit;
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 5, .fee = 1}, NULL,
                  MC_ERR_DOMAIN, "2^61"));
    w.ledger.deficit = limit;
    w.pnl[6] = -1;
    CHECK(refused(&w, (mc_event){.kind = MC_EVENT_LIQUIDATION, .account = 6, .pnl = -1}, NULL,
                  MC_ERR_DOMAIN, "2^61"));
}

static void a_repeated_event_is_a_no_op_and_another_is_refused(void)
{
    world w;
    size_t done;
    mc_receipt receipt[3];
    mc_error err;
    mc_event events[] = {{.id = 1, .kind = MC_EVENT_DEPOSIT, .account = 2, .amount = 5},
                         {.id = 2, .kind = MC_EVENT_DEPOSIT, .account = 2, .amount = 6},
                         {.id = 1, .kind = MC_EVENT_DEPOSIT, .account = 2, .amount = 5}};
    start(&w, every_layer(MC_ADL_PRO_RATA));
    CHECK(mc_ledger_apply(&w.ledger, events, 3, NULL, 0, NULL, receipt, &done, NULL) == MC_OK);
    CHECK(done == 3 && w.cash[2] == 11 && memcmp(&receipt[0], &receipt[2], sizeof *receipt) == 0);

    events[2].amount = 7;
    CHECK(mc_ledger_apply(&w.ledger, events, 3, NULL, 0, NULL, NULL, &done, &err) == MC_ERR_ORDER);
    CHECK(done == 2 && err.row == 2 && strstr(err.message, "other contents") != NULL);
    events[0].id = 4;
    CHECK(mc_ledger_apply(&w.ledger, events, 1, NULL, 0, NULL, NULL, &done, &err) == MC_ERR_ORDER);
    CHECK(done == 0 && strstr(err.message, "event 4 comes after event 2") != NULL);

    const mc_event round = {.id = 3, .kind = MC_EVENT_ADL, .count = 3};
    const int64_t others[] = {1, 2, 4};
    CHECK(mc_ledger_apply(&w.ledger, &round, 1, WINNERS, 3, NULL, NULL, &done, NULL) == MC_OK);
    CHECK(mc_ledger_apply(&w.ledger, &round, 1, WINNERS, 3, NULL, NULL, &done, NULL) == MC_OK);
    CHECK(mc_ledger_apply(&w.ledger, &round, 1, others, 3, NULL, NULL, &done, &err) ==
          MC_ERR_ORDER);
    for (int i = 0; i < JOURNAL; ++i)
        CHECK(give(&w, (mc_event){.kind = MC_EVENT_DEPOSIT}, NULL, NULL, NULL) == MC_OK);
    CHECK(mc_ledger_apply(&w.ledger, &events[1], 1, NULL, 0, NULL, NULL, &done, &err) ==
          MC_ERR_ORDER);
    CHECK(strstr(err.message, "older than the journal") != NULL);
    CHECK(w.cash[2] == 11);
}

static void a_ledger_from_outside_is_checked(void)
{
    world w;
    mc_error err;
    start_loss(&w, every_layer(MC_ADL_PRO_RATA));
    w.cash[5] = 1;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_DOMAIN && strstr(err.message, "residual"));
    w.cash[5] = -1;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_DOMAIN && err.row == 5);
    w.cash[5] = 0;
    for (int a = 8; a < 16; ++a)
        w.cash[a] = INT64_C(1) << 61; /* together 2^64, which a word does not see */
    CHECK(mc_ledger_residual(&w.ledger) == 0);
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_DOMAIN && strstr(err.message, "residual"));
    memset(w.cash + 8, 0, 8 * sizeof *w.cash);
    const int64_t total = w.ledger.total;
    w.ledger.total = INT64_MAX;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_DOMAIN && strstr(err.message, "total is"));
    w.ledger.total = total;
    CHECK(mc_ledger_check(&w.ledger, NULL) == MC_OK);
    w.ledger.insurance = -1;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_DOMAIN && strstr(err.message, "insurance"));
    w.ledger.insurance = 50;
    w.ledger.layer = 1;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_ARGUMENT);
    w.ledger.layer = 0;
    w.ledger.waterfall.adl = MC_ADL_END;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_ARGUMENT);
    w.ledger.waterfall.adl = MC_ADL_NONE;
    w.ledger.n_journal = 0;
    CHECK(mc_ledger_check(&w.ledger, &err) == MC_ERR_ARGUMENT);
}

/* An account split in two neighbours pays what it paid whole. */
static void a_split_account_pays_the_same(void)
{
    for (int trial = 0; trial < 2000; ++trial) {
        world whole, split;
        int64_t cut[3], parts[4];
        const int64_t all[] = {1, 2, 3, 4}, size = INT64_C(1) << (1 + below(58));
        const int64_t p[] = {below(size), 1 + below(size), below(size)}, part = below(p[1]);
        const int64_t loss = 1 + below(p[0] + p[1] + p[2]);
        start(&whole, (mc_waterfall){.adl = MC_ADL_PRO_RATA});
        start(&split, whole.ledger.waterfall);
        memcpy(whole.pnl + 1, p, sizeof p);
        memcpy(split.pnl + 1, (int64_t[]){p[0], part, p[1] - part, p[2]}, 4 * sizeof *p);
        whole.ledger.deficit = split.ledger.deficit = loss;
        CHECK(give(&whole, ADL, all, cut, NULL) == MC_OK);
        CHECK(give(&split, (mc_event){.kind = MC_EVENT_ADL, .count = 4}, all, parts, NULL) == MC_OK);
        CHECK(cut[0] == parts[0] && cut[1] == parts[1] + parts[2] && cut[2] == parts[3]);
        CHECK(cut[0] + cut[1] + cut[2] == loss);
    }
}

static void division_inverts_multiplication(void)
{
    for (int trial = 0; trial < 1000000; ++trial) {
        const uint64_t divisor = (next_random() >> below(64)) | 1;
        const uint64_t quotient = next_random() >> below(64);
        const uint64_t rest = next_random() % divisor;
        mc_wide n = mc_multiply(divisor, quotient);
        n.low += rest;
        n.high += n.low < rest;
        if (mc_divide(n, divisor) != quotient) {
            CHECK(!"mc_divide");
            return;
        }
    }
    CHECK(mc_divide((mc_wide){UINT64_MAX - 1, UINT64_MAX}, UINT64_MAX) == UINT64_MAX);
}

/* ---- a random walk: after every step nothing is lost and everybody is solvent ---- */

static mc_event random_event(const world *w, int64_t *candidates)
{
    const int64_t account = below(N), other = (account + 1 + below(N - 1)) % N;
    const int64_t size = INT64_C(1) << below(40);
    mc_event event = {.account = account, .counterparty = other};
    switch (below(16)) {
    case 0: case 1: case 2:
        event.amount = below(size) - (below(3) == 0 ? size / 2 : 0);
        event.account = below(8) == 0 ? -1 : account;
        break;
    case 3: case 4: case 5: case 6: case 7:
        event.kind = MC_EVENT_VARIATION;
        event.amount = below(size);
        break;
    case 8: case 9: case 10:
        event.kind = MC_EVENT_LIQUIDATION;
        event.pnl = below(4) == 0 ? w->pnl[account] / 2 : w->pnl[account];
        event.amount = below(3) == 0 ? below(size) : 0;
        event.fee = below(size);
        break;
    case 11: case 12:
        event.kind = MC_EVENT_INSURANCE;
        break;
    default:
        event.kind = below(3) > 0 ? MC_EVENT_ADL : MC_EVENT_SOCIALISED;
        for (int64_t a = 0; a < N; ++a)
            if (below(4) > 0)
                candidates[event.count++] = a;
        if (event.kind == MC_EVENT_ADL && w->ledger.waterfall.adl == MC_ADL_RANKED)
            for (size_t i = 0; i < event.count; ++i) /* a queue has any order, and repeats */
                candidates[i] = below(N);
    }
    return event;
}

/* Who is neither party to the event nor a candidate does not notice it. */
static int others_are_untouched(const world *w, const world *before, const mc_event *event,
                                const int64_t *candidates)
{
    int64_t cash[N], pnl[N];
    memcpy(cash, w->cash, sizeof cash);
    memcpy(pnl, w->pnl, sizeof pnl);
    for (size_t i = 0; i < event->count; ++i) {
        cash[candidates[i]] = before->cash[candidates[i]];
        pnl[candidates[i]] = before->pnl[candidates[i]];
    }
    if (event->kind <= MC_EVENT_LIQUIDATION && event->account >= 0) {
        cash[event->account] = before->cash[event->account];
        pnl[event->account] = before->pnl[event->account];
        cash[event->counterparty] = before->cash[event->counterparty];
        pnl[event->counterparty] = before->pnl[event->counterparty];
    }
    return memcmp(cash, before->cash, sizeof cash) == 0 && memcmp(pnl, before->pnl, sizeof pnl) == 0;
}

/* Equity falls by the mark, by what one withdraws, by one's own liquidation, and as a candidate. */
static int nobody_else_is_worse_off(const world *w, const world *before, const mc_event *event)
{
    for (int64_t a = 0; a < N; ++a) {
        const int64_t change = w->cash[a] + w->pnl[a] - before->cash[a] - before->pnl[a];
        const int is_party = a == event->account && event->kind <= MC_EVENT_LIQUIDATION;
        if (change < 0 && !is_party && event->kind < MC_EVENT_ADL)
            return 0;
        if (event->kind == MC_EVENT_ADL && w->cash[a] != before->cash[a])
            return 0;
    }
    return 1;
}

/* What ADL promises of the candidates; `before` is the world it started from. */
static int adl_is_fair(const world *w, const world *before, const mc_event *event,
                       const int64_t *candidates, const int64_t *haircuts)
{
    int64_t sum = 0, gains = 0, cut[N] = {0};
    int fair = memcmp(w->cash, before->cash, sizeof w->cash) == 0;
    for (size_t i = 0; i < event->count; ++i) {
        fair &= haircuts[i] >= 0;
        cut[candidates[i]] += haircuts[i];
        sum += haircuts[i];
    }
    for (int64_t a = 0; a < N; ++a) {
        int named = 0;
        for (size_t i = 0; i < event->count; ++i)
            named |= candidates[i] == a;
        const int64_t gain = named && before->pnl[a] > 0 ? before->pnl[a] : 0;
        fair &= cut[a] <= gain && w->pnl[a] == before->pnl[a] - cut[a];
        gains += gain;
    }
    const int64_t loss = before->ledger.deficit;
    return fair && sum == (loss < gains ? loss : gains) && w->ledger.deficit == loss - sum;
}

static int is_solvent(const world *w)
{
    int solvent = w->ledger.insurance >= 0 && w->ledger.fees >= 0 && w->ledger.deficit >= 0;
    for (int a = 0; a < N; ++a)
        solvent &= w->cash[a] >= 0;
    return solvent && mc_ledger_residual(&w->ledger) == 0;
}

static void every_prefix_of_a_random_walk_adds_up(void)
{
    world w;
    uint64_t applied[MC_EVENT_KIND_END] = {0}, broken = 0, replayed = 0;
    int64_t candidates[N], haircuts[N];
    for (uint64_t step = 0; step < steps && broken == 0; ++step) {
        if (step % 4096 == 0) /* before random P&L leaves the range */
            start(&w, (mc_waterfall){.insurance_limit = below(2) * (INT64_C(1) << 30),
                                     .adl = (int32_t)below(MC_ADL_END),
                                     .socialises = (uint8_t)below(2),
                                     .fee_to_fund = (uint8_t)below(2)});
        const world before = w;
        mc_event event = random_event(&w, candidates);
        if (give(&w, event, candidates, haircuts, NULL) != MC_OK) {
            broken += memcmp(&before, &w, sizeof w) != 0;
            continue;
        }
        ++applied[event.kind];
        broken += !is_solvent(&w);
        broken += !others_are_untouched(&w, &before, &event, candidates);
        broken += !nobody_else_is_worse_off(&w, &before, &event);
        if (event.kind == MC_EVENT_ADL)
            broken += !adl_is_fair(&w, &before, &event, candidates, haircuts);
        if (below(16) == 0) { /* the same event again */
            const world after = w;
            size_t done;
            event.id = w.ledger.last_id;
            broken += mc_ledger_apply(&w.ledger, &event, 1, candidates, event.count, NULL, NULL,
                                      &done, NULL) != MC_OK;
            broken += memcmp(&after, &w, sizeof w) != 0;
            ++replayed;
        }
    }
    CHECK(broken == 0 && replayed > 0);
    for (int kind = 0; kind < MC_EVENT_KIND_END; ++kind)
        CHECK(applied[kind] > steps / 100);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        steps = strtoull(argv[1], NULL, 10);
    RUN(a_loss_runs_down_the_layers);
    RUN(a_queue_cuts_its_first_entirely);
    RUN(an_account_twice_in_a_queue_pays_once);
    RUN(the_last_layer_takes_equity_and_the_rest_stays_by_name);
    RUN(the_fund_pays_its_limit_an_event);
    RUN(a_loss_at_the_mark_is_not_withdrawn);
    RUN(a_fee_takes_what_the_loss_leaves);
    RUN(layers_wait_for_their_turn);
    RUN(a_fund_that_is_filled_pays_before_winners);
    RUN(a_gain_waits_for_adl);
    RUN(a_market_closes_to_its_last_position);
    RUN(what_cannot_be_done_is_named_and_changes_nothing);
    RUN(balances_stop_at_their_bounds);
    RUN(a_repeated_event_is_a_no_op_and_another_is_refused);
    RUN(a_ledger_from_outside_is_checked);
    RUN(a_split_account_pays_the_same);
    RUN(division_inverts_multiplication);
    RUN(every_prefix_of_a_random_walk_adds_up);
    return REPORT();
}
