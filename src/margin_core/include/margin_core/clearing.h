/* clearing.h - who pays for a liquidation, on a ledger that always adds up. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_CLEARING_H
#define MARGIN_CORE_CLEARING_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* A loss runs down the layers of a waterfall, each paying what the one before could not:
 *
 *   collateral of the account -> insurance fund -> auto-deleveraging (ADL) -> socialised loss
 *
 * The liquidation fee comes out of what the collateral has left after the loss. What no layer pays
 * stays in `deficit`, by name. Every step is one event; after each
 *
 *   sum cash + sum pnl + insurance + fees - deficit = total        to the quantum
 *   cash, insurance, fees, deficit >= 0
 */
typedef enum mc_event_kind {
    MC_EVENT_DEPOSIT = 0,     /* `amount` from outside to the cash of `account`, or to the fund
                                 where account is -1; negative: withdrawn                       */
    MC_EVENT_VARIATION = 1,   /* `amount` of P&L at the mark, from `account` to `counterparty`  */
    MC_EVENT_LIQUIDATION = 2, /* `account` realises `pnl`, pays `amount` to `counterparty` (price
                                 given up in the closing) and then at most `fee`                */
    MC_EVENT_INSURANCE = 3,   /* the fund pays down the deficit                                 */
    MC_EVENT_ADL = 4,         /* candidates' positive P&L pays down the deficit                 */
    MC_EVENT_SOCIALISED = 5,  /* candidates' positive equity pays down the deficit              */
    MC_EVENT_KIND_END
} mc_event_kind;

typedef enum mc_adl {
    MC_ADL_NONE = 0,
    MC_ADL_PRO_RATA = 1, /* every candidate in proportion to its P&L                 */
    MC_ADL_RANKED = 2,   /* all of the first candidate's P&L, then the next one's    */
    MC_ADL_END
} mc_adl;

/* How a venue's waterfall runs; a layer that is not there is passed over. */
typedef struct mc_waterfall {
    int64_t insurance_limit; /* quanta the fund pays in one event at most; 0: no such layer */
    int32_t adl;             /* mc_adl                                                      */
    uint8_t socialises;      /* 1: the last layer is there                                  */
    uint8_t fee_to_fund;     /* 1: liquidation fees fill the fund; 0: they are the venue's  */
} mc_waterfall;

/* One event. Fields that its kind does not name are 0. */
typedef struct mc_event {
    uint64_t id;           /* 1, 2, 3, ... without a gap                                        */
    int32_t kind;          /* mc_event_kind                                                     */
    int32_t reserved;      /* 0                                                                 */
    int64_t account;
    int64_t counterparty;  /* -1 where a liquidation costs nothing                              */
    int64_t amount;        /* quanta; >= 0 but for deposits                                     */
    int64_t pnl;           /* quanta realised: of the sign of the account's P&L, no larger      */
    int64_t fee;           /* quanta, >= 0                                                      */
    size_t first, count;   /* candidates of ADL and of a socialised loss, in the call's list    */
} mc_event;

/* What an event did, in quanta. */
typedef struct mc_receipt {
    uint64_t id;
    uint64_t digest;    /* of the event and its candidates                                      */
    int64_t collateral; /* of the loss and the closing, paid by the account                     */
    int64_t fee;        /* paid by the account                                                  */
    int64_t covered;    /* of the deficit, by the layer of this event                           */
    int64_t deficit;    /* after the event                                                      */
} mc_receipt;

/* The whole state, the caller's. Start with everything 0 but the columns, the journal, the
 * waterfall and `total`. An amount is at most 2^61. */
typedef struct mc_ledger {
    size_t n_accounts;
    int64_t *cash;          /* [n_accounts] quanta, settled                                     */
    int64_t *pnl;           /* [n_accounts] quanta, at the mark, not settled                    */
    int64_t insurance;      /* the fund                                                         */
    int64_t fees;           /* what the venue has earned                                        */
    int64_t deficit;        /* losses not yet paid by anybody                                   */
    int64_t total;          /* what everything adds up to; only a deposit changes it            */
    mc_receipt *journal;    /* [n_journal] the latest receipts, event `id` at id % n_journal    */
    size_t n_journal;       /* at least 1                                                       */
    uint64_t last_id;       /* of the last event applied                                        */
    int32_t layer;          /* the kind of the last layer that the deficit has passed, or 0: none
                               since it last grew, or since the fund did                        */
    int32_t reserved;
    mc_waterfall waterfall;
} mc_ledger;

/* sum cash + sum pnl + insurance + fees - deficit - total, modulo 2^64: 0, always. */
MC_API int64_t mc_ledger_residual(const mc_ledger *ledger);

/* Errors: MC_ERR_ARGUMENT  a missing column, an unknown rule
 *         MC_ERR_DOMAIN    an amount out of range or below 0 where none may be (err->row is the
 *                          account, or -1), a residual
 * Reads every account once. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_ledger_check(const mc_ledger *ledger, mc_error *err);

/* Applies events in order. An event applied before is left out and gives its old receipt, as long
 * as the journal has it. Each event is done in full or not at all, and the first that cannot be
 * done ends the call: those before it stand, it and those after it change nothing.
 *
 *   candidates  [n_candidates] accounts; rising within an event, in the queue's order for
 *               MC_ADL_RANKED, where one that comes again has nothing left
 *   haircuts    out, [n_candidates] quanta taken, of events applied now; NULL where not wanted
 *   receipts    out, [n_events] of the events done; NULL where not wanted
 *   n_done      out, the events done, on an error too
 *
 * ADL and a socialised loss take exactly the deficit, or all there is where that is less. In
 * proportion: candidate i pays floor(D C_i / C_n) - floor(D C_(i-1) / C_n), D what is taken and
 * C the running sum of P&L or equity. So it pays less than one quantum beside its exact share,
 * never more than it has, and an account pays the same when it is split in two neighbours.
 *
 * Errors, err->row the event:
 *   MC_ERR_ARGUMENT    an unknown kind, a layer that the waterfall does not have, candidates
 *                      outside the list
 *   MC_ERR_INSTRUMENT  an account that does not exist
 *   MC_ERR_ORDER       an id that leaves a gap, came before with other contents, or is older than
 *                      the journal; a layer before its turn, or a gain realised before ADL has had
 *                      its turn; candidates out of order
 *   MC_ERR_DOMAIN      an amount out of range; a withdrawal of more than the account is worth or
 *                      while a deficit is open; a part of an account closed that cannot pay
 *   MC_ERR_EXACTNESS   candidates' P&L or equity adds up to more than 2^63 - 1
 * Allocates nothing. Call mc_ledger_check first on a ledger from outside.
 */
MC_API MC_MUST_CHECK mc_status mc_ledger_apply(mc_ledger *ledger, const mc_event *events,
                                               size_t n_events, const int64_t *candidates,
                                               size_t n_candidates, int64_t *haircuts,
                                               mc_receipt *receipts, size_t *n_done,
                                               mc_error *err);

MC_END_DECLS

#endif
