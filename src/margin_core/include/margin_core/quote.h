/* quote.h - what a source says a price is, with its scale, pair, time and depth. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_QUOTE_H
#define MARGIN_CORE_QUOTE_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

enum {
    MC_MAX_SOURCES = 16,
    MC_MAX_DECIMALS = 18,
    MC_NO_DECIMALS = -1 /* a quote that does not say its scale: an error */
};

typedef enum mc_source_kind {
    MC_SOURCE_VENUE = 0,     /* a market with a book: its quotes bring their depth     */
    MC_SOURCE_PUBLISHER = 1, /* an aggregate of others: counts with source's depth_usd */
    MC_SOURCE_CONTRACT = 2   /* a contract's own exchange rate or backing: likewise    */
} mc_source_kind;

/* A code of at most 8 ASCII characters, the first in the lowest byte; only compared and shown. */
typedef int64_t mc_currency;

static inline mc_currency mc_currency_of(const char *code)
{
    uint64_t tag = 0;
    for (int i = 0; i < 8 && code[i] != '\0'; ++i)
        tag |= (uint64_t)(uint8_t)code[i] << (8 * i);
    return (mc_currency)tag;
}

/* price = mantissa 10^-decimals: so many `quote` for 1.0 `base`. */
typedef struct mc_quote {
    int64_t mantissa;
    int64_t confidence;   /* >= 0, half width of the source's own band, in the same decimals */
    int64_t time_ns;      /* when the source says this was its price                         */
    double executed_usd;  /* >= 0, traded in the depth window; venues only                   */
    double displayed_usd; /* >= 0, resting in the book now; venues only                      */
    mc_currency base;
    mc_currency quote;
    int32_t source;
    int32_t decimals;
    int32_t kind; /* mc_source_kind */
    int32_t reserved;
} mc_quote;

/* What a feed expects of a source; a quote that says otherwise is refused. */
typedef struct mc_source {
    int32_t id;
    int32_t decimals;
    int32_t kind;
    int32_t reserved;
    double depth_usd; /* > 0, most depth that counts; of a source without a book, its depth       */
    double floor;     /* >= 0 and ceiling > floor: bounds that the source's price cannot pass; at */
    double ceiling;   /* one it says nothing. 0 and infinity: none                                */
} mc_source;

MC_END_DECLS

#endif
