/* book.h - who holds what: accounts, their positions and orders, in whole risk lots. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_BOOK_H
#define MARGIN_CORE_BOOK_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

typedef enum mc_mode {
    MC_PORTFOLIO = 0, /* scenarios and charges over the whole account            */
    MC_CROSS = 1,     /* one pool, sum of notional times a tiered rate           */
    MC_ISOLATED = 2,  /* one pocket with its own collateral and a flat rate      */
    MC_MODE_END
} mc_mode;

/* Columns in CSR form, borrowed: they must outlive the book and not change meanwhile.
 *
 * Currencies are positions like any other. What is left of a balance below one risk lot, and what
 * moves with no scenario (the cost basis of linear futures), is in `cash`: equity = cash + sum of
 * lots * mark.
 */
typedef struct mc_book_columns {
    size_t n_accounts;
    size_t n_instruments;           /* of the risk array that the book is for                  */
    const int64_t *offset;          /* [n_accounts + 1] account a holds positions offset[a] to
                                       offset[a + 1] - 1                                       */
    const int32_t *instrument;      /* rising within an account                                */
    const double *lots;             /* whole, |lots| < 2^53, + long, - short                   */
    uint8_t fractional;             /* not 0: any finite lots, for presets and unrounded risk
                                       arrays alone                                            */
    const int64_t *cash;            /* [n_accounts] quanta, |cash| < 2^53; NULL: all 0         */
    const uint8_t *mode;            /* [n_accounts] mc_mode; NULL: all portfolio               */
    const int32_t *owner;           /* [n_accounts] row of the owners' table for accounts whose
                                       owner has several, else -1; NULL: all -1                */
    size_t n_owners;
    const int64_t *order_offset;    /* [n_accounts + 1]; NULL: no orders                       */
    const int32_t *order_instrument; /* never falling within an account                        */
    const double *order_lots;       /* whole, + buy, - sell                                    */
    const double *order_limit;      /* whole quanta per risk lot                               */
} mc_book_columns;

typedef struct mc_book mc_book;

/* Checks everything once, so that sweeps need not.
 *
 * Errors: MC_ERR_ARGUMENT    a null column, an unknown mode
 *         MC_ERR_ORDER       offsets that do not start at 0 or fall (err->row is the account),
 *                            instruments not in rising order (err->row is the position)
 *         MC_ERR_INSTRUMENT  an instrument or owner out of range
 *         MC_ERR_NOT_FINITE  lots that are NaN or infinite
 *         MC_ERR_DOMAIN      lots or limits that are not whole
 *         MC_ERR_EXACTNESS   lots or cash of 2^53 or more
 *         MC_ERR_MEMORY
 */
MC_API MC_MUST_CHECK mc_status mc_book_create(const mc_book_columns *columns, mc_book **out,
                                              mc_error *err);
MC_API void mc_book_destroy(mc_book *book); /* NULL is fine */
MC_API size_t mc_book_accounts(const mc_book *book);

MC_END_DECLS

#endif
