/* sweep.h - every account: what it is worth, what it must hold, and who is nearest the edge. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_SWEEP_H
#define MARGIN_CORE_SWEEP_H

#include <margin_core/book.h>
#include <margin_core/margin.h>

MC_BEGIN_DECLS

typedef enum mc_account_status {
    MC_ACCOUNT_OK = 0,           /* equity >= IM         */
    MC_ACCOUNT_REDUCE_ONLY = 1,  /* MM <= equity < IM    */
    MC_ACCOUNT_LIQUIDATABLE = 2, /* 0 <= equity < MM     */
    MC_ACCOUNT_BANKRUPT = 3,     /* equity < 0           */
    MC_ACCOUNT_STATUS_END
} mc_account_status;

/* A part of the book, and the threads to use on it. */
typedef struct mc_range {
    size_t first;       /* account */
    size_t count;
    unsigned n_threads; /* 0: one per processor */
} mc_range;

/* The worst scenario of every account: one minimum over the sum of all its positions. Orders,
 * modes and cash are left out. Works on any risk array, unrounded ones too.
 *
 *   worst_pnl  out, [count] quanta, or numeraire where unrounded; 0 for an empty account
 *   scenario   out, [count] the first on a tie; may be NULL
 *
 * Errors: MC_ERR_ARGUMENT   a book for another number of instruments, a range outside the book
 *         MC_ERR_EXACTNESS  sum of |lots| times the largest |cell| is 2^53 or more (err->row is
 *                           the account); not checked where unrounded
 * Allocates nothing but threads.
 */
MC_API MC_MUST_CHECK mc_status mc_scan(const mc_risk_array *risk, const mc_book *book,
                                       const mc_range *range, double *worst_pnl,
                                       int32_t *scenario, mc_error *err);

/* Gross notional on each side, by unit, up to 2^62: what the concentration charge looks at.
 *
 *   market  out, [n_units * 2] quanta: long, short; all accounts
 *   owners  out, [n_owners * n_units * 2] quanta: of owners that have several accounts; NULL if
 *           the book has none
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_EXACTNESS (an account beyond the bound), MC_ERR_MEMORY
 */
MC_API MC_MUST_CHECK mc_status mc_exposure(const mc_margin *margin, const mc_book *book,
                                           unsigned n_threads, int64_t *market, int64_t *owners,
                                           mc_error *err);

/* Where results go, in quanta; [count] each, or NULL where not wanted. */
typedef struct mc_standing {
    int64_t *equity;
    int64_t *im;
    int64_t *mm;
    uint8_t *status;           /* mc_account_status                                          */
    /* The parts of a portfolio account; for the other modes 0, scenarios -1.                */
    int64_t *core;
    int64_t *short_option_mm;
    int64_t *short_option_im;
    int64_t *roll;
    int64_t *vega;
    int64_t *concentration;
    int64_t *oracle;
    int64_t *closing;
    int64_t *haircut_mm;       /* of assets held, exits included                             */
    int64_t *haircut_im;
    int64_t *rounding;         /* half a quantum times sum |lots|, orders included, rounded up */
    int64_t *joint_scan;       /* [count * n_groups]                                         */
    int32_t *joint_scenario;   /* [count * n_groups] the group's worst; -1: nothing held     */
    int64_t *unit_scan;        /* [count * n_units]                                          */
    int32_t *unit_scenario;    /* [count * n_units] -1: nothing held                         */
} mc_standing;

/* Margins accounts first .. first + count - 1.
 *
 *   market, owners  from mc_exposure; NULL: no charge for the market's side, and every account
 *                   counts as its own owner
 *
 * Errors: MC_ERR_ARGUMENT; MC_ERR_DOMAIN  an exposure that is not in 0 .. 2^62 (err->row is its
 * place); MC_ERR_EXACTNESS (err->row is the account), see docs/determinism.md;
 * MC_ERR_MEMORY.
 * On error the outputs are untouched. Same bits for any number of threads and instruction set.
 * Uses memory for a few rows per thread, nothing of size accounts * scenarios.
 */
MC_API MC_MUST_CHECK mc_status mc_sweep(const mc_margin *margin, const mc_book *book,
                                        const mc_range *range, const int64_t *market,
                                        const int64_t *owners, const mc_standing *out,
                                        mc_error *err);

/* Accounts from the one nearest liquidation to the safest, by equity / MM compared exactly; on a
 * tie the lower account first. MM = 0 with negative equity comes first, MM = 0 with equity >= 0
 * last.
 *
 *   equity, mm  [n] quanta, |equity| <= 2^62, 0 <= mm <= 2^62
 *   order       out, [n] accounts
 *
 * Errors: MC_ERR_ARGUMENT, MC_ERR_DOMAIN (err->row), MC_ERR_MEMORY
 */
MC_API MC_MUST_CHECK mc_status mc_rank(const int64_t *equity, const int64_t *mm, size_t n,
                                       int64_t *order, mc_error *err);

MC_END_DECLS

#endif
