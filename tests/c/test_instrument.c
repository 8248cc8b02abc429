/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/instrument.h>
#include <margin_core/market.h>

#include "check.h"
#include "world.h"

static paper world;

/* One fault: `spoil` makes it, and the check must name the code and the row. */
typedef struct fault {
    const char *name;
    mc_status status;
    int64_t row;
    void (*spoil)(paper *w);
} fault;

static void no_columns(paper *w) { w->instruments.n = 0; }
static void no_unit(paper *w) { w->instruments.unit = NULL; }
static void no_term(paper *w) { w->instruments.term = NULL; }
static void no_kind(paper *w) { w->instruments.kind = NULL; }
static void no_strike(paper *w) { w->instruments.strike = NULL; }
static void no_size(paper *w) { w->instruments.contract_size = NULL; }
static void no_step(paper *w) { w->instruments.step = NULL; }
static void unknown_kind(paper *w) { w->kind[2] = MC_KIND_END; }
static void unit_too_high(paper *w) { w->unit[5] = 2; }
static void unit_negative(paper *w) { w->unit[0] = -1; }
static void term_too_high(paper *w) { w->term[5] = 5; }
static void term_negative(paper *w) { w->term[0] = -1; }
static void unit_falls(paper *w) { w->unit[0] = 1; }
static void term_falls(paper *w) { w->term[1] = 3; }
static void term_in_two_units(paper *w) { w->term[5] = 3; }
static void strikes_fall(paper *w) { w->strike[4] = 90; }
static void kinds_fall(paper *w) { w->kind[3] = MC_PUT; w->kind[4] = MC_CALL; }
static void strike_is_nan(paper *w) { w->strike[3] = NAN; }
static void strike_negative(paper *w) { w->strike[3] = -1; }
static void option_without_strike(paper *w) { w->strike[3] = 0; }
static void future_with_strike(paper *w) { w->strike[2] = 1; }
static void size_zero(paper *w) { w->size[1] = 0; }
static void size_infinite(paper *w) { w->size[1] = INFINITY; }
static void step_zero(paper *w) { w->step[4] = 0; }
static void step_nan(paper *w) { w->step[4] = NAN; }

static void every_fault_of_the_instruments_is_named_with_its_row(void)
{
    static const fault faults[] = {
        {"no instruments", MC_ERR_ARGUMENT, -1, no_columns},
        {"no unit", MC_ERR_ARGUMENT, -1, no_unit},
        {"no term", MC_ERR_ARGUMENT, -1, no_term},
        {"no kind", MC_ERR_ARGUMENT, -1, no_kind},
        {"no strike", MC_ERR_ARGUMENT, -1, no_strike},
        {"no size", MC_ERR_ARGUMENT, -1, no_size},
        {"no step", MC_ERR_ARGUMENT, -1, no_step},
        {"unknown kind", MC_ERR_ARGUMENT, 2, unknown_kind},
        {"unit too high", MC_ERR_INSTRUMENT, 5, unit_too_high},
        {"unit negative", MC_ERR_INSTRUMENT, 0, unit_negative},
        {"term too high", MC_ERR_INSTRUMENT, 5, term_too_high},
        {"term negative", MC_ERR_INSTRUMENT, 0, term_negative},
        {"unit falls", MC_ERR_ORDER, 1, unit_falls},
        {"term falls", MC_ERR_ORDER, 2, term_falls},
        {"a term in two units", MC_ERR_ORDER, 5, term_in_two_units},
        {"strikes fall", MC_ERR_ORDER, 4, strikes_fall},
        {"kinds fall", MC_ERR_ORDER, 4, kinds_fall},
        {"strike NaN", MC_ERR_NOT_FINITE, 3, strike_is_nan},
        {"strike negative", MC_ERR_DOMAIN, 3, strike_negative},
        {"option without strike", MC_ERR_DOMAIN, 3, option_without_strike},
        {"future with strike", MC_ERR_DOMAIN, 2, future_with_strike},
        {"size zero", MC_ERR_DOMAIN, 1, size_zero},
        {"size infinite", MC_ERR_NOT_FINITE, 1, size_infinite},
        {"step zero", MC_ERR_DOMAIN, 4, step_zero},
        {"step NaN", MC_ERR_NOT_FINITE, 4, step_nan},
    };
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; ++f) {
        mc_error err = {.row = -7};
        paper_make(&world);
        faults[f].spoil(&world);
        const mc_status status = mc_instruments_check(&world.instruments, &err);
        if (status != faults[f].status || err.status != status || err.row != faults[f].row
            || err.message[0] == '\0') {
            CHECK(!"the fault is named");
            fprintf(stderr, "    %s: %s, row %lld, \"%s\"\n", faults[f].name,
                    mc_status_name(status), (long long)err.row, err.message);
        }
        CHECK(mc_instruments_check(&world.instruments, NULL) == faults[f].status);
    }
    CHECK(mc_instruments_check(NULL, NULL) == MC_ERR_ARGUMENT);
}

static void good_columns_pass_and_leave_the_error_alone(void)
{
    mc_error err = {.status = MC_STATUS_END, .row = 77, .message = "as it was"};
    paper_make(&world);
    CHECK(mc_instruments_check(&world.instruments, &err) == MC_OK);
    world.instruments.inverse = NULL;
    CHECK(mc_instruments_check(&world.instruments, &err) == MC_OK);
    CHECK(mc_market_check(&world.instruments, &world.market, &err) == MC_OK);
    world.market.confidence_frac = NULL;
    CHECK(mc_market_check(&world.instruments, &world.market, &err) == MC_OK);
    CHECK(err.status == MC_STATUS_END && err.row == 77 && strcmp(err.message, "as it was") == 0);
}

static void no_index(paper *w) { w->market.index_usd = NULL; }
static void no_years(paper *w) { w->market.years = NULL; }
static void no_forward(paper *w) { w->market.forward_usd = NULL; }
static void no_vol(paper *w) { w->market.vol = NULL; }
static void no_mark(paper *w) { w->market.mark_usd = NULL; }
static void index_zero(paper *w) { w->index[1] = 0; }
static void index_nan(paper *w) { w->index[1] = NAN; }
static void confidence_negative(paper *w) { w->confidence[1] = -0.1; }
static void confidence_nan(paper *w) { w->confidence[0] = NAN; }
static void years_negative(paper *w) { w->years[3] = -1; }
static void forward_zero(paper *w) { w->forward[2] = 0; }
static void forward_infinite(paper *w) { w->forward[2] = INFINITY; }
static void vol_negative(paper *w) { w->vol[4] = -0.01; }
static void vol_nan(paper *w) { w->vol[4] = NAN; }
static void mark_infinite(paper *w) { w->mark[5] = -INFINITY; }
static const double discounts[PAPER_N] = {1, 1, 1, 0, 1, 1};
static void discount_zero(paper *w) { w->market.discount = discounts; }

static void every_fault_of_the_market_is_named_with_its_row(void)
{
    static const fault faults[] = {
        {"no index", MC_ERR_ARGUMENT, -1, no_index},
        {"no years", MC_ERR_ARGUMENT, -1, no_years},
        {"no forward", MC_ERR_ARGUMENT, -1, no_forward},
        {"no vol", MC_ERR_ARGUMENT, -1, no_vol},
        {"no mark", MC_ERR_ARGUMENT, -1, no_mark},
        {"index zero", MC_ERR_DOMAIN, 1, index_zero},
        {"index NaN", MC_ERR_NOT_FINITE, 1, index_nan},
        {"confidence negative", MC_ERR_DOMAIN, 1, confidence_negative},
        {"confidence NaN", MC_ERR_NOT_FINITE, 0, confidence_nan},
        {"years negative", MC_ERR_DOMAIN, 3, years_negative},
        {"forward zero", MC_ERR_DOMAIN, 2, forward_zero},
        {"forward infinite", MC_ERR_NOT_FINITE, 2, forward_infinite},
        {"vol negative", MC_ERR_DOMAIN, 4, vol_negative},
        {"vol NaN", MC_ERR_NOT_FINITE, 4, vol_nan},
        {"mark infinite", MC_ERR_NOT_FINITE, 5, mark_infinite},
        {"discount zero", MC_ERR_DOMAIN, 3, discount_zero},
    };
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; ++f) {
        mc_error err = {.row = -7};
        paper_make(&world);
        faults[f].spoil(&world);
        const mc_status status = mc_market_check(&world.instruments, &world.market, &err);
        if (status != faults[f].status || err.row != faults[f].row) {
            CHECK(!"the fault is named");
            fprintf(stderr, "    %s: %s, row %lld, \"%s\"\n", faults[f].name,
                    mc_status_name(status), (long long)err.row, err.message);
        }
    }
    paper_make(&world);
    CHECK(mc_market_check(&world.instruments, NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_market_check(NULL, &world.market, NULL) == MC_ERR_ARGUMENT);
}

int main(void)
{
    RUN(every_fault_of_the_instruments_is_named_with_its_row);
    RUN(good_columns_pass_and_leave_the_error_alone);
    RUN(every_fault_of_the_market_is_named_with_its_row);
    return REPORT();
}
