/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "check.h"
#include "preset_world.h"

/* Two terms of one unit, an instrument each; columns 0 and 1 scanned, 2 folds, 3 and 4 compete. */
static const int32_t UNIT[] = {0, 0}, TERM[] = {0, 1}, PAIR[] = {0, 1},
                     COMPETITOR[] = {-1, -1, -1, 0, 0};
static const uint8_t OPTION[] = {1, 0}, FOLDS[] = {0, 0, 1, 0, 0};
static const double VALUE[] = {12, 8, 11, 14, 7, /**/ 3, -5, 1, 2, -1}, BASE[] = {10, 0},
                    MARK[] = {9, 0}, LONG[] = {0.5, 1}, SHORT[] = {2, 1}, RATE[] = {0.5, 0.25},
                    LOTS[] = {2, -3}, WEIGHT[] = {4, -2};
static const mc_charge_rates RATES[] = {{.mm = 0.25, .im = 0.5}};
static const mc_charge CHARGES[] = {
    {.form = MC_CHARGE_SHORT, .segment = MC_PER_TERM, .role = MC_CHARGE_OUTSIDE, .weight = WEIGHT,
     .rates = RATES}};

static const mc_preset_columns PAPER = {
    .size = sizeof PAPER, .n = 2, .n_units = 1, .n_terms = 2, .n_columns = 5, .unit = UNIT,
    .term = TERM, .pair = PAIR, .is_option = OPTION, .value = VALUE, .base = BASE, .mark = MARK,
    .long_factor = LONG, .short_factor = SHORT, .folds = FOLDS, .competitor = COMPETITOR,
    .n_competitors = 1, .compete_rate = RATE, .charges = CHARGES, .n_charges = 1, .mm_factor = 0.5,
    .im_factor = 1,
};

static const int64_t OFFSET[] = {0, 2};
static const int32_t HELD[] = {0, 1};
static const mc_book_columns BOOK = {.n_accounts = 1, .n_instruments = 2, .offset = OFFSET,
                                     .instrument = HELD, .lots = LOTS};

/* 2 of the first: values 24, 16, 22 at half are 12, 8, 11, less 20: -8, -12, -9. -3 of the second:
 * -9, 15, -3. Together -17, 3, -9 - 3. Competing: 0.5 min(28 - 20, 14 - 20) = -3, and
 * 0.25 min(-6, 3) = -1.5. */
static void an_account_needs_what_paper_says(void)
{
    mc_preset *preset = NULL;
    mc_book *book = NULL;
    double equity, options, mm, im, scan, charge_mm, charge_im, core, credit, row[5];
    int32_t worst;
    CHECK(mc_preset_create(&PAPER, &preset, NULL) == MC_OK);
    CHECK(mc_book_create(&BOOK, &book, NULL) == MC_OK);
    const double cash[] = {100}, provision[] = {7};
    const mc_preset_accounts beside = {.cash = cash, .provision_im = provision};
    const mc_preset_standing out = {&equity, &options, &mm, &im, &scan, &charge_mm, &charge_im,
                                    &core, &credit, &worst, row};
    CHECK(mc_preset_sweep(preset, book, &(mc_range){0, 1, 1}, &beside, &out, NULL) == MC_OK);
    CHECK(row[0] == -17 && row[1] == 3 && row[2] == -12 && row[3] == -4.5 && row[4] == -4.5);
    CHECK(core == 17 && worst == 0 && credit == 0 && scan == 17);
    CHECK(charge_mm == 0 && charge_im == 0); /* 8 and 6: nothing is short */
    CHECK(equity == 118 && options == 18 && mm == 8.5 && im == 24);
    mc_book_destroy(book);
    mc_preset_destroy(preset);
}

static double im_of(const mc_preset_columns *columns, const mc_book_columns *held)
{
    mc_preset *preset = NULL;
    mc_book *book = NULL;
    double im = NAN;
    CHECK(mc_preset_create(columns, &preset, NULL) == MC_OK);
    CHECK(mc_book_create(held, &book, NULL) == MC_OK);
    CHECK(mc_preset_sweep(preset, book, &(mc_range){0, 1, 1}, NULL,
                          &(mc_preset_standing){.im = &im}, NULL) == MC_OK);
    mc_book_destroy(book);
    mc_preset_destroy(preset);
    return im;
}

static void a_competitor_that_would_straddle_a_pass_is_moved_to_the_next(void)
{
    static double value[67];
    static int32_t competitor[67];
    mc_preset_columns wide = PAPER;
    for (int z = 0; z < 67; ++z) {
        value[z] = z == 65 ? -100.0 : 10.0;
        competitor[z] = z < 62 ? -1 : 0;
    }
    wide.n = wide.n_terms = 1;
    wide.n_columns = 67;
    wide.value = value;
    wide.competitor = competitor;
    wide.folds = NULL;
    wide.long_factor = wide.short_factor = NULL;
    const int64_t offset[] = {0, 1};
    const mc_book_columns one = {.n_accounts = 1, .n_instruments = 1, .offset = offset,
                                 .instrument = HELD, .lots = LOTS};
    CHECK(im_of(&wide, &one) == 0.5 * 220.0); /* 2 (-100 - 10) at half */
}

static void rules_that_do_nothing_are_the_same_as_none(void)
{
    mc_preset_columns plain = PAPER, neutral = PAPER;
    const double one[] = {1, 1}, cap[] = {INFINITY}, zero[5] = {0};
    plain.long_factor = plain.short_factor = NULL;
    plain.competitor = NULL;
    plain.n_competitors = 0;
    plain.folds = NULL;
    neutral.long_factor = neutral.short_factor = one;
    neutral.folds = NULL;
    neutral.compete_rate = zero;
    neutral.dampener = zero;
    neutral.gain_offset = one;
    neutral.gain_cap = cap;
    CHECK(im_of(&plain, &BOOK) == 5); /* 24 - 20 - 9 */
    neutral.competitor = NULL;
    neutral.n_competitors = 0;
    CHECK(im_of(&neutral, &BOOK) == im_of(&plain, &BOOK));
}

static mc_status refused(const mc_preset_columns *columns, int64_t row)
{
    mc_error err = {0};
    mc_preset *const before = (mc_preset *)&err, *preset = before;
    const mc_status status = mc_preset_create(columns, &preset, &err);
    CHECK(status != MC_OK && preset == before && err.status == status);
    CHECK(err.row == row && err.message[0] != '\0');
    return status;
}

static void a_preset_that_makes_no_sense_is_refused(void)
{
    static preset_world w, v;
    preset_world_make(&w, 3, MC_UNITS_CREDITS);
#define BAD(change, row, expected)                 \
    do {                                           \
        preset_world_make(&v, 3, MC_UNITS_CREDITS); \
        change;                                    \
        CHECK(refused(&v.columns, row) == expected); \
    } while (0)
    BAD(v.columns.size = 1, -1, MC_ERR_ARGUMENT);
    BAD(v.columns.value = NULL, -1, MC_ERR_ARGUMENT);
    BAD(v.unit[5] = 3, 5, MC_ERR_INSTRUMENT);
    BAD(v.term[5] = -1, 5, MC_ERR_INSTRUMENT);
    BAD(v.term[9] = 0, 9, MC_ERR_ORDER);
    BAD(v.value[7] = NAN, 7, MC_ERR_NOT_FINITE);
    BAD(v.value[7] = INFINITY, 7, MC_ERR_DOMAIN);
    BAD(v.weight[2] = -1.0, 2, MC_ERR_DOMAIN);
    BAD(v.long_factor[1] = 1e10, 1, MC_ERR_DOMAIN);
    BAD(v.gain_offset[0] = 1.5, 0, MC_ERR_DOMAIN);
    BAD(v.competitor[69] = 2, 69, MC_ERR_INSTRUMENT);
    BAD(v.competitor[66] = 1, 66, MC_ERR_ORDER);
    BAD(v.columns.n_competitors = 3, -1, MC_ERR_ARGUMENT);
    BAD(v.charges[1].form = MC_CHARGE_FORM_END, 1, MC_ERR_ARGUMENT);
    BAD(v.charges[3].level = v.level, 3, MC_ERR_ARGUMENT);
    BAD(v.charges[4].n_levels = 30, -1, MC_ERR_ARGUMENT); /* 60 sums */
    BAD(v.level[2] = 2, 2, MC_ERR_INSTRUMENT);
    BAD(v.rates[1].multiplier[0] = -1.0, 1, MC_ERR_DOMAIN);
    BAD(v.spreads[1].against = 2, 1, MC_ERR_INSTRUMENT);
    BAD(v.credits[0].ratio[1] = 0.0, 0, MC_ERR_DOMAIN);
    BAD(v.columns.delta = NULL, -1, MC_ERR_ARGUMENT);
    BAD(v.columns.mm_factor = -1.0, 0, MC_ERR_DOMAIN);
#undef BAD
    CHECK(mc_preset_create(&w.columns, NULL, NULL) == MC_ERR_ARGUMENT);
}

static void a_sweep_that_cannot_be_is_refused_and_writes_nothing(void)
{
    mc_preset *preset = NULL;
    mc_book *book = NULL, *ordered = NULL;
    mc_error err;
    double im = 7, cash[] = {NAN};
    const double huge[] = {1e99, 1e99};
    mc_book_columns much = BOOK, orders = BOOK;
    much.lots = huge;
    much.fractional = 1;
    orders.order_offset = OFFSET;
    orders.order_instrument = HELD;
    orders.order_lots = orders.order_limit = LOTS;
    const mc_preset_standing out = {.im = &im};
    const mc_range all = {0, 1, 1}, beyond = {1, 1, 1};
    CHECK(mc_preset_create(&PAPER, &preset, NULL) == MC_OK);
    CHECK(mc_book_create(&much, &book, NULL) == MC_OK);
    CHECK(mc_preset_sweep(preset, book, &all, NULL, &out, &err) == MC_ERR_DOMAIN && err.row == 0);
    CHECK(mc_preset_sweep(preset, book, &beyond, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_preset_sweep(NULL, book, &all, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    mc_book_destroy(book);
    CHECK(mc_book_create(&BOOK, &book, NULL) == MC_OK);
    CHECK(mc_preset_sweep(preset, book, &all, &(mc_preset_accounts){.cash = cash}, &out, &err)
          == MC_ERR_NOT_FINITE && err.row == 0);
    CHECK(mc_book_create(&orders, &ordered, NULL) == MC_OK);
    CHECK(mc_preset_sweep(preset, ordered, &all, NULL, &out, NULL) == MC_ERR_ARGUMENT);
    CHECK(im == 7);
    mc_book_destroy(book);
    mc_book_destroy(ordered);
    mc_preset_destroy(preset);
}

static void a_book_of_fractions_is_for_presets_alone(void)
{
    const double halves[] = {0.5, -1.5};
    mc_book_columns columns = BOOK;
    mc_book *book = NULL;
    columns.lots = halves;
    CHECK(mc_book_create(&columns, &book, NULL) == MC_ERR_DOMAIN && book == NULL);
    columns.fractional = 1;
    CHECK(im_of(&PAPER, &columns) > 0.0);
}

static void nothing_held_needs_nothing(void)
{
    const int64_t offset[] = {0, 0};
    mc_book_columns empty = BOOK;
    empty.offset = offset;
    CHECK(im_of(&PAPER, &empty) == 0.0);
    mc_preset_destroy(NULL);
}

int main(void)
{
    RUN(an_account_needs_what_paper_says);
    RUN(a_competitor_that_would_straddle_a_pass_is_moved_to_the_next);
    RUN(rules_that_do_nothing_are_the_same_as_none);
    RUN(a_preset_that_makes_no_sense_is_refused);
    RUN(a_sweep_that_cannot_be_is_refused_and_writes_nothing);
    RUN(a_book_of_fractions_is_for_presets_alone);
    RUN(nothing_held_needs_nothing);
    return REPORT();
}
