/* ruin.h - how likely accounts fall below a line: a weighted share of scenarios.
 *
 *   share[a, k] = sum of weight[z] over the scenarios z with P&L_a[z] < line[a, k]
 *
 * Scenarios are draws or historical days that reach to a horizon; lines are an account's own: MM -
 * equity is a margin call, - equity is ruin. The same kernel as a scan, another reduction.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_RUIN_H
#define MARGIN_CORE_RUIN_H

#include <margin_core/sweep.h>

MC_BEGIN_DECLS

enum { MC_MAX_LINES = 4 };

/* Shares of accounts range->first .. range->first + range->count - 1. Of the book only positions
 * count; the risk array may be unrounded.
 *
 *   weight   [n_scenarios] finite, >= 0; their sum is what a share of everything is
 *   line     [count * n_lines] in quanta, or the numeraire where unrounded; infinities are fine
 *   n_lines  1 .. MC_MAX_LINES
 *   share    out, [count * n_lines]
 *
 * Errors: those of mc_scan; MC_ERR_ARGUMENT n_lines; MC_ERR_NOT_FINITE, MC_ERR_DOMAIN a weight
 * (err->row is the scenario) or a line that is NaN (err->row is its place); MC_ERR_MEMORY.
 * On error the output is untouched. Same bits for any number of threads and instruction set.
 */
MC_API MC_MUST_CHECK mc_status mc_shares_below(const mc_risk_array *risk, const mc_book *book,
                                               const mc_range *range, const double *weight,
                                               const double *line, size_t n_lines, double *share,
                                               mc_error *err);

MC_END_DECLS

#endif
