/* Linked with --wrap=mc_alloc: every allocation of the library passes through here, is counted,
 * and fails when it is told to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin_core.h>

#include "check.h"
#include "bars.h"
#include "preset_world.h"
#include "world.h"

void *__real_mc_alloc(size_t count, size_t size);
void *__wrap_mc_alloc(size_t count, size_t size);

static int allocations, fails_at = -1; /* the allocation that fails, from 0; -1: none */

void *__wrap_mc_alloc(size_t count, size_t size)
{
    return allocations++ == fails_at ? NULL : __real_mc_alloc(count, size);
}

static random_world world;
static random_book accounts;
static mc_risk_array *risk;
static mc_margin *margin;
static mc_book *book;

static mc_status make_risk(void **out, mc_error *err)
{
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    return mc_risk_array_create(&world.instruments, &world.market, &world.scenarios, world.lot,
                                &options, (mc_risk_array **)out, err);
}

static mc_status make_adopted(void **out, mc_error *err)
{
    static const double cells[12];
    return mc_risk_array_adopt(cells, 3, 4, 1.0, (mc_risk_array **)out, err);
}

static mc_status make_book(void **out, mc_error *err)
{
    return mc_book_create(&accounts.columns, (mc_book **)out, err);
}

static mc_status make_margin(void **out, mc_error *err)
{
    return mc_margin_create(risk, &world.instruments, &world.market, &world.model,
                            (mc_margin **)out, err);
}

static mc_status make_preset(void **out, mc_error *err)
{
    static preset_world venue;
    preset_world_make(&venue, 5, MC_UNITS_CREDITS);
    return mc_preset_create(&venue.columns, (mc_preset **)out, err);
}

static void free_risk(void *made) { mc_risk_array_destroy(made); }
static void free_book(void *made) { mc_book_destroy(made); }
static void free_margin(void *made) { mc_margin_destroy(made); }
static void free_preset(void *made) { mc_preset_destroy(made); }

/* Fails the first allocation, the second, ... until none is left to fail. What leaks is found by
 * the address sanitizer. */
static void check_create(mc_status (*make)(void **, mc_error *), void (*destroy)(void *))
{
    for (fails_at = 0; fails_at < 1000; ++fails_at) {
        void *made = &world;
        mc_error err = {.status = MC_OK};
        allocations = 0;
        const mc_status status = make(&made, &err);
        if (status == MC_OK) {
            CHECK(allocations <= fails_at && fails_at > 0);
            destroy(made);
            break;
        }
        CHECK(status == MC_ERR_MEMORY && err.status == MC_ERR_MEMORY && err.row == -1);
        CHECK(made == &world && err.message[0] != '\0');
    }
    CHECK(fails_at < 1000);
    fails_at = -1;
}

static void a_create_that_runs_out_of_memory_says_so_and_makes_nothing(void)
{
    check_create(make_risk, free_risk);
    check_create(make_adopted, free_risk);
    check_create(make_book, free_book);
    check_create(make_margin, free_margin);
    check_create(make_preset, free_preset);
}

static void a_sweep_that_runs_out_of_memory_writes_nothing(void)
{
    const size_t n = mc_book_accounts(book);
    int64_t *const mm = calloc(n, sizeof *mm), *const order = calloc(n, sizeof *order);
    int64_t market[2 * R_UNITS] = {7}, owners[2 * R_UNITS * BOOK_OWNERS] = {7};
    for (fails_at = 0; fails_at < 2; ++fails_at) {
        allocations = 0;
        CHECK(mc_rank(mm, mm, n, order, NULL) == MC_ERR_MEMORY && order[1] == 0);
    }
    fails_at = allocations = 0;
    CHECK(mc_sweep(margin, book, &(mc_range){0, n, 1}, NULL, NULL, &(mc_standing){.mm = mm}, NULL)
          == MC_ERR_MEMORY && mm[0] == 0);
    allocations = 0;
    CHECK(mc_exposure(margin, book, 1, market, owners, NULL) == MC_ERR_MEMORY);
    CHECK(market[0] == 7 && owners[0] == 7);
    fails_at = -1;
    free(mm);
    free(order);
}

static void liquidation_prices_that_run_out_of_memory_write_nothing(void)
{
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    const mc_margin_inputs inputs = {&world.instruments, &world.market, &world.scenarios,
                                     world.lot, &options, &world.model, NULL, NULL};
    const mc_price_search search = {sizeof search, 0, 100.0, -0.5, 1.0, 3};
    const size_t counts[] = {1, 40}; /* an account alone, and tables of the whole market */
    for (int k = 0; k < 2; ++k) {
        int64_t below[40] = {-7}, above[40] = {-7};
        uint8_t found[40] = {77};
        int needed = 0;
        for (mc_status status = MC_ERR_MEMORY; status != MC_OK && needed < 100000; ++needed) {
            fails_at = needed;
            allocations = 0;
            status = mc_liquidation_prices(&inputs, book, &(mc_range){0, counts[k], 1}, &search,
                                           NULL, below, above, found, NULL);
            CHECK(status == MC_OK || status == MC_ERR_MEMORY);
            CHECK((status == MC_OK) == (found[0] != 77) && (status == MC_OK) == (below[0] != -7));
        }
        CHECK(needed > 5);
    }
    fails_at = -1;
}

static void volatility_and_thresholds_allocate_nothing(void)
{
    static made_bars made;
    static double out[BARS * SERIES];
    static mc_threshold_state units[SERIES];
    make_bars(&made, 480001, 7);
    allocations = 0;
    for (int32_t kind = 0; kind < MC_VOL_KIND_END; ++kind) {
        const mc_vol_options options = vol_options(kind, 24);
        const mc_bars bars = some_bars(&made, 0, BARS);
        mc_vol_state state = {.n_series = SERIES};
        state.memory = calloc(mc_vol_memory(&options) * SERIES, sizeof(double));
        CHECK(mc_vol_update(&options, &bars, &state, out, NULL, NULL) == MC_OK);
        free(state.memory);
    }
    const mc_threshold_model model = threshold_model();
    const mc_prices prices = {.n_steps = BARS, .n_units = SERIES, .time_ns = made.end_ns,
                              .price_usd = made.close, .present = made.present};
    CHECK(mc_threshold_update(&model, &prices, units, out, 2, NULL) == MC_OK);
    CHECK(allocations == 0);
}

static void a_preset_sweep_needs_memory_for_its_threads_alone(void)
{
    mc_preset *preset = NULL;
    preset_book held;
    mc_book *of_fractions = NULL;
    double im[3000] = {7};
    int needed = 0;
    preset_book_make(&held, 6, 3000);
    CHECK(make_preset((void **)&preset, NULL) == MC_OK);
    CHECK(mc_book_create(&held.columns, &of_fractions, NULL) == MC_OK);
    const mc_preset_standing out = {.im = im};
    for (mc_status status = MC_ERR_MEMORY; status != MC_OK && needed < 50; ++needed) {
        fails_at = needed;
        allocations = 0;
        status = mc_preset_sweep(preset, of_fractions, &(mc_range){0, 3000, 2}, NULL, &out, NULL);
        CHECK(status == MC_OK || (status == MC_ERR_MEMORY && im[0] == 7));
    }
    CHECK(needed > 2 && needed < 20);
    fails_at = -1;
    mc_book_destroy(of_fractions);
    mc_preset_destroy(preset);
    preset_book_free(&held);
}

/* Account 0 owes account 1 more than it has, is closed, and account 1 is cut. */
static void clear_a_loss(void)
{
    static const int64_t winner[] = {1};
    int64_t cash[] = {5, 0}, pnl[] = {-9, 9};
    mc_receipt journal[2];
    size_t done;
    mc_ledger ledger = {.n_accounts = 2, .cash = cash, .pnl = pnl, .total = 5, .journal = journal,
                        .n_journal = 2, .waterfall = {.adl = MC_ADL_PRO_RATA}};
    const mc_event events[] = {
        {.id = 1, .kind = MC_EVENT_LIQUIDATION, .counterparty = -1, .pnl = -9},
        {.id = 2, .kind = MC_EVENT_ADL, .count = 1},
    };
    CHECK(mc_ledger_check(&ledger, NULL) == MC_OK);
    CHECK(mc_ledger_apply(&ledger, events, 2, winner, 1, NULL, NULL, &done, NULL) == MC_OK);
    CHECK(pnl[1] == 5 && mc_ledger_residual(&ledger) == 0);
}

static void plans_that_run_out_of_memory_leave_the_depth_alone(void)
{
    const size_t n = mc_book_accounts(book);
    int64_t *const equity = calloc(n, sizeof *equity), *const mm = calloc(n, sizeof *mm);
    double taken[2 * R_N] = {0}, move[2 * R_UNITS] = {7};
    const int64_t offset[2 * R_N + 1] = {0}, one[] = {0};
    const mc_depth depth = {.n_instruments = R_N, .offset = offset, .taken = taken};
    mc_trade trades[BOOK_POSITIONS];
    mc_plan plan = {.rounds = 77};
    size_t done = 9;
    for (fails_at = 0; fails_at < 3; ++fails_at) {
        allocations = 0;
        CHECK(mc_plan_accounts(margin, book, NULL, NULL, one, 1,
                               &(mc_plan_rules)MC_PLAN_RULES_INIT, &depth, trades, BOOK_POSITIONS,
                               &plan, &done, NULL) == MC_ERR_MEMORY);
        CHECK(plan.rounds == 77 && done == 9);
    }
    fails_at = allocations = 0;
    CHECK(mc_next_thresholds(margin, risk, book, equity, mm, 1, move, NULL) == MC_ERR_MEMORY);
    CHECK(move[0] == 7);
    fails_at = -1;
    allocations = 0;
    CHECK(mc_plan_accounts(margin, book, NULL, NULL, one, 1, &(mc_plan_rules)MC_PLAN_RULES_INIT,
                           &depth, trades, BOOK_POSITIONS, &plan, &done, NULL) == MC_OK);
    CHECK(allocations == 3); /* however many accounts there are */
    free(equity);
    free(mm);
}

static void hot_calls_allocate_nothing_that_grows_with_the_book(void)
{
    const size_t n = mc_book_accounts(book);
    double *const pnl = calloc(n, sizeof *pnl);
    int64_t *const mm = calloc(n, sizeof *mm), *const order = calloc(n, sizeof *order);
    int64_t market[2 * R_UNITS], owners[2 * R_UNITS * BOOK_OWNERS];
    mc_margin_rates rates;
    size_t base;
    allocations = 0;
    CHECK(mc_instruments_check(&world.instruments, NULL) == MC_OK);
    CHECK(mc_market_check(&world.instruments, &world.market, NULL) == MC_OK);
    CHECK(mc_scenarios_check(&world.scenarios, &base, NULL) == MC_OK);
    CHECK(mc_risk_lots(&world.instruments, &world.market, world.range, 1e-6, world.lot, NULL)
          == MC_OK);
    CHECK(mc_scan(risk, book, &(mc_range){0, n, 2}, pnl, NULL, NULL) == MC_OK);
    CHECK(mc_margin_rates_of(margin, 0, &rates, NULL) == MC_OK);
    CHECK(allocations == 0);
    clear_a_loss();
    CHECK(allocations == 0);
    CHECK(mc_sweep(margin, book, &(mc_range){0, n, 2}, NULL, NULL, &(mc_standing){.mm = mm}, NULL)
          == MC_OK);
    CHECK(allocations == 1); /* the threads' scratch, in one piece */
    CHECK(mc_exposure(margin, book, 2, market, owners, NULL) == MC_OK);
    CHECK(allocations <= 3);
    const int before = allocations;
    CHECK(mc_rank(mm, mm, n, order, NULL) == MC_OK);
    CHECK(allocations - before == 2);
    free(pnl);
    free(mm);
    free(order);
}

int main(void)
{
    random_world_make(&world, 5, 17);
    random_book_make(&accounts, 6, 3000);
    for (int i = 0; i < R_N; ++i)
        world.lot[i] = 0.1;
    CHECK(make_risk((void **)&risk, NULL) == MC_OK);
    CHECK(make_margin((void **)&margin, NULL) == MC_OK);
    CHECK(make_book((void **)&book, NULL) == MC_OK);

    RUN(a_create_that_runs_out_of_memory_says_so_and_makes_nothing);
    RUN(a_sweep_that_runs_out_of_memory_writes_nothing);
    RUN(liquidation_prices_that_run_out_of_memory_write_nothing);
    RUN(a_preset_sweep_needs_memory_for_its_threads_alone);
    RUN(volatility_and_thresholds_allocate_nothing);
    RUN(plans_that_run_out_of_memory_leave_the_depth_alone);
    RUN(hot_calls_allocate_nothing_that_grows_with_the_book);

    mc_book_destroy(book);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
    random_book_free(&accounts);
    random_world_free(&world);
    return REPORT();
}
