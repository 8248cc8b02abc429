/* base/status.h - how the core reports a failure. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_STATUS_H
#define MC_BASE_STATUS_H

#include <margin_core/status.h>

/* Fills `err` where there is one and returns `status`: `return mc_fail(err, ...)`. */
mc_status mc_fail(mc_error *err, mc_status status, int64_t row, const char *format, ...)
    MC_PRINTF(4, 5);

#endif
