/* kernels/kernels.h - the inner loops, one table of functions per instruction set.
 *
 * A kernel source is plain C, compiled once per copy with MC_ISA set to the copy's name;
 * MC_KERNEL(f) is that copy's own f. Kernels trust their arguments: the stages check.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_KERNELS_H
#define MC_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <margin_core/pricing.h>
#include <margin_core/sweep.h>

#include "kernels/dynamics.h"
#include "kernels/preset.h"
#include "kernels/reprice.h"

#define MC_JOIN_(a, b) a##_##b
#define MC_JOIN(a, b) MC_JOIN_(a, b)
#define MC_KERNEL(name) MC_JOIN(name, MC_ISA)

/* Accounts against cells: one minimum each. Outputs are indexed from `first_account`. */
typedef struct mc_scan_job {
    const char *cells;     /* int32_t where narrow, else doubles          */
    bool narrow;
    size_t row;            /* bytes from one row to the next              */
    size_t stride;         /* cells to scan, a multiple of 8              */
    int32_t base;          /* narrow: the scenario that is left out, with cells of 0 */
    const int64_t *offset;
    const int32_t *instrument;
    const double *lots;
    size_t first_account;
    double *worst_pnl;
    int32_t *scenario;     /* may be NULL                                 */
} mc_scan_job;

/* Accounts against cells and lines: shares of weights, n_lines an account. */
typedef struct mc_shares_job {
    mc_scan_job scan;     /* without outputs                                 */
    const double *weight; /* [stride] of the lanes                           */
    double base_weight;   /* of the scenario that is left out                */
    const double *line;
    size_t n_lines;
    double *share;
} mc_shares_job;

/* Concentration is a long chain of steps for each unit held: those of so many accounts are taken
 * one after the other, so that the processor overlaps them. */
enum { MC_SWEEP_TOGETHER = 64 };

/* What one thread of a sweep works in: in cache lines of its own, since each account counts here. */
typedef struct mc_sweep_scratch {
    _Alignas(64) int32_t *unit; /* [n_units] the units that the account holds, in order */
    int32_t *unit_worst;  /* [n_units] scenario                                   */
    double *unit_least;   /* [n_units] P&L there                                  */
    int32_t *group;       /* [n_groups]                                           */
    int32_t *group_worst;
    double *group_least;
    int32_t n_units;
    int32_t n_groups;
    /* Of some accounts together: every unit that one of them holds. */
    double *held;         /* [MC_SWEEP_TOGETHER * n_units * 8] its own sums       */
    int32_t *held_unit;   /* [MC_SWEEP_TOGETHER * n_units]                        */
    int32_t *held_by;     /* [MC_SWEEP_TOGETHER * n_units] which of the accounts  */
    size_t n_held;
    int64_t *sold;        /* [n_exit_markets] what the account would sell there; else 0 */
} mc_sweep_scratch;

typedef struct mc_sweep_job {
    const mc_margin *margin;
    const mc_book_columns *book;
    size_t first_account;  /* outputs are indexed from here               */
    const int64_t *market_rate; /* [n_units * 2] the market's impact      */
    const int64_t *owners; /* [n_owners * n_units * 2] or NULL            */
    const mc_standing *out;
} mc_sweep_job;

typedef struct mc_kernels {
    const char *isa;
    /* Rows first .. first + n - 1; already checked. */
    void (*black76)(const mc_option_rows *rows, const mc_greeks *greeks, size_t first, size_t n);
    void (*bachelier)(const mc_option_rows *rows, const mc_greeks *greeks, size_t first, size_t n);
    void (*implied_vol)(const mc_option_rows *rows, mc_column price, double *vol, size_t first,
                        size_t n);
    /* Has every row's price a volatility? */
    bool (*has_vol)(const mc_option_rows *rows, mc_column price, size_t first, size_t n);
    /* low <= x[i] <= high for all i? Not where one is NaN. */
    bool (*within)(const double *x, size_t n, double low, double high);
    /* Natural logarithms of positive finite numbers. */
    void (*logarithms)(const double *x, size_t n, double *y);
    /* Instruments first .. first + n - 1: MC_REPRICE_MOST from a multiple of it on, or the rest. */
    void (*reprice)(const mc_reprice *job, size_t first, size_t n);
    /* Accounts first .. first + n - 1. */
    void (*scan)(const mc_scan_job *job, size_t first, size_t n);
    void (*shares)(const mc_shares_job *job, size_t first, size_t n);
    void (*sweep)(const mc_sweep_job *job, mc_sweep_scratch *scratch, size_t first, size_t n);
    /* The rows and sums of account a's units. */
    void (*preset_walk)(const mc_preset *preset, const mc_book_columns *book, size_t a,
                        mc_preset_scratch *scratch);
    /* Series, or units, first .. first + n - 1 over all bars, or steps. */
    void (*volatility)(const mc_vol_job *job, size_t first, size_t n);
    void (*thresholds)(const mc_threshold_job *job, size_t first, size_t n);
} mc_kernels;

/* The copy in use. */
const mc_kernels *mc_kernels_used(void);

/* The i-th copy that this processor can run, worst first; NULL past the last. */
const mc_kernels *mc_kernels_at(size_t i);

#endif
