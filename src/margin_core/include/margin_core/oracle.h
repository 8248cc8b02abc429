/* oracle.h - quotes of several sources into one guarded price: its band, its validity, and why.
 *
 * The price is a weighted median: depth weighs, age decays, no `tolerated` sources together reach
 * half. It is taken over only while a quorum of the *configured* sources answers and it has not
 * jumped; until then the last price that was stands. docs/method/oracle.md derives each formula.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_ORACLE_H
#define MARGIN_CORE_ORACLE_H

#include <margin_core/ladder.h>
#include <margin_core/quote.h>
#include <margin_core/stable_price.h>

MC_BEGIN_DECLS

enum { MC_MAX_LEGS = 8 };

typedef struct mc_oracle_rule {
    size_t size;             /* sizeof this struct                                                */
    int64_t future_ns;       /* >= 0, by how much a source's clock may be ahead                   */
    int64_t old_ns;          /* > 0, from this age on a price is old                              */
    int64_t max_age_ns;      /* >= old_ns, from this age on a source does not answer              */
    int64_t half_life_ns;    /* > 0, age at which a source weighs half                            */
    int64_t depth_half_ns;   /* > 0, half life of the decayed mean of depth                       */
    int64_t jump_window_ns;  /* > 0, see jump_frac                                                */
    int64_t gap_ns;          /* > 0, longer without an accepted price is an outage                */
    int64_t grace_ns;        /* >= 0, how long a price settles after an outage, and at the start  */
    int32_t n_fresh;         /* >= 1, new prices it must see meanwhile                            */
    int32_t reserved;
    double jump_frac;        /* > 0: a ratio r to the last accepted price has jumped if
                                r - 1 > jump_frac (1 + elapsed / jump_window)                     */
    double deviation_ratio;  /* > 1, furthest ratio to the stable price                           */
    double outlier_frac;     /* > 0, a source further from the median is an outlier               */
    double max_confidence_frac; /* > 0, a source less sure than this does not answer              */
    double max_band_frac;    /* > 0 and < 1, a wider half band is wide                            */
    double disagreement_k;   /* >= 0, half band per weighted median absolute deviation            */
    double age_frac;         /* >= 0, half band per root second of age                            */
    mc_stable_rule stable;
} mc_oracle_rule;

typedef struct mc_feed {
    mc_currency base;
    mc_currency quote;
    int32_t quorum;    /* more than half of n_sources */
    int32_t tolerated; /* faulty sources that cannot move the price: less than half the quorum */
    size_t n_sources;  /* 1 .. MC_MAX_SOURCES */
    const mc_source *sources; /* ids differ */
    const mc_oracle_rule *rule;
    const mc_ladder *ladder;
} mc_feed;

/* All that a feed remembers; the caller's. Zeroed is a new feed. */
typedef struct mc_oracle_state {
    int64_t now_ns;      /* of the last update                                   */
    int64_t time_ns;     /* of the last accepted price                           */
    int64_t accepted_ns; /* when it was accepted                                 */
    int64_t run_ns;      /* when prices began to be accepted without an outage   */
    int64_t fresh;       /* new prices since then                                */
    double price;        /* the last accepted; 0: none                           */
    double half_frac;    /* its half band                                        */
    int64_t source_ns[MC_MAX_SOURCES];
    double depth_usd[MC_MAX_SOURCES]; /* decayed mean of least(executed, displayed) */
    mc_stable_price stable;
} mc_oracle_state;

typedef struct mc_oracle_reading {
    double price;     /* the last accepted one, now or earlier; 0 with MC_WHY_NO_PRICE  */
    double low;       /* 0 < low <= price <= high                                       */
    double high;
    double stable;
    double median;    /* of the sources that answer, accepted or not; 0: none           */
    double depth_usd; /* of the sources that answer and agree: least of decayed,
                         executed, displayed                                            */
    int64_t time_ns;  /* a quorum of sources has spoken since                           */
    mc_currency base;
    mc_currency quote;
    uint32_t reasons; /* mc_oracle_reason                                               */
    int32_t validity; /* class of the ladder; n_classes - 1 is valid                    */
    uint16_t answered; /* bit i: source i                                               */
    uint16_t agreed;
    int32_t inverted; /* 1 where this is the price of another reading, turned over      */
    int64_t now_ns;   /* when it was made; a composed one, its oldest leg               */
} mc_oracle_reading;

/* Checks every rule above. Errors: MC_ERR_ARGUMENT, MC_ERR_NOT_FINITE, MC_ERR_DOMAIN,
 * MC_ERR_ORDER (an id twice); err->row is the source. Allocates nothing, like all that follow. */
MC_API MC_MUST_CHECK mc_status mc_feed_check(const mc_feed *feed, mc_error *err);

/* (state, quotes, now) -> (next, reading). A pure function; `next` may be `state`. The quotes are
 * the latest of each source that has one: a source left out does not answer.
 *
 *   now_ns  after 1970, not before the last update
 *   quotes  [n], any order
 *
 * Errors, err->row the quote at fault; outputs untouched, so that the last state stays. Call again
 * without that quote: the quorum counts configured sources and does not shrink.
 *   MC_ERR_INSTRUMENT  an unknown source
 *   MC_ERR_ARGUMENT    another pair, kind or scale than the source's; a feed that is not valid
 *   MC_ERR_DOMAIN      no decimals, negative depth or confidence, a quote from the future
 *   MC_ERR_NOT_FINITE  a depth that is no number
 *   MC_ERR_ORDER       a source twice, time that goes back: now, or a source's
 */
MC_API MC_MUST_CHECK mc_status mc_oracle_update(const mc_feed *feed, const mc_oracle_state *state,
                                                const mc_quote *quotes, size_t n, int64_t now_ns,
                                                mc_oracle_state *next, mc_oracle_reading *reading,
                                                mc_error *err);

/* The same for many states of one kind of feed, in place: feed i takes the quotes
 * offset[i] .. offset[i + 1] - 1. One feed's bad quote stops no other feed.
 *
 *   states, readings  in/out, out, [n]; untouched where the status is not MC_OK
 *   statuses          out, [n] mc_status
 *
 * Errors: MC_ERR_ARGUMENT  the feed is not valid, a null pointer
 *         MC_ERR_ORDER     offsets that fall (err->row)
 */
MC_API MC_MUST_CHECK mc_status mc_oracle_update_many(const mc_feed *feed, const mc_quote *quotes,
                                                     const int64_t *offset, const int64_t *now_ns,
                                                     size_t n, unsigned n_threads,
                                                     mc_oracle_state *states,
                                                     mc_oracle_reading *readings,
                                                     uint8_t *statuses, mc_error *err);

/* The price of `base` in `quote` along a chain of legs: A/B x B/C, each used as it is or turned
 * over (invert[i] = 1). Prices and bands multiply, the time is the oldest leg's, reasons add up, a
 * composed band wider than the rule's is wide. A leg made old_ns ago is old, one made max_age_ns
 * ago is stale; one leg alone is that reading as it stands at now_ns.
 *
 * Errors, err->row the leg: MC_ERR_ARGUMENT  no legs or too many; currencies that do not meet (a
 * leg dropped, upside down or of another pair); a leg turned over twice; MC_ERR_DOMAIN a leg
 * without a price; MC_ERR_ORDER a leg made after now_ns.
 */
MC_API MC_MUST_CHECK mc_status mc_oracle_compose(const mc_oracle_reading *legs,
                                                 const uint8_t *invert, size_t n_legs,
                                                 mc_currency base, mc_currency quote,
                                                 int64_t now_ns, const mc_oracle_rule *rule,
                                                 const mc_ladder *ladder, mc_oracle_reading *out,
                                                 mc_error *err);

/* What an action may count a holding at.
 *
 *   owned    [n] + owned, - owed; 0 is priced like +
 *   allowed  out, [n] 0 or 1
 *   price    out, [n]; where refused, at the adverse edge, 0 without any price
 */
MC_API MC_MUST_CHECK mc_status mc_oracle_prices(const mc_ladder *ladder,
                                                const mc_oracle_reading *readings,
                                                const double *owned, size_t n, mc_action action,
                                                uint8_t *allowed, double *price, mc_error *err);

MC_END_DECLS

#endif
