/* auction.h - Dutch auctions of accounts, and a clock that waits for the oracle.
 *
 * Functions take rows, one an auction. Amounts are doubles of one unit of money, the caller's, up
 * to 1e300. Plain operations in a stated order: the same bits from every compiler and processor.
 * Nothing allocates, and on error the outputs are untouched.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_AUCTION_H
#define MARGIN_CORE_AUCTION_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* How long an auction has run. While the oracle is invalid it stands still. */
typedef struct mc_auction_clock {
    int64_t seen_ns;  /* the latest time it was told, at first that of the start */
    int64_t ran_ns;   /* >= 0, how long it had run by then: at first 0           */
    int32_t running;  /* 1: the oracle was valid then; 0: it was not             */
    int32_t reserved; /* 0                                                       */
} mc_auction_clock;

/* The clocks after the oracle was found valid, or not, at now_ns; `next` may be `clocks`.
 *
 *   valid  [n] 1: prices allow liquidations; 0: they do not, or nobody can bid
 *
 * Errors: MC_ERR_ARGUMENT; MC_ERR_DOMAIN a flag other than 0 and 1, a clock that ran for less than
 * 0; MC_ERR_ORDER now_ns is before a time that a clock has seen; MC_ERR_EXACTNESS past 2^63 ns
 * (err->row).
 */
MC_API MC_MUST_CHECK mc_status mc_auction_follow(const mc_auction_clock *clocks, size_t n,
                                                 int64_t now_ns, const uint8_t *valid,
                                                 mc_auction_clock *next, mc_error *err);

/* elapsed_s, out, [n]: the seconds that count at now_ns. Errors as mc_auction_follow. */
MC_API MC_MUST_CHECK mc_status mc_auction_elapsed(const mc_auction_clock *clocks, size_t n,
                                                  int64_t now_ns, double *elapsed_s,
                                                  mc_error *err);

typedef enum mc_decay_kind {
    MC_DECAY_LINEAR = 0,      /* straight lines between knots, level after the last            */
    MC_DECAY_EXPONENTIAL = 1, /* max(start 2^(-t / every_s), floor), within 2 ulp, exact at whole
                                 half-lives                                                    */
    MC_DECAY_STAIR = 2,       /* max(start - step floor(t / every_s), floor)                   */
    MC_DECAY_KIND_END
} mc_decay_kind;

/* The share of a portfolio's worth that is asked for after t seconds, 0 .. 1000, falling. */
typedef struct mc_decay {
    size_t size;              /* sizeof(mc_decay): lets the struct grow                    */
    int32_t kind;             /* mc_decay_kind; a field that it does not name is not read  */
    double start;
    double step;              /* >= 0                                                      */
    double every_s;           /* > 0: the half-life, or the length of a stair              */
    double floor;             /* 0 .. start                                                */
    size_t n_knots;           /* >= 1                                                      */
    const double *knot_s;     /* [n_knots] the first 0, rising                             */
    const double *knot_share; /* [n_knots] never rising                                    */
} mc_decay;

/* asked, out, [n]: the share after elapsed_s, [n] >= 0.
 *
 * Errors: MC_ERR_ARGUMENT a null pointer, a wrong size, an unknown kind; MC_ERR_NOT_FINITE,
 * MC_ERR_DOMAIN a number out of range, a knot above the one before it (err->row is the knot), a
 * floor above the start; MC_ERR_ORDER knots that do not start at 0 or do not rise in time
 * (err->row); MC_ERR_NOT_FINITE, MC_ERR_DOMAIN a time (err->row). With n = 0 only the decay is
 * checked.
 */
MC_API MC_MUST_CHECK mc_status mc_decay_at(const mc_decay *decay, const double *elapsed_s,
                                           size_t n, double *asked, mc_error *err);

/* An auction of shares of a whole portfolio, cash from earlier bids left out. Source: Derive v2. */
typedef struct mc_auction_rules {
    size_t size;               /* sizeof(mc_auction_rules): lets the struct grow               */
    const mc_decay *decay;     /* of a solvent portfolio's price, as a share of its worth      */
    double buffer_frac;        /* 0 .. 1000: a sale may restore equity to MM (1 + buffer_frac) */
    double fee_frac;           /* 0 .. 1, of what could be sold at the start at no discount    */
    double insolvent_s;        /* > 0: time in which an insolvent portfolio's price goes from
                                  its worth to its worth less MM                               */
    double whole_below;        /* >= 0: equity below which the whole may be bought             */
    double reserve_price_frac; /* 0 .. the decay's start: the reserve price, a share of worth
                                  below which a solvent portfolio is not sold; 0: there is none */
    uint8_t quanta;            /* 1: amounts are whole quanta, and what is paid is rounded up to
                                  one: against the bidder, whether he pays or is paid, and
                                  against the account for its fee                              */
} mc_auction_rules;

/* Derive v2 on mainnet: 95 % to 70 % in 15 minutes, to 0 in 12 hours more, insolvent in one hour,
 * buffer 15 %, fee 10 %. It has no reserve price. */
MC_API void mc_auction_derive(mc_auction_rules *rules);

/* Accounts under auction, equity < MM at the start; a view, borrowed for the call. */
typedef struct mc_auction_rows {
    size_t n;
    const double *equity;   /* [n] at the mark, cash from earlier bids included       */
    const double *mm;       /* [n] >= 0                                               */
    const double *reserved; /* [n] >= 0, that cash, which is not for sale; NULL: none */
} mc_auction_rows;

/* share, out, [n], 0 .. 1: whose sale at `asked` of its worth restores the buffer, and no more; 0
 * where equity >= MM (1 + buffer_frac): the auction is over. 1 where no share would, as of an
 * insolvent portfolio, and below whole_below.
 *
 *   BM / (BM - (equity asked + reserved (1 - asked))),  BM = equity - (1 + buffer_frac) MM
 *
 *   asked  [n] 0 .. 1000
 *
 * Errors: those of the rules and the decay; MC_ERR_ARGUMENT; MC_ERR_NOT_FINITE, MC_ERR_DOMAIN a
 * number out of range, not whole where amounts are quanta; MC_ERR_EXACTNESS quanta that may add up
 * to 2^53 (err->row).
 */
MC_API MC_MUST_CHECK mc_status mc_auction_largest_share(const mc_auction_rules *rules,
                                                        const mc_auction_rows *rows,
                                                        const double *asked, double *share,
                                                        mc_error *err);

/* fee, out, [n]: what the auction costs the account at its start, fee_frac of the largest share at
 * `asked` 1 of its equity; 0 where insolvent. rows->reserved does not count. Errors as above. */
MC_API MC_MUST_CHECK mc_status mc_auction_fee(const mc_auction_rules *rules,
                                              const mc_auction_rows *rows, double *fee,
                                              mc_error *err);

/* Where bids' results go: [n] each, or NULL where not wanted. */
typedef struct mc_bids {
    double *share;    /* of what is left of the portfolio: the wanted or the largest, the less   */
    double *price;    /* of it, paid to the account; negative: paid to the bidder, by the security
                         module or the next layer of the waterfall, and not to the account       */
    double *equity;   /* of the account after the bid, as far as positions shrink in proportion  */
    double *mm;       /* the same                                                                */
    double *reserved; /* the cash with this bid's                                                */
} mc_bids;

/* One bid on each account.
 *
 *   insolvent  [n] 0: the price is worth asked share, worth = equity - reserved; 1: (worth + (end -
 *              worth) min(elapsed_s / insolvent_s, 1)) share, end = worth - MM, and any share is
 *              sold; NULL: 0 for all
 *   elapsed_s  [n] of this phase
 *   want       [n] 0 .. 1, a share of what is left; NULL: all of it
 *
 * Errors as above; MC_ERR_DOMAIN a worth not above 0 in a solvent auction or above 0 in an
 * insolvent one (err->row).
 */
MC_API MC_MUST_CHECK mc_status mc_auction_bid(const mc_auction_rules *rules,
                                              const mc_auction_rows *rows,
                                              const uint8_t *insolvent, const double *elapsed_s,
                                              const double *want, const mc_bids *out,
                                              mc_error *err);

MC_END_DECLS

#endif
