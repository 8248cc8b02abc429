/* margin/book.h - a book that has been checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_MARGIN_BOOK_H
#define MC_MARGIN_BOOK_H

#include <margin_core/book.h>

struct mc_book {
    mc_book_columns columns;
    double most_lots; /* the largest sum of |lots|, orders included, of one account; rounded up */
    double most_limit; /* the largest |limit| */
};

#endif
