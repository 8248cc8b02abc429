/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin_core.h>

#include "base/threads.h"
#include "check.h"
#include "world.h"

/* More than two blocks of accounts, so that threads share them, and a remainder. */
enum { ACCOUNTS = 2 * 2048 + 77, BLOCKS = 1000 };

typedef struct ran {
    unsigned char times[BLOCKS], thread[BLOCKS];
} ran;

static void note(void *context, size_t block, unsigned thread)
{
    ran *r = context;
    ++r->times[block];
    r->thread[block] = (unsigned char)thread;
}

static void every_block_runs_once_on_a_thread_of_the_team(void)
{
    for (unsigned threads = 1; threads <= 64; threads = threads * 2 + 1) {
        ran r = {{0}, {0}};
        mc_parallel(BLOCKS, threads, note, &r);
        for (int b = 0; b < BLOCKS; ++b)
            CHECK(r.times[b] == 1 && r.thread[b] < threads);
    }
    ran none = {{0}, {0}};
    mc_parallel(0, 1, note, &none);
    CHECK(none.times[0] == 0);
}

static void the_number_of_threads_is_at_least_1_and_at_most_the_blocks(void)
{
    CHECK(mc_thread_count(0, 1000) >= 1);
    CHECK(mc_thread_count(5, 0) == 1 && mc_thread_count(5, 3) == 3 && mc_thread_count(5, 9) == 5);
    CHECK(mc_thread_count(100000, 100000) <= 256);
}

typedef struct bed {
    random_world world;
    random_book accounts;
    mc_risk_array *risk;
    mc_margin *margin;
    mc_book *book;
    int64_t market[2 * R_UNITS], owners[2 * R_UNITS * BOOK_OWNERS];
} bed;

static void bed_make(bed *b, size_t n_scenarios, size_t n_accounts)
{
    random_world_make(&b->world, 71, n_scenarios);
    random_book_make(&b->accounts, 72, n_accounts);
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    for (int i = 0; i < R_N; ++i)
        b->world.lot[i] = 0.1;
    b->risk = NULL;
    b->margin = NULL;
    b->book = NULL;
    CHECK(mc_risk_array_create(&b->world.instruments, &b->world.market, &b->world.scenarios,
                               b->world.lot, &options, &b->risk, NULL) == MC_OK);
    CHECK(mc_margin_create(b->risk, &b->world.instruments, &b->world.market, &b->world.model,
                           &b->margin, NULL) == MC_OK);
    CHECK(mc_book_create(&b->accounts.columns, &b->book, NULL) == MC_OK);
    CHECK(mc_exposure(b->margin, b->book, 1, b->market, b->owners, NULL) == MC_OK);
}

static void bed_free(bed *b)
{
    mc_book_destroy(b->book);
    mc_margin_destroy(b->margin);
    mc_risk_array_destroy(b->risk);
    random_book_free(&b->accounts);
    random_world_free(&b->world);
}

/* Sweeps and scans everything, and compares with `expected` where that is not NULL. */
static void sweep_like(const bed *b, unsigned threads, whole_standing *expected, double *worst,
                       int32_t *scenario)
{
    const size_t n = mc_book_accounts(b->book);
    whole_standing actual;
    double *const pnl = malloc(n * sizeof *pnl);
    int32_t *const at = malloc(n * sizeof *at);
    int64_t market[2 * R_UNITS], owners[2 * R_UNITS * BOOK_OWNERS];
    whole_standing_make(&actual, n, R_UNITS, R_GROUPS, 0x55);
    CHECK(mc_sweep(b->margin, b->book, &(mc_range){0, n, threads}, b->market, b->owners,
                   &actual.columns, NULL) == MC_OK);
    CHECK(mc_scan(b->risk, b->book, &(mc_range){0, n, threads}, pnl, at, NULL) == MC_OK);
    CHECK(mc_exposure(b->margin, b->book, threads, market, owners, NULL) == MC_OK);
    CHECK(memcmp(market, b->market, sizeof market) == 0);
    CHECK(memcmp(owners, b->owners, sizeof owners) == 0);
    if (expected->memory == NULL) {
        *expected = actual;
        memcpy(worst, pnl, n * sizeof *pnl);
        memcpy(scenario, at, n * sizeof *at);
    } else {
        CHECK(memcmp(actual.memory, expected->memory, actual.bytes) == 0);
        CHECK(memcmp(pnl, worst, n * sizeof *pnl) == 0);
        CHECK(memcmp(at, scenario, n * sizeof *at) == 0);
        free(actual.memory);
    }
    free(pnl);
    free(at);
}

static void a_sweep_gives_the_same_bits_on_1_to_64_threads(void)
{
    static double worst[ACCOUNTS];
    static int32_t scenario[ACCOUNTS];
    bed b;
    whole_standing expected = {.memory = NULL};
    bed_make(&b, 33, ACCOUNTS);
    for (unsigned threads = 1; threads <= 64; ++threads)
        sweep_like(&b, threads, &expected, worst, scenario);
    sweep_like(&b, 0, &expected, worst, scenario);
    free(expected.memory);
    bed_free(&b);
}

static void every_copy_of_the_kernels_sweeps_to_the_same_bits_for_every_size(void)
{
    static const size_t sizes[] = {1, 7, 8, 33, 63, 64, 65, 130, 512};
    enum { FEW = 300 };
    static double worst[FEW];
    static int32_t scenario[FEW];
    const char *name, *best = mc_isa();
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; ++k) {
        bed b;
        whole_standing expected = {.memory = NULL};
        bed_make(&b, sizes[k], FEW);
        for (size_t isa = 0; (name = mc_isa_at(isa)) != NULL; ++isa) {
            CHECK(mc_isa_select(name, NULL) == MC_OK);
            sweep_like(&b, 2, &expected, worst, scenario);
        }
        free(expected.memory);
        bed_free(&b);
    }
    CHECK(mc_isa_select(best, NULL) == MC_OK);
}

/* The requirement of an account is its own: a part of the book gives the part of the result. */
static void a_range_gives_the_rows_of_the_whole(void)
{
    enum { FEW = 300, FIRST = 41, COUNT = 97 };
    bed b;
    int64_t whole[FEW], part[COUNT];
    bed_make(&b, 33, FEW);
    CHECK(mc_sweep(b.margin, b.book, &(mc_range){0, FEW, 1}, b.market, b.owners,
                   &(mc_standing){.im = whole}, NULL) == MC_OK);
    CHECK(mc_sweep(b.margin, b.book, &(mc_range){FIRST, COUNT, 1}, b.market, b.owners,
                   &(mc_standing){.im = part}, NULL) == MC_OK);
    CHECK(memcmp(whole + FIRST, part, sizeof part) == 0);
    bed_free(&b);
}

/* 4096 accounts of nearly 2^53 quanta each are 2^65: the total stays at 2^62. */
static void an_exposure_beyond_any_market_stays_at_its_limit(void)
{
    enum { MANY = 4096 };
    static int64_t offset[MANY + 1];
    static int32_t instrument[MANY];
    static double lots[MANY];
    paper w;
    mc_risk_array *risk = NULL;
    mc_margin *margin = NULL;
    mc_book *book = NULL;
    paper_make(&w);
    for (int a = 0; a < MANY; ++a) {
        offset[a + 1] = a + 1;
        instrument[a] = BTC_PERPETUAL;
        lots[a] = 9e7; /* of 1e8 quanta */
    }
    const mc_book_columns columns = {.n_accounts = MANY, .n_instruments = PAPER_N,
                                     .offset = offset, .instrument = instrument, .lots = lots};
    CHECK(paper_risk(&w, &risk, NULL) == MC_OK);
    CHECK(paper_margin(&w, risk, &margin, NULL) == MC_OK);
    CHECK(mc_book_create(&columns, &book, NULL) == MC_OK);
    for (unsigned threads = 1; threads <= 2; ++threads) {
        int64_t market[4];
        CHECK(mc_exposure(margin, book, threads, market, NULL, NULL) == MC_OK);
        CHECK(market[0] == INT64_C(1) << 62 && market[1] == 0);
    }
    mc_book_destroy(book);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
}

int main(void)
{
    RUN(every_block_runs_once_on_a_thread_of_the_team);
    RUN(the_number_of_threads_is_at_least_1_and_at_most_the_blocks);
    RUN(a_sweep_gives_the_same_bits_on_1_to_64_threads);
    RUN(every_copy_of_the_kernels_sweeps_to_the_same_bits_for_every_size);
    RUN(a_range_gives_the_rows_of_the_whole);
    RUN(an_exposure_beyond_any_market_stays_at_its_limit);
    return REPORT();
}
