/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdbool.h>

#include <margin_core/clearing.h>

#include "base/digest.h"
#include "base/status.h"
#include "base/wide.h"

/* Three amounts add up in an int64. */
#define LIMIT (INT64_C(1) << 61)

/* An event on its way: what it is, and what it will have done. */
typedef struct step {
    mc_ledger *ledger;
    const mc_event *event;
    const int64_t *candidates; /* [event->count] */
    int64_t *haircuts;         /* [event->count], or NULL */
    int64_t row;
    mc_receipt receipt;
    mc_error *err;
} step;

static const char *const KIND_NAME[] = {"deposit", "variation", "liquidation", "insurance",
                                        "auto-deleveraging", "socialised loss"};

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t positive(int64_t a)
{
    return a > 0 ? a : 0;
}

static bool in_range(int64_t amount)
{
    return amount >= -LIMIT && amount <= LIMIT;
}

static bool is_account(const mc_ledger *ledger, int64_t account)
{
    return account >= 0 && (uint64_t)account < ledger->n_accounts;
}

int64_t mc_ledger_residual(const mc_ledger *ledger)
{
    uint64_t sum = 0;
    for (size_t a = 0; a < ledger->n_accounts; ++a)
        sum += (uint64_t)ledger->cash[a] + (uint64_t)ledger->pnl[a];
    sum += (uint64_t)ledger->insurance + (uint64_t)ledger->fees;
    return (int64_t)(sum - (uint64_t)ledger->deficit - (uint64_t)ledger->total);
}

static void add(mc_wide *sum, int64_t value)
{
    const uint64_t word = (uint64_t)value;
    sum->low += word;
    sum->high += (uint64_t)(sum->low < word) - (uint64_t)(value < 0);
}

/* Without wrapping: the residual is modulo 2^64, and nine accounts can hold that much. */
static bool adds_up(const mc_ledger *ledger)
{
    mc_wide sum = {0, 0};
    for (size_t a = 0; a < ledger->n_accounts; ++a)
        add(&sum, ledger->cash[a] + ledger->pnl[a]);
    add(&sum, ledger->insurance + ledger->fees);
    add(&sum, -ledger->deficit - ledger->total);
    return sum.low == 0 && sum.high == 0;
}

mc_status mc_ledger_check(const mc_ledger *ledger, mc_error *err)
{
    if (ledger == NULL || ledger->journal == NULL || ledger->n_journal == 0 ||
        (ledger->n_accounts > 0 && (ledger->cash == NULL || ledger->pnl == NULL)))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the ledger, a column or its journal is missing");
    const mc_waterfall *const rules = &ledger->waterfall;
    if (rules->adl < 0 || rules->adl >= MC_ADL_END || rules->socialises > 1 ||
        rules->fee_to_fund > 1)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the waterfall has an unknown rule");
    if (ledger->layer != 0 &&
        (ledger->layer < MC_EVENT_INSURANCE || ledger->layer > MC_EVENT_SOCIALISED))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "layer %d is none", ledger->layer);
    const struct { const char *name; int64_t value; } amounts[] = {
        {"insurance", ledger->insurance},   {"fees", ledger->fees},
        {"deficit", ledger->deficit},       {"insurance_limit", rules->insurance_limit},
    };
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; ++i)
        if (amounts[i].value < 0 || amounts[i].value > LIMIT)
            return mc_fail(err, MC_ERR_DOMAIN, -1, "%s is %" PRId64 "; 0 to 2^61 is allowed",
                           amounts[i].name, amounts[i].value);
    for (size_t a = 0; a < ledger->n_accounts; ++a)
        if (ledger->cash[a] < 0 || ledger->cash[a] > LIMIT || !in_range(ledger->pnl[a]))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)a,
                           "account %zu has cash %" PRId64 " and pnl %" PRId64
                           "; 0 to 2^61 and -2^61 to 2^61 are allowed",
                           a, ledger->cash[a], ledger->pnl[a]);
    if (!in_range(ledger->total))
        return mc_fail(err, MC_ERR_DOMAIN, -1, "total is %" PRId64 "; -2^61 to 2^61 is allowed",
                       ledger->total);
    if (!adds_up(ledger))
        return mc_fail(err, MC_ERR_DOMAIN, -1, "the ledger's residual is %" PRId64 ", not 0",
                       mc_ledger_residual(ledger));
    return MC_OK;
}

/* Tells a repetition from another event under the same id. */
static uint64_t digest_of(const mc_event *event, const int64_t *candidates)
{
    const uint64_t words[] = {
        event->id, (uint64_t)event->kind, (uint64_t)event->account, (uint64_t)event->counterparty,
        (uint64_t)event->amount, (uint64_t)event->pnl, (uint64_t)event->fee, event->count,
    };
    uint64_t digest = MC_DIGEST_EMPTY;
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        digest = mc_digest_word(digest, words[i]);
    for (size_t i = 0; i < event->count; ++i)
        digest = mc_digest_word(digest, (uint64_t)candidates[i]);
    return digest;
}

static mc_status no_account(const step *s, int64_t account)
{
    return mc_fail(s->err, MC_ERR_INSTRUMENT, s->row,
                   "event %" PRIu64 " (%s): account %" PRId64 " of %zu", s->event->id,
                   KIND_NAME[s->event->kind], account, s->ledger->n_accounts);
}

static mc_status refuse(const step *s, mc_status status, const char *why)
{
    return mc_fail(s->err, status, s->row, "event %" PRIu64 " (%s): %s", s->event->id,
                   KIND_NAME[s->event->kind], why);
}

static mc_status deposit(step *s)
{
    mc_ledger *const ledger = s->ledger;
    const int64_t account = s->event->account, amount = s->event->amount;
    const bool to_fund = account == -1;
    if (!to_fund && !is_account(ledger, account))
        return no_account(s, account);
    int64_t *const balance = to_fund ? &ledger->insurance : &ledger->cash[account];
    const int64_t available = to_fund ? *balance : *balance + min64(ledger->pnl[account], 0);
    if (amount < 0 && ledger->deficit > 0)
        return refuse(s, MC_ERR_DOMAIN, "nothing is withdrawn while a deficit is open");
    if (amount < 0 && -amount > available)
        return refuse(s, MC_ERR_DOMAIN, "withdraws more than there is");
    if (*balance + amount > LIMIT || !in_range(ledger->total + amount))
        return refuse(s, MC_ERR_DOMAIN, "the balance would pass 2^61");
    *balance += amount;
    ledger->total += amount;
    return MC_OK;
}

static mc_status variation(step *s)
{
    mc_ledger *const ledger = s->ledger;
    const int64_t from = s->event->account, to = s->event->counterparty;
    if (!is_account(ledger, from) || !is_account(ledger, to))
        return no_account(s, is_account(ledger, from) ? to : from);
    if (!in_range(ledger->pnl[from] - s->event->amount) ||
        !in_range(ledger->pnl[to] + s->event->amount))
        return refuse(s, MC_ERR_DOMAIN, "the P&L would pass 2^61");
    ledger->pnl[from] -= s->event->amount;
    ledger->pnl[to] += s->event->amount;
    return MC_OK;
}

static bool has_layer(const mc_waterfall *rules, int32_t layer)
{
    return layer == MC_EVENT_INSURANCE ? rules->insurance_limit > 0
           : layer == MC_EVENT_ADL     ? rules->adl != MC_ADL_NONE
                                       : rules->socialises;
}

/* A gain that became cash now would be out of reach of ADL, and others would pay its part. */
static bool awaits_adl(const mc_ledger *ledger)
{
    return ledger->deficit > 0 && ledger->layer < MC_EVENT_ADL &&
           has_layer(&ledger->waterfall, MC_EVENT_ADL);
}

static mc_status liquidation(step *s)
{
    mc_ledger *const ledger = s->ledger;
    const mc_event *const event = s->event;
    const int64_t account = event->account, to = event->counterparty, cost = event->amount;
    if (!is_account(ledger, account))
        return no_account(s, account);
    if (cost > 0 && !is_account(ledger, to))
        return no_account(s, to);
    if (cost > 0 && to == account)
        return refuse(s, MC_ERR_ARGUMENT, "an account pays itself");
    const int64_t pnl = ledger->pnl[account], cash = ledger->cash[account] + event->pnl - cost;
    if (event->pnl < min64(pnl, 0) || event->pnl > positive(pnl))
        return refuse(s, MC_ERR_DOMAIN, "realises P&L that the account does not have");
    if (event->pnl > 0 && awaits_adl(ledger))
        return refuse(s, MC_ERR_ORDER, "auto-deleveraging comes before a gain is realised");
    if (cash < 0 && event->pnl != pnl)
        return refuse(s, MC_ERR_DOMAIN, "a part is closed that cannot pay: close the whole account");
    const int64_t fee = min64(event->fee, positive(cash));
    const int64_t deficit = ledger->deficit + positive(-cash);
    int64_t *const income = ledger->waterfall.fee_to_fund ? &ledger->insurance : &ledger->fees;
    if (cash > LIMIT || deficit > LIMIT || *income + fee > LIMIT ||
        (cost > 0 && ledger->cash[to] + cost > LIMIT))
        return refuse(s, MC_ERR_DOMAIN, "a balance would pass 2^61");

    s->receipt.collateral = min64(cost + positive(-event->pnl),
                                  ledger->cash[account] + positive(event->pnl));
    s->receipt.fee = fee;
    ledger->cash[account] = positive(cash) - fee;
    ledger->pnl[account] = pnl - event->pnl;
    *income += fee;
    if (cost > 0)
        ledger->cash[to] += cost;
    ledger->deficit = deficit;
    return MC_OK;
}

static mc_status insurance(step *s)
{
    mc_ledger *const ledger = s->ledger;
    const int64_t most = min64(ledger->insurance, ledger->waterfall.insurance_limit);
    s->receipt.covered = min64(ledger->deficit, most);
    ledger->insurance -= s->receipt.covered;
    return MC_OK;
}

/* What a candidate can lose: ADL cuts P&L alone, a socialised loss whatever the account is worth. */
static int64_t claim_of(const step *s, int64_t account)
{
    const mc_ledger *const ledger = s->ledger;
    const bool adl = s->event->kind == MC_EVENT_ADL;
    return positive(ledger->pnl[account] + (adl ? 0 : ledger->cash[account]));
}

/* The candidates' claims together, or a failure. */
static mc_status sum_claims(const step *s, bool rising, uint64_t *sum)
{
    *sum = 0;
    for (size_t i = 0; i < s->event->count; ++i) {
        if (!is_account(s->ledger, s->candidates[i]))
            return no_account(s, s->candidates[i]);
        if (rising && i > 0 && s->candidates[i] <= s->candidates[i - 1])
            return refuse(s, MC_ERR_ORDER, "candidates do not rise");
        *sum += (uint64_t)claim_of(s, s->candidates[i]);
        if (*sum > INT64_MAX)
            return refuse(s, MC_ERR_EXACTNESS, "the candidates' claims pass 2^63 - 1");
    }
    return MC_OK;
}

/* Takes from the P&L first where ADL asks, else from cash first. */
static void cut(const step *s, size_t i, int64_t amount)
{
    mc_ledger *const ledger = s->ledger;
    const int64_t account = s->candidates[i];
    const int64_t cash = s->event->kind == MC_EVENT_ADL ? 0 : min64(amount, ledger->cash[account]);
    ledger->cash[account] -= cash;
    ledger->pnl[account] -= amount - cash;
    if (s->haircuts != NULL)
        s->haircuts[i] = amount;
}

static void cut_in_proportion(const step *s, uint64_t taken, uint64_t sum)
{
    uint64_t running = 0, before = 0;
    for (size_t i = 0; i < s->event->count; ++i) {
        running += (uint64_t)claim_of(s, s->candidates[i]);
        const uint64_t now = sum > 0 ? mc_divide(mc_multiply(taken, running), sum) : 0;
        cut(s, i, (int64_t)(now - before));
        before = now;
    }
}

/* What could not be taken: a queue may name an account twice, which then has nothing left. */
static int64_t cut_in_turn(const step *s, int64_t taken)
{
    for (size_t i = 0; i < s->event->count; ++i) {
        const int64_t amount = min64(taken, claim_of(s, s->candidates[i]));
        cut(s, i, amount);
        taken -= amount;
    }
    return taken;
}

static mc_status mutualise(step *s)
{
    const bool ranked =
        s->event->kind == MC_EVENT_ADL && s->ledger->waterfall.adl == MC_ADL_RANKED;
    uint64_t sum;
    const mc_status status = sum_claims(s, !ranked, &sum);
    if (status != MC_OK)
        return status;
    s->receipt.covered = min64(s->ledger->deficit, (int64_t)sum);
    if (ranked)
        s->receipt.covered -= cut_in_turn(s, s->receipt.covered);
    else
        cut_in_proportion(s, (uint64_t)s->receipt.covered, sum);
    return MC_OK;
}

/* A layer pays once every layer above it has. */
static mc_status check_turn(const step *s)
{
    const mc_ledger *const ledger = s->ledger;
    if (!has_layer(&ledger->waterfall, s->event->kind))
        return refuse(s, MC_ERR_ARGUMENT, "the waterfall has no such layer");
    for (int32_t layer = MC_EVENT_INSURANCE; layer < s->event->kind; ++layer)
        if (ledger->deficit > 0 && layer > ledger->layer && has_layer(&ledger->waterfall, layer))
            return mc_fail(s->err, MC_ERR_ORDER, s->row, "event %" PRIu64 " (%s): %s comes first",
                           s->event->id, KIND_NAME[s->event->kind], KIND_NAME[layer]);
    return MC_OK;
}

static mc_status pay_deficit(step *s)
{
    mc_status status = check_turn(s);
    if (status == MC_OK)
        status = s->event->kind == MC_EVENT_INSURANCE ? insurance(s) : mutualise(s);
    if (status != MC_OK)
        return status;
    s->ledger->deficit -= s->receipt.covered;
    if (s->ledger->layer < s->event->kind)
        s->ledger->layer = s->event->kind;
    return MC_OK;
}

static mc_status apply(step *s)
{
    const mc_event *const event = s->event;
    if (!in_range(event->amount) || (event->kind != MC_EVENT_DEPOSIT && event->amount < 0) ||
        event->fee < 0 || event->fee > LIMIT || !in_range(event->pnl))
        return refuse(s, MC_ERR_DOMAIN, "an amount is out of range");
    switch ((mc_event_kind)event->kind) {
    case MC_EVENT_DEPOSIT: return deposit(s);
    case MC_EVENT_VARIATION: return variation(s);
    case MC_EVENT_LIQUIDATION: return liquidation(s);
    case MC_EVENT_INSURANCE:
    case MC_EVENT_ADL:
    case MC_EVENT_SOCIALISED: return pay_deficit(s);
    case MC_EVENT_KIND_END: break;
    }
    return MC_ERR_ARGUMENT; /* excluded by the caller */
}

/* Puts the receipt of an event that came before in place, or says why it is another event. */
static mc_status repeat(step *s)
{
    const mc_ledger *const ledger = s->ledger;
    const mc_receipt *const receipt = &ledger->journal[s->event->id % ledger->n_journal];
    if (receipt->id != s->event->id)
        return refuse(s, MC_ERR_ORDER, "is older than the journal");
    if (receipt->digest != s->receipt.digest)
        return refuse(s, MC_ERR_ORDER, "came before with other contents");
    s->receipt = *receipt;
    return MC_OK;
}

static mc_status take(step *s)
{
    mc_ledger *const ledger = s->ledger;
    s->receipt = (mc_receipt){.id = s->event->id, .digest = digest_of(s->event, s->candidates)};
    if (s->event->id == 0 || s->event->id > ledger->last_id + 1)
        return mc_fail(s->err, MC_ERR_ORDER, s->row,
                       "event %" PRIu64 " comes after event %" PRIu64, s->event->id,
                       ledger->last_id);
    if (s->event->id <= ledger->last_id)
        return repeat(s);
    const int64_t deficit = ledger->deficit, fund = ledger->insurance;
    const mc_status status = apply(s);
    if (status != MC_OK)
        return status;
    if (ledger->deficit > deficit || ledger->insurance > fund)
        ledger->layer = 0; /* a new loss, or a fund that can pay again: from the top */
    s->receipt.deficit = ledger->deficit;
    ledger->last_id = s->event->id;
    ledger->journal[s->event->id % ledger->n_journal] = s->receipt;
    return MC_OK;
}

mc_status mc_ledger_apply(mc_ledger *ledger, const mc_event *events, size_t n_events,
                          const int64_t *candidates, size_t n_candidates, int64_t *haircuts,
                          mc_receipt *receipts, size_t *n_done, mc_error *err)
{
    if (ledger == NULL || n_done == NULL || (n_events > 0 && events == NULL) ||
        (n_candidates > 0 && candidates == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "ledger, events, candidates or n_done is missing");
    for (*n_done = 0; *n_done < n_events; ++*n_done) {
        const mc_event *const event = &events[*n_done];
        const int64_t row = (int64_t)*n_done;
        if (event->kind < 0 || event->kind >= MC_EVENT_KIND_END)
            return mc_fail(err, MC_ERR_ARGUMENT, row, "event %" PRIu64 " is of kind %d", event->id,
                           event->kind);
        if (event->first > n_candidates || event->count > n_candidates - event->first)
            return mc_fail(err, MC_ERR_ARGUMENT, row,
                           "event %" PRIu64 " has candidates %zu + %zu of %zu", event->id,
                           event->first, event->count, n_candidates);
        step s = {.ledger = ledger, .event = event, .row = row, .err = err};
        if (event->count > 0) {
            s.candidates = candidates + event->first;
            s.haircuts = haircuts != NULL ? haircuts + event->first : NULL;
        }
        const mc_status status = take(&s);
        if (status != MC_OK)
            return status;
        if (receipts != NULL)
            receipts[*n_done] = s.receipt;
    }
    return MC_OK;
}
