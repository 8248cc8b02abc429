/* sweep/scan.h - what every walk over a whole risk array begins with. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_SWEEP_SCAN_H
#define MC_SWEEP_SCAN_H

#include <margin_core/sweep.h>

#include "kernels/kernels.h"
#include "margin/book.h"
#include "risk/risk_array.h"

/* The errors of mc_scan. */
mc_status mc_scan_check(const mc_risk_array *risk, const mc_book *book, const mc_range *range,
                        const void *output, mc_error *err);

/* Cells, positions and range; outputs are the caller's. */
mc_scan_job mc_scan_job_of(const mc_risk_array *risk, const mc_book *book, const mc_range *range);

#endif
