/* What is a call worth, and how does it move? A month, 60 % volatility, 5 % above the forward. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/margin_core.h>
#include <stdio.h>

int main(void)
{
    const double forward = 100000, strike = 105000, years = 30.0 / 365, vol = 0.6, discount = 1;
    const uint8_t is_call = 1;
    const mc_option_rows rows = {{&forward, 0}, {&strike, 0}, {&years, 0}, {&vol, 0},
                                 {&discount, 0}, &is_call, 0, .n = 1};
    double price, delta, vega;
    mc_error err;
    if (mc_black76(&rows, &(mc_greeks){.price = &price, .delta = &delta, .vega = &vega}, 1, &err))
        return fprintf(stderr, "%s\n", err.message), 1;
    printf("price %.2f USD, delta %.4f, vega %.2f USD a point\n", price, delta, vega / 100);
}
