/* What must one account hold? It is long a perpetual and has sold a call against it: a small risk
 * array of three worlds, a margin model of one unit, and the requirement.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin_core.h>
#include <stdio.h>

#define TRY(call) if (call) { fprintf(stderr, "%s\n", err.message); return 1; }

int main(void)
{
    mc_error err;

    /* One unit, bitcoin; two terms, the perpetual's and the option's; an instrument in each. */
    const mc_instruments instruments = {
        .n = 2, .n_units = 1, .n_terms = 2,
        .unit = (int32_t[]){0, 0}, .term = (int32_t[]){0, 1},
        .kind = (uint8_t[]){MC_PERPETUAL, MC_CALL}, .strike = (double[]){0, 105000},
        .contract_size = (double[]){1, 1}, .step = (double[]){0.001, 0.1}};
    const mc_market market = {
        .index_usd = (double[]){100000}, .years = (double[]){0, 30.0 / 365},
        .forward_usd = (double[]){100010, 100400}, .vol = (double[]){0, 0.6},
        .mark_usd = (double[]){100010, 4900}};
    const mc_scenarios worlds = { /* nothing; down 15 % and wilder; up 15 % and calmer */
        .n_terms = 2, .n_scenarios = 3, .spot_move = (double[]){0, -0.15, 0.15, 0, -0.15, 0.15},
        .vol_scale = (double[]){1, 1, 1, 1, 1.3, 0.9}};
    const mc_unit_margin unit = {
        .roll_min_frac = 0.002, .short_option_mm_frac = 0.01, .short_option_im_frac = 0.02,
        .close_frac = 0.001, .n_tiers = 1, .tiers = {{0, 0.05, 0.1}}};
    const mc_margin_model model = {
        .size = sizeof model, .n_units = 1, .units = &unit, .n_groups = 1,
        .lambda_k = (int32_t[]){0}, .mm_factor_k = 1024, .im_factor_k = 1331, /* IM: 1.3 times */
        .vega_edge_years = {0.1, 0.25, 1}};

    double lot[2];
    const mc_risk_options options = MC_RISK_OPTIONS_INIT;
    mc_risk_array *risk;
    mc_margin *margin;
    TRY(mc_risk_lots(&instruments, &market, (double[]){0.15}, options.quantum, lot, &err))
    TRY(mc_risk_array_create(&instruments, &market, &worlds, lot, &options, &risk, &err))
    TRY(mc_margin_create(risk, &instruments, &market, &model, &margin, &err))

    /* 2 perpetuals and -1 call, counted in risk lots. What the perpetuals cost is a debt: cash is
     * counted in quanta of 1e-6 USD, here 30,000 USD of collateral. */
    const mc_book_columns account = {
        .n_accounts = 1, .n_instruments = 2, .offset = (int64_t[]){0, 2},
        .instrument = (int32_t[]){0, 1}, .lots = (double[]){2 / lot[0], -1 / lot[1]},
        .cash = (int64_t[]){INT64_C(30000000000) - 2 * INT64_C(100010000000)}};
    mc_book *book;
    int64_t equity, mm, im;
    int32_t worst;
    TRY(mc_book_create(&account, &book, &err))
    TRY(mc_sweep(margin, book, &(mc_range){.count = 1, .n_threads = 1}, NULL, NULL,
                 &(mc_standing){.equity = &equity, .mm = &mm, .im = &im, .joint_scenario = &worst},
                 &err))
    printf("equity %.2f USD, maintenance %.2f, initial %.2f, worst scenario %d\n",
           equity * 1e-6, mm * 1e-6, im * 1e-6, worst);

    mc_book_destroy(book);
    mc_margin_destroy(margin);
    mc_risk_array_destroy(risk);
}
