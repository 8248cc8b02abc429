/* instrument.h - what can be held: contracts and currencies, as columns.
 *
 * Instruments are numbered by (group, unit, term, strike, kind). A unit is one underlying with
 * everything that hangs on it: its coin, perpetuals, futures and options. A term is a part of a
 * unit that shares a time: its spot, its perpetuals, or one expiry. So a group, a unit, a term
 * and a call/put pair are runs of neighbouring rows, and sums over them need no index.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_INSTRUMENT_H
#define MARGIN_CORE_INSTRUMENT_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

typedef enum mc_kind {
    MC_SPOT = 0, /* a currency or collateral asset: 1.0 is one coin          */
    MC_PERPETUAL = 1,
    MC_FUTURE = 2,
    MC_CALL = 3,
    MC_PUT = 4,
    MC_KIND_END
} mc_kind;

/* A view, borrowed for the call. */
typedef struct mc_instruments {
    size_t n;
    size_t n_units;
    size_t n_terms;
    const int32_t *unit;         /* [n] 0 .. n_units - 1, never falling                        */
    const int32_t *term;         /* [n] 0 .. n_terms - 1, never falling, each in one unit      */
    const uint8_t *kind;         /* [n] mc_kind                                                */
    const uint8_t *inverse;      /* [n] 1: quoted and settled in the unit's coin; NULL: none   */
    const int32_t *factor;       /* [n] row of the event moves it follows, -1 none; NULL: none */
    const double *strike;        /* [n] USD, > 0 for options, 0 otherwise                      */
    const double *contract_size; /* [n] > 0: coins per 1.0 of quantity; USD for an inverse
                                    future or perpetual                                        */
    const double *step;          /* [n] > 0: the smallest change of a quantity                 */
} mc_instruments;

/* Checks every rule above.
 *
 * Errors: MC_ERR_ARGUMENT   a null column, an unknown kind
 *         MC_ERR_ORDER      units, terms, strikes or kinds out of order, or a term in two units
 *         MC_ERR_INSTRUMENT a unit or term out of range
 *         MC_ERR_NOT_FINITE, MC_ERR_DOMAIN  a strike, size or step that cannot be
 * err->row is the instrument. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_instruments_check(const mc_instruments *instruments,
                                                    mc_error *err);

MC_END_DECLS

#endif
