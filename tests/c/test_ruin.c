/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <margin_core/ruin.h>

#include "check.h"

/* One instrument; the second scenario is the base. */
static const double CELLS[] = {-3, 0, 2, -1}, WEIGHT[] = {0.5, 0.25, 1, 0.125};
static const int64_t OFFSET[] = {0, 1, 2, 2};
static const int32_t HELD[] = {0, 0};
static const double LOTS[] = {2, -1}; /* P&L -6, 0, 4, -2 and 3, 0, -2, 1 */
static const mc_book_columns BOOK = {.n_accounts = 3, .n_instruments = 1, .offset = OFFSET,
                                     .instrument = HELD, .lots = LOTS};

static mc_status shares(const double *weight, const double *line, size_t n_lines, double *share,
                        double quantum, mc_error *err)
{
    mc_risk_array *risk = NULL;
    mc_book *book = NULL;
    CHECK(mc_risk_array_adopt(CELLS, 1, 4, quantum, &risk, NULL) == MC_OK);
    CHECK(mc_book_create(&BOOK, &book, NULL) == MC_OK);
    const mc_status status =
        mc_shares_below(risk, book, &(mc_range){0, 3, 1}, weight, line, n_lines, share, err);
    mc_book_destroy(book);
    mc_risk_array_destroy(risk);
    return status;
}

static void a_share_is_the_weight_of_the_scenarios_below_the_line(void)
{
    const double line[] = {-1, 0.5, /**/ 0, INFINITY, /**/ 1, -1};
    const double quanta[] = {1.0, 0.0}; /* rounded, and as it is */
    for (int k = 0; k < 2; ++k) {
        double share[6];
        CHECK(shares(WEIGHT, line, 2, share, quanta[k], NULL) == MC_OK);
        CHECK(share[0] == 0.625 && share[1] == 0.875); /* the base is at 0 */
        CHECK(share[2] == 1.0 && share[3] == 1.875);
        CHECK(share[4] == 1.875 && share[5] == 0.0); /* nothing held: 0 in all of them */
    }
}

static void what_makes_no_sense_is_refused_and_writes_nothing(void)
{
    const double line[] = {0, 0, 0}, nan[] = {0, NAN, 0}, negative[] = {1, 1, -1, 1},
                 broken[] = {1, INFINITY, 1, 1};
    double share[15] = {7};
    mc_error err;
    CHECK(shares(negative, line, 1, share, 1.0, &err) == MC_ERR_DOMAIN && err.row == 2);
    CHECK(shares(broken, line, 1, share, 1.0, &err) == MC_ERR_NOT_FINITE && err.row == 1);
    CHECK(shares(WEIGHT, nan, 1, share, 1.0, &err) == MC_ERR_NOT_FINITE && err.row == 1);
    CHECK(shares(NULL, line, 1, share, 1.0, NULL) == MC_ERR_ARGUMENT);
    CHECK(shares(WEIGHT, line, 0, share, 1.0, NULL) == MC_ERR_ARGUMENT);
    CHECK(shares(WEIGHT, line, MC_MAX_LINES + 1, share, 1.0, NULL) == MC_ERR_ARGUMENT);
    CHECK(shares(WEIGHT, line, 1, NULL, 1.0, NULL) == MC_ERR_ARGUMENT);
    CHECK(share[0] == 7);
}

int main(void)
{
    RUN(a_share_is_the_weight_of_the_scenarios_below_the_line);
    RUN(what_makes_no_sense_is_refused_and_writes_nothing);
    return REPORT();
}
