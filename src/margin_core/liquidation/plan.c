/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <margin_core/liquidation.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/wide.h"
#include "kernels/requirement.h"
#include "liquidation/depth.h"
#include "margin/book.h"
#include "sweep/exact.h"
#include "sweep/sweep.h"

enum {
    TRIALS = MC_SWEEP_TOGETHER, /* post-states that are asked for in one call            */
    GRAINS = 64,                /* a first trial closes so large a part of what is left  */
    SIZES = 8,                  /* doublings from a grain to everything                  */
    ROUNDS = 96,                /* choices of a trade before an account waits            */
    ROUNDS_A_DOUBLING = 12,     /* after so many choices grains are twice as large       */
    PASSES = 32,                /* over the rows, to trim them                           */
    SPLIT = 7,                  /* points inside an interval, in each round of a search  */
};

#define SHARE_ONE ((double)MC_RATE_ONE)

typedef struct state {
    int64_t equity, mm;
} state;

/* What can be closed in one go: one row by lots, or the contracts among rows `from` .. `to` - 1 by
 * shares of what is left of them, in 2^-20. */
typedef struct pick {
    int32_t from, to;
    bool together;
} pick;

typedef struct planner {
    const mc_margin *margin;
    const mc_book_columns *book;
    const mc_plan_rules *rules;
    const mc_depth *depth;
    const mc_kernels *kernels;
    mc_sweep_scratch *scratch;
    const int64_t *market_rate;
    const int64_t *owners;
    /* The account in hand: its positions, and the coins that inverse contracts settle in. */
    size_t account;
    int32_t n_rows;
    int64_t cash;
    int32_t *instrument; /* [n_rows] rising                                              */
    int32_t *coin;       /* [n_rows] the row that it settles in, or -1                   */
    double *start;       /* [n_rows] lots                                                */
    double *basis;       /* [n_rows] of its side, taken by others before, whole          */
    double *basis_cost;  /* [n_rows] of what was taken before                            */
    double *most;        /* [n_rows] lots that may be closed                             */
    double *closed;      /* [n_rows] lots closed so far                                  */
    pick *picks;
    int32_t n_picks;
    /* Trials over it, [TRIALS] and [TRIALS * n_rows]. */
    double *trial_closed;
    double *trial_lots;
    int32_t *trial_instrument;
    int64_t *trial_offset;
    int64_t *trial_cash, *trial_equity, *trial_mm;
    int32_t *trial_owner;
    uint8_t *trial_mode;
} planner;

static size_t side_of(const planner *p, int32_t row)
{
    return 2 * (size_t)p->instrument[row] + (p->start[row] < 0.0);
}

static double left_of(const planner *p, int32_t row)
{
    return fabs(p->start[row]) - p->closed[row];
}

static bool is_contract(const planner *p, int32_t row)
{
    return p->margin->facts[p->instrument[row]].kind != MC_SPOT && p->start[row] != 0.0;
}

/* ---- post-states ------------------------------------------------------------------------- */

static int64_t cost_of(const planner *p, int32_t row, double lots)
{
    return (int64_t)(mc_side_cost(p->depth, side_of(p, row), p->basis[row] + lots)
                     - p->basis_cost[row]);
}

static int64_t fee_of(const planner *p, int32_t row, double lots)
{
    const double notional = lots * p->margin->facts[p->instrument[row]].notional;
    return mc_apply_rate((int64_t)notional, p->rules->fee_k);
}

/* What the account holds after `closed`: lots by row, cash returned. */
static int64_t lots_after(const planner *p, const double *closed, double *lots)
{
    int64_t cash = p->cash;
    memcpy(lots, p->start, (size_t)p->n_rows * sizeof *lots);
    for (int32_t r = 0; r < p->n_rows; ++r) {
        if (closed[r] == 0.0)
            continue;
        const double sold = p->start[r] < 0.0 ? -closed[r] : closed[r];
        double paid = sold * mc_tail(p->margin, p->instrument[r])->mark;
        lots[r] -= sold;
        if (p->coin[r] >= 0) {
            const double mark = mc_tail(p->margin, p->instrument[p->coin[r]])->mark;
            double coins = floor(paid / mark);
            coins -= paid < coins * mark; /* the quotient was rounded up */
            lots[p->coin[r]] += coins;
            paid -= coins * mark;
        }
        cash += (int64_t)paid - cost_of(p, r, closed[r]) - fee_of(p, r, closed[r]);
    }
    return cash;
}

static double *trial(const planner *p, int32_t t)
{
    return p->trial_closed + (size_t)t * (size_t)p->n_rows;
}

static state result(const planner *p, int32_t t)
{
    return (state){p->trial_equity[t], p->trial_mm[t]};
}

/* Margins the first `n` trials. */
static void evaluate(planner *p, int32_t n)
{
    const size_t rows = (size_t)p->n_rows;
    for (int32_t t = 0; t < n; ++t) {
        p->trial_offset[t + 1] = (int64_t)((size_t)(t + 1) * rows);
        memcpy(p->trial_instrument + (size_t)t * rows, p->instrument, rows * sizeof(int32_t));
        p->trial_cash[t] = lots_after(p, trial(p, t), p->trial_lots + (size_t)t * rows);
        p->trial_mode[t] = p->book->mode != NULL ? p->book->mode[p->account] : MC_PORTFOLIO;
        p->trial_owner[t] = p->book->owner != NULL ? p->book->owner[p->account] : -1;
    }
    const mc_book_columns book = {
        .n_accounts = (size_t)n, .n_instruments = p->book->n_instruments, .offset = p->trial_offset,
        .instrument = p->trial_instrument, .lots = p->trial_lots, .cash = p->trial_cash,
        .mode = p->trial_mode, .owner = p->trial_owner, .n_owners = p->book->n_owners,
    };
    const mc_standing out = {.equity = p->trial_equity, .mm = p->trial_mm};
    const mc_sweep_job job = {.margin = p->margin, .book = &book, .market_rate = p->market_rate,
                              .owners = p->owners, .out = &out};
    p->kernels->sweep(&job, p->scratch, 0, (size_t)n);
}

static state evaluate_closed(planner *p)
{
    memcpy(trial(p, 0), p->closed, (size_t)p->n_rows * sizeof *p->closed);
    evaluate(p, 1);
    return result(p, 0);
}

/* The account as it is, orders included. */
static state evaluate_account(planner *p)
{
    const mc_standing out = {.equity = p->trial_equity, .mm = p->trial_mm};
    const mc_sweep_job job = {.margin = p->margin, .book = p->book, .first_account = p->account,
                              .market_rate = p->market_rate, .owners = p->owners, .out = &out};
    p->kernels->sweep(&job, p->scratch, p->account, 1);
    return result(p, 0);
}

/* ---- what is worth doing ----------------------------------------------------------------- */

static bool is_restored(const planner *p, state s)
{
    return s.equity >= 0
        && mc_compare_products((uint64_t)s.equity, MC_FACTOR_ONE, (uint64_t)s.mm,
                               (uint64_t)(MC_FACTOR_ONE + p->rules->buffer_k)) >= 0;
}

/* cost MM <= equity (fall of MM), and something falls: equity / MM does not. */
static bool helps(state before, state after)
{
    const int64_t fall = before.mm - after.mm, cost = before.equity - after.equity;
    if (fall <= 0 || before.equity < 0)
        return false;
    return cost <= 0
        || mc_compare_products((uint64_t)cost, (uint64_t)before.mm, (uint64_t)before.equity,
                               (uint64_t)fall) <= 0;
}

/* The margin freed and what it costs. */
typedef struct yield {
    int64_t fall, cost;
} yield;

static yield yield_of(state before, state after)
{
    const int64_t cost = before.equity - after.equity;
    return (yield){before.mm - after.mm, cost > 0 ? cost : 0};
}

/* The sign of a's margin freed per quantum of cost less b's; of two free ones the larger. */
static int compare_yields(yield a, yield b)
{
    if (a.cost == 0 && b.cost == 0)
        return (a.fall > b.fall) - (a.fall < b.fall);
    return mc_compare_products((uint64_t)a.fall, (uint64_t)b.cost, (uint64_t)b.fall,
                               (uint64_t)a.cost);
}

static bool may_close(const planner *p, int32_t row)
{
    return p->most[row] > p->closed[row];
}

/* Has anybody ever offered to take it? */
static bool has_side(const planner *p, int32_t row)
{
    const size_t side = side_of(p, row);
    return p->depth->offset[side + 1] > p->depth->offset[side];
}

static bool goes_along(const planner *p, int32_t row)
{
    return is_contract(p, row) && left_of(p, row) > 0.0 && has_side(p, row);
}

/* One proportion of every contract: none where one of them has nobody to trade with. */
static bool stands_alone(const planner *p, int32_t row)
{
    return p->rules->proportional && is_contract(p, row) && !has_side(p, row);
}

static void make_picks(planner *p)
{
    int32_t n = 0, contracts = 0, units = 0;
    for (int32_t r = 0; r < p->n_rows; ++r)
        if (!p->rules->proportional && p->start[r] != 0.0)
            p->picks[n++] = (pick){r, r + 1, false};
    for (int32_t from = 0, to; from < p->n_rows; from = to) {
        const int32_t unit = p->margin->unit_of[p->instrument[from]];
        int32_t here = 0;
        for (to = from; to < p->n_rows && p->margin->unit_of[p->instrument[to]] == unit; ++to)
            here += is_contract(p, to);
        if (here > 1 && !p->rules->proportional)
            p->picks[n++] = (pick){from, to, true};
        contracts += here;
        units += here > 0;
    }
    if (units > 1 || (p->rules->proportional && contracts > 0))
        p->picks[n++] = (pick){0, p->n_rows, true};
    p->n_picks = n;
}

/* The largest size of a pick, 0 where it cannot be traded now. */
static double largest_of(const planner *p, pick k)
{
    if (!k.together)
        return may_close(p, k.from) ? p->most[k.from] - p->closed[k.from] : 0.0;
    double share = 0.0;
    bool any = false;
    for (int32_t r = k.from; r < k.to; ++r) {
        if (stands_alone(p, r))
            return 0.0;
        if (!goes_along(p, r))
            continue;
        const double room = p->most[r] - p->closed[r], left = left_of(p, r);
        /* Rounded up, for `take` rounds down: 1 of 3 lots is 1 lot, and not none. */
        const double here = room >= left ? SHARE_ONE : ceil(room / left * SHARE_ONE);
        share = any && share < here ? share : here;
        any = true;
    }
    return share;
}

/* A first trial: a 64th of what is left, and at least one lot of something. */
static double grain_of(const planner *p, pick k, double largest, int32_t round)
{
    const double more = ldexp(1.0, round / ROUNDS_A_DOUBLING);
    double left = k.together ? 1.0 : left_of(p, k.from);
    for (int32_t r = k.from; k.together && r < k.to; ++r)
        if (goes_along(p, r))
            left = fmax(left, left_of(p, r));
    const double whole = k.together ? SHARE_ONE : left;
    return fmin(ceil(whole / fmin(GRAINS, left)) * more, largest);
}

/* Lots closed after so much of a pick. */
static void take(const planner *p, pick k, double size, double *closed)
{
    memcpy(closed, p->closed, (size_t)p->n_rows * sizeof *closed);
    if (!k.together) {
        closed[k.from] += size;
        return;
    }
    for (int32_t r = k.from; r < k.to; ++r)
        if (goes_along(p, r)) {
            const double left = left_of(p, r);
            const double more = size >= SHARE_ONE ? left : floor(left * (size / SHARE_ONE));
            closed[r] = fmin(closed[r] + more, p->most[r]);
        }
}

typedef struct choice {
    int32_t pick; /* -1: nothing helps */
    double grain;
    yield best, second;
    bool has_second;
} choice;

/* The pick whose first grain frees the most margin per quantum of cost. */
static choice choose(planner *p, state now, int32_t round)
{
    choice c = {.pick = -1};
    double grain[TRIALS];
    int32_t which[TRIALS];
    for (int32_t next = 0; next < p->n_picks;) {
        int32_t n = 0;
        for (; next < p->n_picks && n < TRIALS; ++next) {
            const double largest = largest_of(p, p->picks[next]);
            if (largest < 1.0)
                continue;
            grain[n] = grain_of(p, p->picks[next], largest, round);
            which[n] = next;
            take(p, p->picks[next], grain[n], trial(p, n));
            ++n;
        }
        evaluate(p, n);
        for (int32_t t = 0; t < n; ++t) {
            if (!helps(now, result(p, t)))
                continue;
            const yield here = yield_of(now, result(p, t));
            if (c.pick < 0 || compare_yields(here, c.best) > 0) {
                c.has_second = c.pick >= 0;
                c.second = c.best;
                c.pick = which[t];
                c.grain = grain[t];
                c.best = here;
            } else if (!c.has_second || compare_yields(here, c.second) > 0) {
                c.has_second = true;
                c.second = here;
            }
        }
    }
    return c;
}

/* The least size in (low, high] that restores, where `high` does: of a pick, or of one row. */
static double least_restoring(planner *p, double low, double high, pick k, int32_t row)
{
    while (high - low > 1.0) {
        const double step = fmax(floor((high - low) / (SPLIT + 1)), 1.0);
        int32_t n = 0;
        double size[SPLIT];
        for (; n < SPLIT && low + step * (n + 1) < high; ++n) {
            size[n] = low + step * (n + 1);
            if (row < 0) {
                take(p, k, size[n], trial(p, n));
            } else {
                memcpy(trial(p, n), p->closed, (size_t)p->n_rows * sizeof *p->closed);
                trial(p, n)[row] = size[n];
            }
        }
        evaluate(p, n);
        int32_t t = 0;
        while (t < n && !is_restored(p, result(p, t)))
            ++t;
        if (t > 0)
            low = size[t - 1];
        if (t < n)
            high = size[t];
    }
    return high;
}

/* Makes the chosen trade as large as it stays the best one, or just restores the account. */
static state extend(planner *p, choice c)
{
    const pick k = p->picks[c.pick];
    const double largest = largest_of(p, k);
    double size[SIZES];
    int32_t n = 0;
    for (double s = c.grain; n < SIZES; s *= 2.0) {
        size[n] = fmin(s, largest);
        take(p, k, size[n], trial(p, n));
        if (size[n++] >= largest)
            break;
    }
    evaluate(p, n);
    int32_t taken = 0;
    while (!is_restored(p, result(p, taken)) && taken + 1 < n) {
        const state before = result(p, taken), after = result(p, taken + 1);
        if (!helps(before, after))
            break;
        yield here = yield_of(before, after);
        here.fall += here.fall / 8; /* of two that are nearly as good the one in hand */
        if (c.has_second && compare_yields(here, c.second) < 0)
            break;
        ++taken;
    }
    const state after = result(p, taken);
    if (!is_restored(p, after)) {
        memcpy(p->closed, trial(p, taken), (size_t)p->n_rows * sizeof *p->closed);
        return after;
    }
    const double least =
        least_restoring(p, taken > 0 ? size[taken - 1] : 0.0, size[taken], k, -1);
    take(p, k, least, trial(p, 0));
    memcpy(p->closed, trial(p, 0), (size_t)p->n_rows * sizeof *p->closed);
    return evaluate_closed(p);
}

/* Gives back of one row what the account is restored without. */
static bool trim_row(planner *p, int32_t row)
{
    const double closed = p->closed[row];
    if (closed == 0.0)
        return false;
    const double less[] = {0.0, closed - 1.0};
    for (int32_t t = 0; t < 2; ++t) {
        memcpy(trial(p, t), p->closed, (size_t)p->n_rows * sizeof *p->closed);
        trial(p, t)[row] = less[t];
    }
    evaluate(p, 2);
    if (is_restored(p, result(p, 0)))
        p->closed[row] = 0.0;
    else if (is_restored(p, result(p, 1)))
        p->closed[row] = least_restoring(p, 0.0, less[1], (pick){0}, row);
    return p->closed[row] < closed;
}

/* Row by row, until no row has a lot to give back: what one gives back may free another. */
static state trim(planner *p)
{
    bool again = true;
    for (int32_t pass = 0; again && pass < PASSES; ++pass) {
        again = false;
        for (int32_t r = 0; r < p->n_rows; ++r)
            again = trim_row(p, r) || again;
    }
    return evaluate_closed(p);
}

/* ---- one account ------------------------------------------------------------------------- */

static uint64_t digest_of(const mc_book_columns *b, size_t a)
{
    uint64_t digest = MC_DIGEST_EMPTY;
    digest = mc_digest_word(digest, (uint64_t)(b->cash != NULL ? b->cash[a] : 0));
    digest = mc_digest_word(digest, b->mode != NULL ? b->mode[a] : MC_PORTFOLIO);
    for (int64_t p = b->offset[a]; p < b->offset[a + 1]; ++p) {
        digest = mc_digest_word(digest, (uint64_t)b->instrument[p]);
        digest = mc_digest_word(digest, (uint64_t)(int64_t)b->lots[p]);
    }
    for (int64_t o = b->order_offset != NULL ? b->order_offset[a] : 0;
         b->order_offset != NULL && o < b->order_offset[a + 1]; ++o) {
        digest = mc_digest_word(digest, ~(uint64_t)b->order_instrument[o]);
        digest = mc_digest_word(digest, (uint64_t)(int64_t)b->order_lots[o]);
        digest = mc_digest_word(digest, (uint64_t)(int64_t)b->order_limit[o]);
    }
    return digest;
}

static int32_t coin_of(const mc_plan_rules *rules, const mc_book_columns *b, size_t a, int32_t i)
{
    if (rules->settles_in == NULL || (b->mode != NULL && b->mode[a] != MC_PORTFOLIO))
        return -1;
    return rules->settles_in[i];
}

/* Adds `instrument` to the rows where it is not there yet; they stay in order. */
static void add_row(planner *p, int32_t instrument, double lots)
{
    int32_t r = p->n_rows;
    while (r > 0 && p->instrument[r - 1] > instrument)
        --r;
    if (r > 0 && p->instrument[r - 1] == instrument)
        return;
    memmove(p->instrument + r + 1, p->instrument + r, (size_t)(p->n_rows - r) * sizeof(int32_t));
    memmove(p->start + r + 1, p->start + r, (size_t)(p->n_rows - r) * sizeof(double));
    p->instrument[r] = instrument;
    p->start[r] = lots;
    ++p->n_rows;
}

static int32_t row_of(const planner *p, int32_t instrument)
{
    int32_t r = 0;
    while (p->instrument[r] != instrument)
        ++r;
    return r;
}

static void set_depth(planner *p, bool fresh)
{
    for (int32_t r = 0; r < p->n_rows; ++r) {
        const size_t side = side_of(p, r);
        const double all = mc_side_lots(p->depth, side);
        const double limit = p->depth->limit != NULL && !fresh ? p->depth->limit[side] : all;
        p->basis[r] = fresh ? 0.0 : ceil(p->depth->taken[side]);
        p->basis_cost[r] = mc_side_cost(p->depth, side, p->basis[r]);
        p->closed[r] = 0.0;
        const double room = floor(fmin(limit, all)) - p->basis[r];
        p->most[r] = fmax(fmin(room, fabs(p->start[r])), 0.0);
    }
    /* A coin that takes settlements is not sold at the same time. */
    for (int32_t r = 0; r < p->n_rows; ++r)
        if (p->coin[r] >= 0)
            p->most[p->coin[r]] = 0.0;
}

static void open_account(planner *p, size_t a)
{
    const mc_book_columns *b = p->book;
    p->account = a;
    p->cash = b->cash != NULL ? b->cash[a] : 0;
    p->n_rows = 0;
    for (int64_t i = b->offset[a]; i < b->offset[a + 1]; ++i)
        add_row(p, b->instrument[i], b->lots[i]);
    for (int64_t i = b->offset[a]; i < b->offset[a + 1]; ++i)
        if (b->lots[i] != 0.0 && coin_of(p->rules, b, a, b->instrument[i]) >= 0)
            add_row(p, coin_of(p->rules, b, a, b->instrument[i]), 0.0);
    for (int32_t r = 0; r < p->n_rows; ++r) {
        const int32_t coin = p->start[r] != 0.0 ? coin_of(p->rules, b, a, p->instrument[r]) : -1;
        p->coin[r] = coin < 0 ? -1 : row_of(p, coin);
    }
    set_depth(p, false);
    make_picks(p);
}

static bool is_paused(const planner *p, size_t a)
{
    if (p->rules->paused == NULL)
        return false;
    for (int64_t i = p->book->offset[a]; i < p->book->offset[a + 1]; ++i)
        if (p->book->lots[i] != 0.0 && p->rules->paused[p->margin->unit_of[p->book->instrument[i]]])
            return true;
    return false;
}

/* Would anything help if the whole depth were there again? Closes the account for planning. */
static bool would_help(planner *p, state now, int32_t round)
{
    const int64_t cash = lots_after(p, p->closed, p->trial_lots);
    memcpy(p->start, p->trial_lots, (size_t)p->n_rows * sizeof *p->start);
    p->cash = cash;
    set_depth(p, true);
    return choose(p, now, round).pick >= 0;
}

static size_t write_trades(const planner *p, mc_trade *trades)
{
    size_t n = 0;
    for (int32_t r = 0; r < p->n_rows; ++r)
        if (p->closed[r] > 0.0) {
            trades[n++] = (mc_trade){
                .account = (int64_t)p->account, .instrument = p->instrument[r],
                .lots = p->start[r] < 0.0 ? p->closed[r] : -p->closed[r],
                .cost = cost_of(p, r, p->closed[r]), .fee = fee_of(p, r, p->closed[r])};
            p->depth->taken[side_of(p, r)] += p->closed[r];
        }
    return n;
}

static void plan_account(planner *p, size_t a, mc_trade *trades, mc_plan *plan)
{
    p->account = a;
    state now = evaluate_account(p);
    *plan = (mc_plan){.account = (int64_t)a, .equity = now.equity, .mm = now.mm,
                      .equity_after = now.equity, .mm_after = now.mm,
                      .digest = digest_of(p->book, a)};
    if (now.equity >= now.mm)
        return; /* healthy */
    if (is_paused(p, a)) {
        plan->outcome = MC_PLAN_PAUSED;
        return;
    }

    open_account(p, a);
    now = evaluate_closed(p); /* without orders */
    choice c = {.pick = 0};
    while (!is_restored(p, now) && plan->rounds < ROUNDS) {
        c = choose(p, now, plan->rounds);
        if (c.pick < 0)
            break;
        now = extend(p, c);
        ++plan->rounds;
    }
    if (is_restored(p, now) && plan->rounds > 0 && !p->rules->proportional)
        now = trim(p);

    plan->equity_after = now.equity;
    plan->mm_after = now.mm;
    plan->count = write_trades(p, trades);
    plan->outcome = is_restored(p, now)                               ? MC_PLAN_RESTORED
                  : c.pick >= 0 || would_help(p, now, plan->rounds) ? MC_PLAN_WAITS
                                                                      : MC_PLAN_BACKSTOP;
}

/* ---- the call ---------------------------------------------------------------------------- */

static mc_status check_rules(const mc_plan_rules *rules, const mc_margin *m, mc_error *err)
{
    if (rules == NULL || rules->size != sizeof *rules)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the rules are missing or their size is wrong");
    if (rules->buffer_k < 0 || rules->buffer_k > MC_FACTOR_ONE || rules->fee_k < 0
        || rules->fee_k > MC_RATE_ONE || rules->proportional > 1)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "buffer_k %d in 0 .. 1024, fee_k %d in 0 .. 2^20, "
                       "proportional 0 or 1", rules->buffer_k, rules->fee_k);
    for (size_t i = 0; rules->settles_in != NULL && i < m->n_instruments; ++i) {
        const int32_t coin = rules->settles_in[i];
        if (coin < 0)
            continue;
        if ((size_t)coin >= m->n_instruments || m->facts[coin].kind != MC_SPOT
            || !(mc_tail(m, coin)->mark > 0.0))
            return mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)i,
                           "instrument %zu settles in %d, which is no asset with a mark", i, coin);
    }
    return MC_OK;
}

/* Coins that settlements bring count as well. */
static double settled_bound(const mc_margin *m, const mc_book_columns *b,
                            const mc_plan_rules *rules, size_t a)
{
    double bound = 0.0;
    for (int64_t p = b->offset[a]; p < b->offset[a + 1]; ++p) {
        const int32_t i = b->instrument[p], coin = coin_of(rules, b, a, i);
        bound += fabs(b->lots[p]) * m->facts[i].largest;
        if (coin >= 0)
            bound += (fabs(b->lots[p] * mc_tail(m, i)->mark) / mc_tail(m, coin)->mark + 1.0)
                   * m->facts[coin].largest;
    }
    return bound;
}

static mc_status check_accounts(const mc_margin *m, const mc_book *book, const int64_t *accounts,
                                size_t n, const mc_plan_rules *rules, size_t *most, size_t *all,
                                mc_error *err)
{
    const mc_book_columns *b = &book->columns;
    uint8_t *const seen = mc_alloc(b->n_accounts / 8 + 1, 1);
    if (seen == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory to check %zu accounts", n);
    mc_status status = MC_OK;
    for (size_t k = 0; k < n && status == MC_OK; ++k) {
        const int64_t a = accounts[k];
        if (a < 0 || (size_t)a >= b->n_accounts) {
            status = mc_fail(err, MC_ERR_INSTRUMENT, (int64_t)k, "account %" PRId64 " of %zu", a,
                             b->n_accounts);
            break;
        }
        if (seen[a / 8] & 1 << a % 8) {
            status = mc_fail(err, MC_ERR_ORDER, (int64_t)k, "account %" PRId64 " is given twice",
                             a);
            break;
        }
        seen[a / 8] |= (uint8_t)(1 << a % 8);
        const size_t positions = (size_t)(b->offset[a + 1] - b->offset[a]);
        *most = positions > *most ? positions : *most;
        *all += positions;
        status = mc_sweep_is_exact(m, book, (size_t)a, 1, err);
        if (status == MC_OK && rules->settles_in != NULL) {
            const double bound = settled_bound(m, b, rules, (size_t)a);
            if (!mc_sum_is_exact(bound))
                status = mc_exactness_error((size_t)a, bound, err);
        }
    }
    mc_free(seen);
    return status;
}

/* Everything that a planner works in, for accounts of at most `most` positions. */
static void *allocate(planner *p, size_t most)
{
    const size_t rows = 2 * most + 1; /* every position may settle in a coin of its own */
    const size_t trials = TRIALS * rows;
    char *const memory = mc_alloc(
        1, (rows + trials) * (2 * sizeof(double) + sizeof(int32_t)) + rows * 3 * sizeof(double)
               + rows * (sizeof(int32_t) + 2 * sizeof(pick))
               + (TRIALS + 1) * (4 * sizeof(int64_t) + sizeof(int32_t) + 1) + 17 * MC_ALIGNMENT);
    if (memory == NULL)
        return NULL;
    char *left = memory;
#define DEAL(field, count)                                                      \
    do {                                                                        \
        p->field = (void *)left;                                                \
        left += ((count) * sizeof *p->field + MC_ALIGNMENT - 1) / MC_ALIGNMENT * MC_ALIGNMENT; \
    } while (0)
    DEAL(start, rows);
    DEAL(basis, rows);
    DEAL(basis_cost, rows);
    DEAL(most, rows);
    DEAL(closed, rows);
    DEAL(instrument, rows);
    DEAL(coin, rows);
    DEAL(picks, 2 * rows);
    DEAL(trial_closed, trials);
    DEAL(trial_lots, trials);
    DEAL(trial_instrument, trials);
    DEAL(trial_offset, TRIALS + 1);
    DEAL(trial_cash, TRIALS);
    DEAL(trial_equity, TRIALS);
    DEAL(trial_mm, TRIALS);
    DEAL(trial_owner, TRIALS);
    DEAL(trial_mode, TRIALS);
#undef DEAL
    return memory;
}

mc_status mc_plan_accounts(const mc_margin *m, const mc_book *book, const int64_t *market,
                           const int64_t *owners, const int64_t *accounts, size_t n,
                           const mc_plan_rules *rules, const mc_depth *depth, mc_trade *trades,
                           size_t n_trades, mc_plan *plans, size_t *n_done, mc_error *err)
{
    mc_status status = mc_sweep_fits(m, book, err);
    if (status != MC_OK)
        return status;
    if (n_done == NULL || (n > 0 && (accounts == NULL || plans == NULL)))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "accounts, or places for plans, are missing");
    status = check_rules(rules, m, err);
    if (status == MC_OK)
        status = mc_depth_check(depth, err);
    if (status == MC_OK && depth->n_instruments != m->n_instruments)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1,
                         "a depth of %zu instruments, a margin table of %zu", depth->n_instruments,
                         m->n_instruments);
    if (status == MC_OK)
        status = mc_sweep_exposures(m, book, market, owners, err);
    size_t most = 0, all = 0;
    if (status == MC_OK)
        status = check_accounts(m, book, accounts, n, rules, &most, &all, err);
    if (status == MC_OK && n_trades < all)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "room for %zu trades of %zu positions", n_trades,
                         all);
    if (status == MC_OK && all > 0 && trades == NULL)
        status = mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the trades");
    if (status != MC_OK)
        return status;

    planner p = {.margin = m, .book = &book->columns, .rules = rules, .depth = depth,
                 .kernels = mc_kernels_used(), .owners = owners};
    int64_t *market_rate;
    void *const memory = allocate(&p, most);
    void *const sweeping = mc_sweep_allocate(m, 1, market, &p.scratch, &market_rate);
    if (memory == NULL || sweeping == NULL) {
        mc_free(memory);
        mc_free(sweeping);
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for accounts of %zu positions", most);
    }
    p.market_rate = market_rate;
    size_t done = 0;
    for (size_t k = 0; k < n; ++k) {
        plan_account(&p, (size_t)accounts[k], trades + done, &plans[k]);
        plans[k].first = done;
        done += plans[k].count;
    }
    *n_done = done;
    mc_free(memory);
    mc_free(sweeping);
    return MC_OK;
}

mc_status mc_plan_check(const mc_plan *plan, const mc_book *book, mc_error *err)
{
    if (plan == NULL || book == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "a plan or book is missing");
    if (plan->account < 0 || (size_t)plan->account >= book->columns.n_accounts)
        return mc_fail(err, MC_ERR_INSTRUMENT, plan->account, "account %" PRId64 " of %zu",
                       plan->account, book->columns.n_accounts);
    if (digest_of(&book->columns, (size_t)plan->account) != plan->digest)
        return mc_fail(err, MC_ERR_ORDER, plan->account,
                       "account %" PRId64 " has changed since it was planned", plan->account);
    return MC_OK;
}
