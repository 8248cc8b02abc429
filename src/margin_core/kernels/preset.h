/* kernels/preset.h - a preset as the walk reads it: a row an instrument, lanes of columns and sums.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_PRESET_H
#define MC_KERNELS_PRESET_H

#include <margin_core/preset.h>

#include "kernels/requirement.h"

/* What every preset sums up, before its charges. */
enum { MC_SUM_MARK, MC_SUM_OPTIONS, MC_SUM_DELTA, MC_OWN_SUMS };

enum { MC_SUM_LANES = 40 }; /* MC_OWN_SUMS + MC_PRESET_SUMS, whole lanes */

typedef struct mc_preset_charge {
    mc_charge_form form;
    mc_charge_role role;
    size_t first_sum;
    size_t n_levels;        /* sums of its form: of segments by level, else 1 */
    mc_spread *spreads;     /* [n_spreads] */
    size_t n_spreads;
    mc_charge_rates *rates; /* [n_units] */
} mc_preset_charge;

/* Lanes are columns in their order; where a competitor would not fit into what is left of a pass
 * of 64, copies of column 0 fill it up, as they do the end. */
struct mc_preset {
    size_t n_instruments;
    size_t n_units;
    size_t n_terms;
    size_t n_columns;
    size_t n_scanned;      /* columns that are no competitor's                     */
    size_t stride;         /* lanes of columns, a multiple of 8                    */
    size_t n_sums;         /* lanes of sums, a multiple of 8                       */
    size_t row;            /* doubles from one instrument's row to the next        */
    double *table;         /* [n_instruments * row] columns, then sums' weights    */
    bool linear;           /* terms have no rule: columns hold weighted P&L        */
    mc_place *places;      /* [n_instruments]                                      */
    int32_t *term;         /* [n_instruments]                                      */
    double *base;          /* [n_instruments]                                      */
    double *largest;       /* [n_instruments] magnitude in its row                 */
    double most;           /* over all of them                                     */
    double *factor;        /* [n_terms * 2] long, short                            */
    double *weight;        /* [n_units * stride] 0 in competitors' lanes           */
    double *fold;          /* [stride] the sign bit where a column folds           */
    size_t n_competitors;
    int32_t *lane;         /* [n_competitors + 1] first lane of each, and the end  */
    double *compete_rate;  /* [n_competitors * n_terms]                            */
    double *compete_in;    /* [n_competitors * stride] 1 in its lanes, else 0      */
    double *compete_out;   /* [n_competitors * stride] 0 in its lanes, else infinity */
    double *dampener;      /* [n_units * stride]; NULL: nothing is adjusted        */
    double *gain_offset;   /* [n_units]                                            */
    double *gain_cap;      /* [n_units]                                            */
    int32_t *column_of;    /* [stride]                                             */
    double core_quantum;
    /* How sums add up: a |x| + b x when a segment ends, x of max(q, floor) times weight. */
    _Alignas(64) double magnitude[MC_SUM_LANES];
    _Alignas(64) double sign[MC_SUM_LANES];
    _Alignas(64) double floor[MC_SUM_LANES];
    _Alignas(64) uint64_t over[MC_ENDS][MC_SUM_LANES];
    mc_preset_charge *charges;
    size_t n_charges;
    mc_combination combination;
    double lambda;
    double *correlation;   /* [n_units * n_units]                                  */
    mc_credit *credits;    /* [n_credits]                                          */
    size_t n_credits;
    double *spot_move;     /* [n_units * n_columns]                                */
    double factors[2];     /* MM, IM                                               */
};

/* What a thread works in, in cache lines of its own; the units that an account holds, in order. */
typedef struct mc_preset_scratch {
    _Alignas(64) int32_t *unit; /* [n_units]                                       */
    size_t n_held;
    double *least;         /* [n_units] of its row                                 */
    int32_t *worst;        /* [n_units] lane                                       */
    double *sums;          /* [n_units * n_sums]                                   */
    double *rows;          /* [n_units * stride]; NULL: not wanted                 */
    double joint_least;    /* of the units' rows added up                          */
    double *core;          /* [n_units]                                            */
    double *credit;        /* [n_units]                                            */
    double *left;          /* [n_units] deltas that no spread has used             */
} mc_preset_scratch;

#endif
