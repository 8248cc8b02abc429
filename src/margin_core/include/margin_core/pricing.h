/* pricing.h - the value of an option and its derivatives, and the volatility in a price.
 *
 * Every function takes rows as columns. A column has a stride in elements: 1 for an array, 0 for
 * one value that all rows share. Same inputs give the same bits on every processor and for every
 * number of threads.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_PRICING_H
#define MARGIN_CORE_PRICING_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

typedef struct mc_column {
    const double *data;
    size_t stride; /* 1, or 0: data[0] serves every row */
} mc_column;

/* European options on a forward; a view, borrowed for the call. */
typedef struct mc_option_rows {
    mc_column forward;      /* >= 0 under Black-76, any finite under Bachelier            */
    mc_column strike;       /* the same                                                   */
    mc_column years;        /* >= 0, time to expiry in years of 365 days                  */
    mc_column vol;          /* >= 0, per square root of a year: a fraction under Black-76, in
                               price units under Bachelier; ignored by mc_implied_vol     */
    mc_column discount;     /* > 0, value now of 1 paid at expiry; above 1 is legal       */
    const uint8_t *is_call; /* [n] or [1]: 1 a call, 0 a put                              */
    size_t is_call_stride;  /* 1 or 0                                                     */
    size_t n;
} mc_option_rows;

/* Where results go: [n] each, or NULL where not wanted. */
typedef struct mc_greeks {
    double *price; /* discounted                                                          */
    double *delta; /* per 1.00 of the forward                                             */
    double *gamma; /* of delta, per 1.00 of the forward                                   */
    double *vega;  /* per 1.00 of volatility                                              */
    double *theta; /* per calendar day of 1/365 year, forward and rate held               */
    double *rho;   /* per 1.00 of rate, rate = -ln(discount)/years, spot held: the forward
                      moves with the rate                                                 */
    double *vanna; /* d delta / d vol, per 1.00                                           */
    double *volga; /* d vega / d vol, per 1.00                                            */
} mc_greeks;

/* Black-76 price and Greeks. What would overflow is the largest double of its sign.
 *
 * At years = 0, vol = 0, forward = 0 or strike = 0 the limits are returned, with N = 0, 1/2 (at
 * the money) or 1: intrinsic value; delta N times the discount D for a call, (N - 1) D for a put;
 *
 *   years = 0     the other Greeks 0, theta and rho too
 *   otherwise     theta = r price / 365 with r = -ln(D) / years; rho = years D strike N for a
 *                 call, years D strike (N - 1) for a put; the others 0, except
 *   vol = 0 and forward = strike > 0: vega = D forward sqrt(years / 2 pi), vanna =
 *                 D sqrt(years / 8 pi) and volga = 0, the limits along forward = strike; gamma,
 *                 which diverges, is DBL_MAX
 *
 * Errors: MC_ERR_ARGUMENT    a null pointer or a stride other than 0 and 1
 *         MC_ERR_NOT_FINITE  a NaN or infinite input              (err->row)
 *         MC_ERR_DOMAIN      a negative forward, strike, time or volatility, a discount that is
 *                            not positive, an is_call other than 0 and 1 (err->row)
 * On error the outputs are left untouched. Allocates nothing. n_threads 0: one per processor.
 * Source: F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976).
 */
MC_API MC_MUST_CHECK mc_status mc_black76(const mc_option_rows *rows, const mc_greeks *greeks,
                                          unsigned n_threads, mc_error *err);

/* Bachelier (normal) price and Greeks, for prices that can be negative. Errors as mc_black76,
 * except that forward and strike may have any sign. The limits at years = 0 and vol = 0 are those
 * of mc_black76, but at the money vega is D sqrt(years / 2 pi) and vanna 0.
 * Source: L. Bachelier, "Theorie de la speculation" (1900), on the forward.
 */
MC_API MC_MUST_CHECK mc_status mc_bachelier(const mc_option_rows *rows, const mc_greeks *greeks,
                                            unsigned n_threads, mc_error *err);

/* The Black-76 volatility at which an option has this (discounted) price. rows->vol is ignored.
 *
 * A price equal to the intrinsic value gives 0. In-the-money prices go through put-call parity.
 *
 * Errors: as mc_black76, and
 *         MC_ERR_NO_SOLUTION  a price below the intrinsic value, or at or above the limit
 *                             D F (call) or D K (put), or years = 0 with time value (err->row)
 * On error `vol` is left untouched. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_implied_vol(const mc_option_rows *rows, mc_column price,
                                              double *vol, unsigned n_threads, mc_error *err);

MC_END_DECLS

#endif
