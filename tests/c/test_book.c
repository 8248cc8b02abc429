/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/book.h>

#include "check.h"
#include "world.h"

/* Three accounts over four instruments: two positions and one order, none and two, one and none. */
typedef struct small_book {
    int64_t offset[4], cash[3], order_offset[4];
    int32_t instrument[3], owner[3], order_instrument[3];
    double lots[3], order_lots[3], order_limit[3];
    uint8_t mode[3];
    mc_book_columns columns;
} small_book;

static small_book small;

static void make(small_book *b)
{
    *b = (small_book){
        .offset = {0, 2, 2, 3}, .instrument = {1, 3, 0}, .lots = {5, -7, 2},
        .cash = {100, -100, 0}, .mode = {MC_PORTFOLIO, MC_CROSS, MC_ISOLATED},
        .owner = {-1, 0, 1}, .order_offset = {0, 1, 3, 3}, .order_instrument = {2, 1, 1},
        .order_lots = {1, -1, 4}, .order_limit = {10, 20, 30},
    };
    b->columns = (mc_book_columns){
        .n_accounts = 3, .n_instruments = 4, .offset = b->offset, .instrument = b->instrument,
        .lots = b->lots, .cash = b->cash, .mode = b->mode, .owner = b->owner, .n_owners = 2,
        .order_offset = b->order_offset, .order_instrument = b->order_instrument,
        .order_lots = b->order_lots, .order_limit = b->order_limit,
    };
}

static void a_book_knows_its_accounts(void)
{
    mc_book *book = NULL;
    make(&small);
    CHECK(mc_book_create(&small.columns, &book, NULL) == MC_OK);
    CHECK(mc_book_accounts(book) == 3);
    mc_book_destroy(book);
    mc_book_destroy(NULL);
}

static void columns_that_may_be_left_out_may(void)
{
    mc_book *book = NULL;
    make(&small);
    small.columns.cash = NULL;
    small.columns.mode = NULL;
    small.columns.owner = NULL;
    small.columns.n_owners = 0;
    small.columns.order_offset = NULL;
    CHECK(mc_book_create(&small.columns, &book, NULL) == MC_OK);
    mc_book_destroy(book);

    static const int64_t nothing[4];
    small.columns.offset = nothing;
    small.columns.instrument = NULL;
    small.columns.lots = NULL;
    CHECK(mc_book_create(&small.columns, &book, NULL) == MC_OK);
    mc_book_destroy(book);
}

typedef struct fault {
    const char *name;
    mc_status status;
    int64_t row;
    void (*spoil)(small_book *b);
} fault;

static void no_accounts(small_book *b) { b->columns.n_accounts = 0; }
static void no_offset(small_book *b) { b->columns.offset = NULL; }
static void no_instrument(small_book *b) { b->columns.instrument = NULL; }
static void no_lots(small_book *b) { b->columns.lots = NULL; }
static void no_order_instrument(small_book *b) { b->columns.order_instrument = NULL; }
static void no_order_lots(small_book *b) { b->columns.order_lots = NULL; }
static void no_order_limit(small_book *b) { b->columns.order_limit = NULL; }
static void start_at_1(small_book *b) { b->offset[0] = 1; }
static void offsets_fall(small_book *b) { b->offset[2] = 1; }
static void order_start_at_1(small_book *b) { b->order_offset[0] = 1; }
static void order_offsets_fall(small_book *b) { b->order_offset[3] = 2; }
static void instrument_too_high(small_book *b) { b->instrument[1] = 4; }
static void instrument_negative(small_book *b) { b->instrument[2] = -1; }
static void instruments_fall(small_book *b) { b->instrument[0] = 3; b->instrument[1] = 2; }
static void instrument_twice(small_book *b) { b->instrument[0] = 3; }
static void order_instrument_too_high(small_book *b) { b->order_instrument[0] = 4; }
static void order_instruments_fall(small_book *b) { b->order_instrument[1] = 2; }
static void lots_nan(small_book *b) { b->lots[1] = NAN; }
static void lots_infinite(small_book *b) { b->lots[1] = INFINITY; }
static void lots_half(small_book *b) { b->lots[2] = 0.5; }
static void lots_two_to_53(small_book *b) { b->lots[2] = -0x1p53; }
static void order_lots_nan(small_book *b) { b->order_lots[2] = NAN; }
static void order_lots_half(small_book *b) { b->order_lots[2] = 1.5; }
static void limit_half(small_book *b) { b->order_limit[1] = 1.5; }
static void limit_infinite(small_book *b) { b->order_limit[1] = -INFINITY; }
static void limit_two_to_53(small_book *b) { b->order_limit[1] = 0x1p53; }
static void cash_two_to_53(small_book *b) { b->cash[1] = INT64_C(1) << 53; }
static void cash_least(small_book *b) { b->cash[2] = INT64_MIN; }
static void mode_unknown(small_book *b) { b->mode[1] = MC_MODE_END; }
static void owner_too_high(small_book *b) { b->owner[2] = 2; }
static void owner_negative(small_book *b) { b->owner[0] = -2; }

static void every_fault_is_named_with_its_row_and_nothing_is_made(void)
{
    static const fault faults[] = {
        {"no accounts", MC_ERR_ARGUMENT, -1, no_accounts},
        {"no offset", MC_ERR_ARGUMENT, -1, no_offset},
        {"no instrument", MC_ERR_ARGUMENT, -1, no_instrument},
        {"no lots", MC_ERR_ARGUMENT, -1, no_lots},
        {"no order instrument", MC_ERR_ARGUMENT, -1, no_order_instrument},
        {"no order lots", MC_ERR_ARGUMENT, -1, no_order_lots},
        {"no order limit", MC_ERR_ARGUMENT, -1, no_order_limit},
        {"offsets start at 1", MC_ERR_ORDER, 0, start_at_1},
        {"offsets fall", MC_ERR_ORDER, 1, offsets_fall},
        {"order offsets start at 1", MC_ERR_ORDER, 0, order_start_at_1},
        {"order offsets fall", MC_ERR_ORDER, 2, order_offsets_fall},
        {"instrument too high", MC_ERR_INSTRUMENT, 1, instrument_too_high},
        {"instrument negative", MC_ERR_INSTRUMENT, 2, instrument_negative},
        {"instruments fall", MC_ERR_ORDER, 1, instruments_fall},
        {"instrument twice", MC_ERR_ORDER, 1, instrument_twice},
        {"order instrument too high", MC_ERR_INSTRUMENT, 0, order_instrument_too_high},
        {"order instruments fall", MC_ERR_ORDER, 2, order_instruments_fall},
        {"lots NaN", MC_ERR_NOT_FINITE, 1, lots_nan},
        {"lots infinite", MC_ERR_NOT_FINITE, 1, lots_infinite},
        {"lots half", MC_ERR_DOMAIN, 2, lots_half},
        {"lots 2^53", MC_ERR_EXACTNESS, 2, lots_two_to_53},
        {"order lots NaN", MC_ERR_NOT_FINITE, 2, order_lots_nan},
        {"order lots half", MC_ERR_DOMAIN, 2, order_lots_half},
        {"limit half", MC_ERR_DOMAIN, 1, limit_half},
        {"limit infinite", MC_ERR_NOT_FINITE, 1, limit_infinite},
        {"limit 2^53", MC_ERR_EXACTNESS, 1, limit_two_to_53},
        {"cash 2^53", MC_ERR_EXACTNESS, 1, cash_two_to_53},
        {"cash least", MC_ERR_EXACTNESS, 2, cash_least},
        {"mode unknown", MC_ERR_ARGUMENT, 1, mode_unknown},
        {"owner too high", MC_ERR_INSTRUMENT, 2, owner_too_high},
        {"owner negative", MC_ERR_INSTRUMENT, 0, owner_negative},
    };
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; ++f) {
        mc_error err = {.row = -7};
        mc_book *book = NULL;
        make(&small);
        faults[f].spoil(&small);
        const mc_status status = mc_book_create(&small.columns, &book, &err);
        if (status != faults[f].status || err.row != faults[f].row || book != NULL) {
            CHECK(!"the fault is named");
            fprintf(stderr, "    %s: %s, row %lld, \"%s\"\n", faults[f].name,
                    mc_status_name(status), (long long)err.row, err.message);
        }
    }
    mc_book *book = NULL;
    make(&small);
    CHECK(mc_book_create(NULL, &book, NULL) == MC_ERR_ARGUMENT && book == NULL);
    CHECK(mc_book_create(&small.columns, NULL, NULL) == MC_ERR_ARGUMENT);
}

static void the_largest_lots_and_cash_below_2_to_the_53_pass(void)
{
    mc_book *book = NULL;
    make(&small);
    small.lots[0] = 0x1p53 - 1;
    small.order_limit[0] = -(0x1p53 - 1);
    small.cash[0] = (INT64_C(1) << 53) - 1;
    small.cash[1] = -(INT64_C(1) << 53) + 1;
    CHECK(mc_book_create(&small.columns, &book, NULL) == MC_OK);
    mc_book_destroy(book);
}

int main(void)
{
    RUN(a_book_knows_its_accounts);
    RUN(columns_that_may_be_left_out_may);
    RUN(every_fault_is_named_with_its_row_and_nothing_is_made);
    RUN(the_largest_lots_and_cash_below_2_to_the_53_pass);
    return REPORT();
}
