/* ladder.h - why a price is in doubt, and what a price in that much doubt is good for. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_LADDER_H
#define MARGIN_CORE_LADDER_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

enum { MC_MAX_CLASSES = 12 };

/* Why a price is not simply valid; a set. The first nine are of the price, the rest of sources. */
typedef enum mc_oracle_reason {
    MC_WHY_NO_PRICE = 1 << 0,  /* none was ever accepted                                       */
    MC_WHY_NO_QUORUM = 1 << 1, /* fewer sources answer than the quorum: the last price stands  */
    MC_WHY_STALE = 1 << 2,     /* ... and it is their age that is missing                      */
    MC_WHY_JUMP = 1 << 3,      /* the median jumped: the last price stands, the band has both  */
    MC_WHY_DISAGREE = 1 << 4,  /* quorum - tolerated sources do not agree: the last one stands */
    MC_WHY_DEVIATION = 1 << 5, /* too far from the stable price                                */
    MC_WHY_WIDE = 1 << 6,      /* the band is wide                                             */
    MC_WHY_OLD = 1 << 7,       /* the price is old                                             */
    MC_WHY_SETTLING = 1 << 8,  /* too soon after the start or an outage                        */
    MC_WHY_SILENT = 1 << 9,    /* a source without a quote, or without depth                   */
    MC_WHY_OUTLIER = 1 << 10,
    MC_WHY_AT_BOUND = 1 << 11, /* a source at its floor or ceiling                             */
    MC_WHY_UNSURE = 1 << 12,   /* a source's own confidence is too wide                        */
    MC_WHY_NOT_POSITIVE = 1 << 13,
    MC_WHY_END = 1 << 14
} mc_oracle_reason;

typedef enum mc_action {
    MC_DISPLAY = 0,
    MC_MARGIN_CHECK = 1,
    MC_RISK_INCREASING = 2, /* an order that adds risk; one that reduces it needs no permission */
    MC_WITHDRAWAL = 3,
    MC_LIQUIDATION = 4,
    MC_SETTLEMENT = 5,
    MC_ACTIONS
} mc_action;

typedef enum mc_price_at {
    MC_AT_NOTHING = 0,   /* the action is refused                                               */
    MC_AT_MID = 1,
    MC_AT_ADVERSE = 2,   /* against it: owned at min(low, stable), owed at max(high, stable)     */
    MC_AT_FAVOURABLE = 3 /* for it: owned at max(high, stable), owed at min(low, stable)        */
} mc_price_at;

/* Classes, worst first: a price is in the first that names one of its reasons, else in the last,
 * which names none. */
typedef struct mc_ladder {
    size_t n_classes; /* 1 .. MC_MAX_CLASSES */
    uint32_t when[MC_MAX_CLASSES];
    uint8_t at[MC_MAX_CLASSES][MC_ACTIONS]; /* mc_price_at */
} mc_ladder;

MC_END_DECLS

#endif
