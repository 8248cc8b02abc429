/* status.h - what a call returns, and the words that go with a failure. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_STATUS_H
#define MARGIN_CORE_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include <margin_core/api.h>

MC_BEGIN_DECLS

/* Numbers are part of the ABI: they are never reused. */
typedef enum mc_status {
    MC_OK = 0,
    MC_ERR_ARGUMENT = 1,    /* a null pointer, a wrong count, an unknown enumerator     */
    MC_ERR_NOT_FINITE = 2,  /* NaN or infinity where a number is needed                 */
    MC_ERR_DOMAIN = 3,      /* a finite number outside its legal range                  */
    MC_ERR_INSTRUMENT = 4,  /* an instrument, unit, account or source that is unknown   */
    MC_ERR_ORDER = 5,       /* rows out of order, duplicated, or offsets that do not fit */
    MC_ERR_EXACTNESS = 6,   /* beyond the bound up to which sums are exact integers     */
    MC_ERR_QUANTUM = 7,     /* a risk lot so small that its cells round to nothing      */
    MC_ERR_NO_SOLUTION = 8, /* no volatility gives this price                           */
    MC_ERR_MEMORY = 9,      /* out of memory                                            */
    MC_STATUS_END           /* one past the last code; not a status                     */
} mc_status;

/* Filled on failure when the caller passes one; left alone on success. */
typedef struct mc_error {
    mc_status status;
    int64_t row;       /* first row at fault, or -1 where no row is */
    char message[240]; /* one sentence, zero-terminated             */
} mc_error;

/* The enumerator's own name, "MC_ERR_ORDER"; never NULL. */
MC_API const char *mc_status_name(mc_status status);

/* The version of the library that is linked, as in version.h. */
MC_API const char *mc_version(void);

MC_END_DECLS

#endif
