/* SPDX-License-Identifier: Apache-2.0 */
#include "margin/book.h"

#include <math.h>

#include "base/alloc.h"
#include "base/check.h"

static mc_status check_offsets(const int64_t *offset, size_t n, const char *name, mc_error *err)
{
    if (offset[0] != 0)
        return mc_fail(err, MC_ERR_ORDER, 0, "%s do not start at 0", name);
    for (size_t a = 0; a < n; ++a)
        if (offset[a + 1] < offset[a])
            return mc_fail(err, MC_ERR_ORDER, (int64_t)a, "%s fall after account %zu", name, a);
    return MC_OK;
}

static mc_status check_number(double x, bool whole, const char *name, int64_t row, mc_error *err)
{
    if (!mc_is_finite(x))
        return mc_fail(err, MC_ERR_NOT_FINITE, row, "%s is not a finite number (row %lld)", name,
                       (long long)row);
    if (whole && !mc_is_whole(x))
        return mc_fail(err, MC_ERR_DOMAIN, row, "%s is not a whole number: %.17g (row %lld)", name,
                       x, (long long)row);
    if (whole && fabs(x) >= MC_EXACT_LIMIT)
        return mc_fail(err, MC_ERR_EXACTNESS, row, "%s is 2^53 or more: %.17g (row %lld)", name, x,
                       (long long)row);
    return MC_OK;
}

/* One account's rows: `rising` positions may not repeat an instrument, orders may. */
static mc_status check_rows(const mc_book_columns *c, const int32_t *instrument, const double *lots,
                            int64_t first, int64_t last, bool rising, const char *name,
                            mc_error *err)
{
    for (int64_t p = first; p < last; ++p) {
        if (instrument[p] < 0 || (size_t)instrument[p] >= c->n_instruments)
            return mc_fail(err, MC_ERR_INSTRUMENT, p, "%s holds instrument %d of %zu (row %lld)",
                           name, instrument[p], c->n_instruments, (long long)p);
        if (p > first && instrument[p] < instrument[p - 1] + (rising ? 1 : 0))
            return mc_fail(err, MC_ERR_ORDER, p,
                           "instrument %d follows %d: %s must be in order (row %lld)",
                           instrument[p], instrument[p - 1], name, (long long)p);
        const mc_status status = check_number(lots[p], !c->fractional, "lots", p, err);
        if (status != MC_OK)
            return status;
    }
    return MC_OK;
}

static mc_status check_accounts(const mc_book_columns *c, mc_error *err)
{
    for (size_t a = 0; a < c->n_accounts; ++a) {
        const int64_t row = (int64_t)a;
        if (c->cash != NULL && (c->cash[a] <= -(INT64_C(1) << 53) || c->cash[a] >= INT64_C(1) << 53))
            return mc_fail(err, MC_ERR_EXACTNESS, row, "cash of account %zu is 2^53 quanta or more",
                           a);
        if (c->mode != NULL && c->mode[a] >= MC_MODE_END)
            return mc_fail(err, MC_ERR_ARGUMENT, row, "unknown mode %d of account %zu", c->mode[a],
                           a);
        if (c->owner != NULL && (c->owner[a] < -1 || c->owner[a] >= (int64_t)c->n_owners))
            return mc_fail(err, MC_ERR_INSTRUMENT, row, "owner %d of %zu (account %zu)",
                           c->owner[a], c->n_owners, a);
    }
    return MC_OK;
}

static mc_status check_columns(const mc_book_columns *c, mc_error *err)
{
    if (c == NULL || c->offset == NULL || c->n_accounts == 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "an empty book: no accounts");
    if (c->n_instruments > INT32_MAX || c->n_owners > INT32_MAX)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "more instruments or owners than 2^31 - 1");
    mc_status status = check_offsets(c->offset, c->n_accounts, "position offsets", err);
    if (status != MC_OK)
        return status;
    if (c->offset[c->n_accounts] > 0 && (c->instrument == NULL || c->lots == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "positions without instruments or lots");
    for (size_t a = 0; status == MC_OK && a < c->n_accounts; ++a)
        status = check_rows(c, c->instrument, c->lots, c->offset[a], c->offset[a + 1], true,
                            "positions", err);
    if (status == MC_OK)
        status = check_accounts(c, err);
    if (status != MC_OK || c->order_offset == NULL)
        return status;

    status = check_offsets(c->order_offset, c->n_accounts, "order offsets", err);
    if (status != MC_OK)
        return status;
    const int64_t n_orders = c->order_offset[c->n_accounts];
    if (n_orders > 0
        && (c->order_instrument == NULL || c->order_lots == NULL || c->order_limit == NULL))
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "orders without instruments, lots or limits");
    for (size_t a = 0; status == MC_OK && a < c->n_accounts; ++a)
        status = check_rows(c, c->order_instrument, c->order_lots, c->order_offset[a],
                            c->order_offset[a + 1], false, "orders", err);
    for (int64_t o = 0; status == MC_OK && o < n_orders; ++o)
        status = check_number(c->order_limit[o], true, "an order's limit", o, err);
    return status;
}

/* Sums of non-negative doubles, each rounded to nearest: short of the truth by less than 2^-20
 * of it for any number of rows that fits in memory. */
static double lots_of(const double *lots, int64_t first, int64_t last)
{
    double sum = 0.0;
    for (int64_t p = first; p < last; ++p)
        sum += fabs(lots[p]);
    return sum;
}

mc_status mc_book_create(const mc_book_columns *columns, mc_book **out, mc_error *err)
{
    if (out == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "nowhere to put the book");
    const mc_status status = check_columns(columns, err);
    if (status != MC_OK)
        return status;
    mc_book *book = mc_alloc(1, sizeof *book);
    if (book == NULL)
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory for a book");

    const mc_book_columns *c = columns;
    book->columns = *columns;
    for (size_t a = 0; a < c->n_accounts; ++a) {
        double lots = lots_of(c->lots, c->offset[a], c->offset[a + 1]);
        if (c->order_offset != NULL)
            lots += lots_of(c->order_lots, c->order_offset[a], c->order_offset[a + 1]);
        if (lots > book->most_lots)
            book->most_lots = lots;
    }
    for (int64_t o = 0; c->order_offset != NULL && o < c->order_offset[c->n_accounts]; ++o)
        if (fabs(c->order_limit[o]) > book->most_limit)
            book->most_limit = fabs(c->order_limit[o]);
    book->most_lots *= 1.0 + 0x1p-20;
    *out = book;
    return MC_OK;
}

void mc_book_destroy(mc_book *book)
{
    mc_free(book);
}

size_t mc_book_accounts(const mc_book *book)
{
    return book->columns.n_accounts;
}
