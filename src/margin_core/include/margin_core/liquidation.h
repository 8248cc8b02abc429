/* liquidation.h - what to close of an account that fell below its maintenance margin.
 *
 * A plan closes the least that restores a buffer. It takes the trade that frees the most margin per
 * quantum of cost, one position or a like share of several, and asks the whole model again after
 * each: a hedge whose loss would raise the requirement stays. A trade is made only if it leaves the
 * account no worse,
 *
 *   cost MM <= equity (fall of MM)      that is, equity / MM does not fall
 *
 * and where none does, the account is handed to the backstop: more market orders would feed the
 * cascade. Accounts are planned in the order given and share one depth, which each leaves thinner.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_LIQUIDATION_H
#define MARGIN_CORE_LIQUIDATION_H

#include <margin_core/depth.h>
#include <margin_core/sweep.h>

MC_BEGIN_DECLS

typedef enum mc_plan_outcome {
    MC_PLAN_HEALTHY = 0,  /* equity >= MM: nothing is done                                     */
    MC_PLAN_RESTORED = 1, /* equity >= MM (1024 + buffer_k) / 1024 after the trades            */
    MC_PLAN_WAITS = 2,    /* more trades would help once the depth has recovered               */
    MC_PLAN_BACKSTOP = 3, /* none would: what is left is the waterfall's                       */
    MC_PLAN_PAUSED = 4,   /* holds a unit whose price allows no liquidation: nothing is done   */
    MC_PLAN_OUTCOME_END
} mc_plan_outcome;

typedef struct mc_plan_rules {
    size_t size;           /* sizeof(mc_plan_rules): lets the struct grow                      */
    int32_t buffer_k;      /* 0 .. 1024, in 1/1024 of MM                                       */
    int32_t fee_k;         /* of the notional closed, in 2^-20, 0 .. 2^20                      */
    uint8_t proportional;  /* 1: every contract in the same proportion, nothing else; nothing
                              at all of an account one of whose contracts has no levels        */
    const uint8_t *paused; /* [n_units] 1: the price allows no liquidation; NULL: none         */
    const int32_t *settles_in; /* [n_instruments] the coin in which an inverse contract settles;
                                  -1: cash; NULL: all of them                                  */
} mc_plan_rules;

#define MC_PLAN_RULES_INIT {sizeof(mc_plan_rules), 0, 0, 0, 0, 0}

/* One instrument of one account; a position is only ever made smaller. */
typedef struct mc_trade {
    int64_t account;
    int32_t instrument;
    int32_t reserved;  /* 0                                     */
    double lots;       /* + buys, - sells                       */
    int64_t cost;      /* quanta given up against the mark      */
    int64_t fee;       /* quanta                                */
} mc_trade;

/* What becomes of one account. Its orders are cancelled first, unless it is healthy or paused. */
typedef struct mc_plan {
    int64_t account;
    int32_t outcome;        /* mc_plan_outcome                                               */
    int32_t rounds;         /* choices of a trade that were made                             */
    size_t first, count;    /* its trades, in the order of the instruments                   */
    int64_t equity, mm;     /* before, orders included                                       */
    int64_t equity_after, mm_after;
    uint64_t digest;        /* of the account as it was planned                              */
} mc_plan;

/* Plans accounts in the order given, the worst first as a rule (mc_rank).
 *
 *   market, owners  as in mc_sweep; held while the plans run
 *   accounts   [n] each once
 *   depth      `taken` moves on by what is traded
 *   trades     out, [n_trades] at least as many as the accounts have positions
 *   plans      out, [n]
 *   n_done     out, the trades made
 *
 * Only instruments with levels are traded: leave out a side, or an asset, that should stay. The
 * mark of what is closed is paid in cash, that of an inverse contract of a portfolio account in its
 * coin, whole lots rounded against the account and the rest in cash. The trades that restored an
 * account are trimmed: one lot less of any of them would not (one part in 2^20 less of all where
 * proportional). MM is taken as falling when positions do; where charges make it jump, what is
 * found is the least that this search sees.
 *
 * Errors: MC_ERR_ARGUMENT, a book, depth or table that do not fit, room for too few trades, rules
 *         out of range; MC_ERR_INSTRUMENT an account or coin that does not exist (err->row);
 *         MC_ERR_ORDER an account given twice (err->row is its place); those of mc_depth_check and
 *         mc_sweep; MC_ERR_MEMORY.
 * On error the outputs and `taken` are untouched. Same bits for any instruction set.
 */
MC_API MC_MUST_CHECK mc_status mc_plan_accounts(const mc_margin *margin, const mc_book *book,
                                                const int64_t *market, const int64_t *owners,
                                                const int64_t *accounts, size_t n,
                                                const mc_plan_rules *rules, const mc_depth *depth,
                                                mc_trade *trades, size_t n_trades, mc_plan *plans,
                                                size_t *n_done, mc_error *err);

/* Is the account still what it was when the plan was made: positions, orders, cash and mode? Ask
 * before the first of its trades: that changes the account, too, and what is left of the plan is
 * refused. Prices, requirements and the depth are not looked at.
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_INSTRUMENT; MC_ERR_ORDER it has changed: make a new plan
 */
MC_API MC_MUST_CHECK mc_status mc_plan_check(const mc_plan *plan, const mc_book *book,
                                             mc_error *err);

/* How far each unit's price can move before the first account with equity >= MM falls below it, by
 * its delta: (equity - MM) / (|delta| + MM), which for linear positions of one unit is never too
 * far. What the liquidations of this interval should not push through.
 *
 *   risk        that the margin table was made of
 *   equity, mm  [n_accounts] from mc_sweep
 *   move        out, [n_units * 2] fractions: down, up; infinite where nobody minds
 *
 * Errors: MC_ERR_ARGUMENT; MC_ERR_MEMORY. Same bits for any number of threads.
 */
MC_API MC_MUST_CHECK mc_status mc_next_thresholds(const mc_margin *margin,
                                                  const mc_risk_array *risk, const mc_book *book,
                                                  const int64_t *equity, const int64_t *mm,
                                                  unsigned n_threads, double *move, mc_error *err);

MC_END_DECLS

#endif
