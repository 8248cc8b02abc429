# SPDX-License-Identifier: Apache-2.0
# The C core's public headers, in their order; the C compiler checks every line.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "margin_core/status.h" nogil:
    ctypedef enum mc_status:
        MC_OK
        MC_STATUS_END
    ctypedef struct mc_error:
        mc_status status
        int64_t row
        char message[240]
    const char *mc_status_name(mc_status status)
    const char *mc_version()

cdef extern from "margin_core/isa.h" nogil:
    const char *mc_isa()
    const char *mc_isa_at(size_t i)
    mc_status mc_isa_select(const char *name, mc_error *err)

cdef extern from "margin_core/quote.h" nogil:
    ctypedef int64_t mc_currency
    ctypedef struct mc_quote:
        pass
    ctypedef struct mc_source:
        pass

cdef extern from "margin_core/stable_price.h" nogil:
    ctypedef struct mc_stable_rule:
        pass
    ctypedef struct mc_stable_price:
        pass
    mc_status mc_stable_price_update(const mc_stable_rule *rule, const mc_stable_price *state,
                                     int64_t now_ns, double price, mc_stable_price *next,
                                     mc_error *err)

cdef extern from "margin_core/ladder.h" nogil:
    ctypedef enum mc_action:
        MC_ACTIONS
    ctypedef struct mc_ladder:
        pass

cdef extern from "margin_core/oracle.h" nogil:
    ctypedef struct mc_oracle_rule:
        pass
    ctypedef struct mc_oracle_state:
        pass
    ctypedef struct mc_oracle_reading:
        pass
    ctypedef struct mc_feed:
        mc_currency base
        mc_currency quote
        int32_t quorum
        int32_t tolerated
        size_t n_sources
        const mc_source *sources
        const mc_oracle_rule *rule
        const mc_ladder *ladder
    mc_status mc_feed_check(const mc_feed *feed, mc_error *err)
    mc_status mc_oracle_update(const mc_feed *feed, const mc_oracle_state *state,
                               const mc_quote *quotes, size_t n, int64_t now_ns,
                               mc_oracle_state *next, mc_oracle_reading *reading, mc_error *err)
    mc_status mc_oracle_update_many(const mc_feed *feed, const mc_quote *quotes,
                                    const int64_t *offset, const int64_t *now_ns, size_t n,
                                    unsigned n_threads, mc_oracle_state *states,
                                    mc_oracle_reading *readings, uint8_t *statuses, mc_error *err)
    mc_status mc_oracle_compose(const mc_oracle_reading *legs, const uint8_t *invert,
                                size_t n_legs, mc_currency base, mc_currency quote,
                                int64_t now_ns, const mc_oracle_rule *rule,
                                const mc_ladder *ladder, mc_oracle_reading *out, mc_error *err)
    mc_status mc_oracle_prices(const mc_ladder *ladder, const mc_oracle_reading *readings,
                               const double *owned, size_t n, mc_action action,
                               uint8_t *allowed, double *price, mc_error *err)

cdef extern from "margin_core/elementary.h" nogil:
    mc_status mc_exp_column(const double *x, size_t n, double *out, mc_error *err)
    mc_status mc_expm1_column(const double *x, size_t n, double *out, mc_error *err)
    mc_status mc_log_column(const double *x, size_t n, double *out, mc_error *err)
    mc_status mc_pow_column(const double *x, const double *power, size_t n, double *out,
                            mc_error *err)

cdef extern from "margin_core/pricing.h" nogil:
    ctypedef struct mc_column:
        const double *data
        size_t stride
    ctypedef struct mc_option_rows:
        mc_column forward
        mc_column strike
        mc_column years
        mc_column vol
        mc_column discount
        const uint8_t *is_call
        size_t is_call_stride
        size_t n
    ctypedef struct mc_greeks:
        double *price
        double *delta
        double *gamma
        double *vega
        double *theta
        double *rho
        double *vanna
        double *volga
    mc_status mc_black76(const mc_option_rows *rows, const mc_greeks *greeks,
                         unsigned n_threads, mc_error *err)
    mc_status mc_bachelier(const mc_option_rows *rows, const mc_greeks *greeks,
                           unsigned n_threads, mc_error *err)
    mc_status mc_implied_vol(const mc_option_rows *rows, mc_column price, double *vol,
                             unsigned n_threads, mc_error *err)

cdef extern from "margin_core/instrument.h" nogil:
    ctypedef struct mc_instruments:
        size_t n
        size_t n_units
        size_t n_terms
        const int32_t *unit
        const int32_t *term
        const uint8_t *kind
        const uint8_t *inverse
        const int32_t *factor
        const double *strike
        const double *contract_size
        const double *step
    mc_status mc_instruments_check(const mc_instruments *instruments, mc_error *err)

cdef extern from "margin_core/market.h" nogil:
    ctypedef struct mc_market:
        const double *index_usd
        const double *confidence_frac
        const double *years
        const double *forward_usd
        const double *discount
        const double *vol
        const double *mark_usd
        const double *quote_usd
    mc_status mc_market_check(const mc_instruments *instruments, const mc_market *market,
                              mc_error *err)

cdef extern from "margin_core/scenario.h" nogil:
    ctypedef struct mc_scenarios:
        size_t n_terms
        size_t n_scenarios
        const double *spot_move
        const double *basis_move
        const double *vol_scale
        const double *vol_shift
        const double *vol_floor
        const double *skew_slope
        const double *skew_cap
        const double *weight
        const double *horizon_years
        const double *event_move
        size_t n_factors
    mc_status mc_scenarios_check(const mc_scenarios *scenarios, size_t *base, mc_error *err)
    mc_status mc_vol_term_factor(const double *years, size_t n, double days_floor,
                                 double power_short, double power_long, double *factor,
                                 mc_error *err)

cdef extern from "margin_core/risk_array.h" nogil:
    ctypedef struct mc_risk_array:
        pass
    ctypedef struct mc_risk_options:
        size_t size
        double quantum
        int32_t numeraire
        unsigned n_threads
    ctypedef struct mc_risk_view:
        size_t n_instruments
        size_t n_scenarios
        size_t stride
        double quantum
        double quantum_usd
        const double *cells
        const double *mark
        const double *value
        const double *notional
        const double *delta
        const double *basis_delta
        const double *vega
    mc_status mc_risk_lots(const mc_instruments *instruments, const mc_market *market,
                           const double *range_frac, double quantum, double *lot, mc_error *err)
    mc_status mc_risk_array_create(const mc_instruments *instruments, const mc_market *market,
                                   const mc_scenarios *scenarios, const double *lot,
                                   const mc_risk_options *options, mc_risk_array **out,
                                   mc_error *err)
    mc_status mc_risk_array_adopt(const double *cells, size_t n_instruments, size_t n_scenarios,
                                  double quantum, mc_risk_array **out, mc_error *err)
    void mc_risk_array_destroy(mc_risk_array *risk)
    void mc_risk_array_view(const mc_risk_array *risk, mc_risk_view *view)

cdef extern from "margin_core/collateral.h" nogil:
    ctypedef struct mc_asset:
        pass
    mc_status mc_assets_check(const mc_asset *assets, size_t n_assets,
                              const mc_instruments *instruments, mc_error *err)

cdef extern from "margin_core/book.h" nogil:
    ctypedef struct mc_book_columns:
        size_t n_accounts
        size_t n_instruments
        const int64_t *offset
        const int32_t *instrument
        const double *lots
        uint8_t fractional
        const int64_t *cash
        const uint8_t *mode
        const int32_t *owner
        size_t n_owners
        const int64_t *order_offset
        const int32_t *order_instrument
        const double *order_lots
        const double *order_limit
    ctypedef struct mc_book:
        pass
    mc_status mc_book_create(const mc_book_columns *columns, mc_book **out, mc_error *err)
    void mc_book_destroy(mc_book *book)
    size_t mc_book_accounts(const mc_book *book)

cdef extern from "margin_core/margin.h" nogil:
    enum:
        MC_MAX_TIERS
        MC_VEGA_BUCKETS
        MC_LAMBDA_MAX
    ctypedef struct mc_tier:
        double above_usd
        double mm_frac
        double im_frac
    ctypedef struct mc_unit_margin:
        int32_t group
        double roll_move_frac
        double roll_min_frac
        double short_option_mm_frac
        double short_option_im_frac
        double vega_twist
        double close_frac
        double depth_usd
        double impact_frac
        double market_depth_usd
        double market_impact_frac
        double asset_haircut_frac
        double isolated_mm_frac
        double isolated_im_frac
        size_t n_tiers
        mc_tier tiers[8]
        double open_interest_usd
        double open_interest_lower_usd
        double open_interest_upper_usd
    ctypedef struct mc_margin_model:
        size_t size
        size_t n_units
        const mc_unit_margin *units
        size_t n_groups
        const int32_t *lambda_k
        int32_t mm_factor_k
        int32_t im_factor_k
        double vega_edge_years[3]
        size_t n_assets
        const mc_asset *assets
    ctypedef struct mc_margin:
        pass
    ctypedef struct mc_margin_rates:
        double mark
        double vega[4]
        double roll
        double short_option_mm
        double short_option_im
        double closing
        double oracle
        double haircut_mm
        double haircut_im
        double notional
        double crowding
        double side
    mc_status mc_margin_create(const mc_risk_array *risk, const mc_instruments *instruments,
                               const mc_market *market, const mc_margin_model *model,
                               mc_margin **out, mc_error *err)
    void mc_margin_destroy(mc_margin *margin)
    mc_status mc_margin_rates_of(const mc_margin *margin, size_t instrument,
                                 mc_margin_rates *rates, mc_error *err)

cdef extern from "margin_core/sweep.h" nogil:
    ctypedef struct mc_range:
        size_t first
        size_t count
        unsigned n_threads
    ctypedef struct mc_standing:
        int64_t *equity
        int64_t *im
        int64_t *mm
        uint8_t *status
        int64_t *core
        int64_t *short_option_mm
        int64_t *short_option_im
        int64_t *roll
        int64_t *vega
        int64_t *concentration
        int64_t *oracle
        int64_t *closing
        int64_t *haircut_mm
        int64_t *haircut_im
        int64_t *rounding
        int64_t *joint_scan
        int32_t *joint_scenario
        int64_t *unit_scan
        int32_t *unit_scenario
    mc_status mc_scan(const mc_risk_array *risk, const mc_book *book, const mc_range *range,
                      double *worst_pnl, int32_t *scenario, mc_error *err)
    mc_status mc_exposure(const mc_margin *margin, const mc_book *book, unsigned n_threads,
                          int64_t *market, int64_t *owners, mc_error *err)
    mc_status mc_sweep(const mc_margin *margin, const mc_book *book, const mc_range *range,
                       const int64_t *market, const int64_t *owners, const mc_standing *out,
                       mc_error *err)
    mc_status mc_rank(const int64_t *equity, const int64_t *mm, size_t n, int64_t *order,
                      mc_error *err)

cdef extern from "margin_core/ruin.h" nogil:
    enum:
        MC_MAX_LINES
    mc_status mc_shares_below(const mc_risk_array *risk, const mc_book *book,
                              const mc_range *range, const double *weight, const double *line,
                              size_t n_lines, double *share, mc_error *err)

cdef extern from "margin_core/liquidation_price.h" nogil:
    enum:
        MC_PRICE_BELOW
        MC_PRICE_ABOVE
        MC_PRICE_NOW
    ctypedef struct mc_margin_inputs:
        const mc_instruments *instruments
        const mc_market *market
        const mc_scenarios *scenarios
        const double *lot
        const mc_risk_options *options
        const mc_margin_model *model
        const int64_t *sides
        const int64_t *owners
    ctypedef struct mc_price_search:
        size_t size
        int32_t unit
        double ticks_per_usd
        double least_move
        double most_move
        size_t n_steps
    mc_status mc_liquidation_prices(const mc_margin_inputs *inputs, const mc_book *book,
                                    const mc_range *range, const mc_price_search *search,
                                    const int64_t *follows, int64_t *below, int64_t *above,
                                    uint8_t *found, mc_error *err)

cdef extern from "margin_core/charge.h" nogil:
    ctypedef enum mc_charge_form:
        pass
    ctypedef enum mc_charge_segment:
        pass
    ctypedef enum mc_charge_role:
        pass
    ctypedef struct mc_charge_rates:
        pass
    ctypedef struct mc_spread:
        pass
    ctypedef struct mc_charge:
        mc_charge_form form
        mc_charge_segment segment
        mc_charge_role role
        const double *weight
        const int32_t *level
        size_t n_levels
        const mc_charge_rates *rates
        const mc_spread *spreads
        size_t n_spreads

cdef extern from "margin_core/preset.h" nogil:
    ctypedef enum mc_combination:
        pass
    ctypedef struct mc_credit:
        pass
    ctypedef struct mc_preset_columns:
        size_t size
        size_t n
        size_t n_units
        size_t n_terms
        size_t n_columns
        const int32_t *unit
        const int32_t *term
        const int32_t *pair
        const uint8_t *is_option
        const double *value
        const double *base
        const double *mark
        const double *delta
        const double *weight
        const double *long_factor
        const double *short_factor
        const uint8_t *folds
        const int32_t *competitor
        size_t n_competitors
        const double *compete_rate
        const double *dampener
        const double *gain_offset
        const double *gain_cap
        double core_quantum
        const mc_charge *charges
        size_t n_charges
        mc_combination combination
        double lambda_frac
        const double *correlation
        const mc_credit *credits
        size_t n_credits
        const double *spot_move
        double mm_factor
        double im_factor
    ctypedef struct mc_preset:
        pass
    ctypedef struct mc_preset_accounts:
        const double *cash
        const double *provision_mm
        const double *provision_im
    ctypedef struct mc_preset_standing:
        double *equity
        double *option_value
        double *mm
        double *im
        double *scan
        double *charge_mm
        double *charge_im
        double *unit_core
        double *unit_credit
        int32_t *unit_worst
        double *unit_row
    mc_status mc_preset_create(const mc_preset_columns *columns, mc_preset **out, mc_error *err)
    void mc_preset_destroy(mc_preset *preset)
    mc_status mc_preset_sweep(const mc_preset *preset, const mc_book *book, const mc_range *range,
                              const mc_preset_accounts *accounts, const mc_preset_standing *out,
                              mc_error *err)

cdef extern from "margin_core/depth.h" nogil:
    enum:
        MC_DEPTH_LEVELS
    ctypedef struct mc_depth:
        size_t n_instruments
        const int64_t *offset
        const double *lots
        const double *cost
        double *taken
        const double *limit
    mc_status mc_depth_check(const mc_depth *depth, mc_error *err)
    mc_status mc_depth_square_root(double mark, double depth_lots, double half_spread_frac,
                                   double impact_frac, double *lots, double *cost,
                                   size_t *n_levels, mc_error *err)
    mc_status mc_depth_recover(const mc_depth *depth, double elapsed_s, double half_life_s,
                               mc_error *err)
    mc_status mc_depth_limit(const mc_depth *depth, const double *unit, const double *move,
                             double share, double least, double *limit, mc_error *err)

cdef extern from "margin_core/liquidation.h" nogil:
    ctypedef struct mc_plan_rules:
        size_t size
        int32_t buffer_k
        int32_t fee_k
        uint8_t proportional
        const uint8_t *paused
        const int32_t *settles_in
    ctypedef struct mc_trade:
        int64_t account
        int32_t instrument
        int32_t reserved
        double lots
        int64_t cost
        int64_t fee
    ctypedef struct mc_plan:
        int64_t account
        int32_t outcome
        int32_t rounds
        size_t first
        size_t count
        int64_t equity
        int64_t mm
        int64_t equity_after
        int64_t mm_after
        uint64_t digest
    mc_status mc_plan_accounts(const mc_margin *margin, const mc_book *book, const int64_t *market,
                               const int64_t *owners, const int64_t *accounts, size_t n,
                               const mc_plan_rules *rules, const mc_depth *depth, mc_trade *trades,
                               size_t n_trades, mc_plan *plans, size_t *n_done, mc_error *err)
    mc_status mc_plan_check(const mc_plan *plan, const mc_book *book, mc_error *err)
    mc_status mc_next_thresholds(const mc_margin *margin, const mc_risk_array *risk,
                                 const mc_book *book, const int64_t *equity, const int64_t *mm,
                                 unsigned n_threads, double *move, mc_error *err)

cdef extern from "margin_core/auction.h" nogil:
    ctypedef struct mc_auction_clock:
        int64_t seen_ns
        int64_t ran_ns
        int32_t running
        int32_t reserved
    mc_status mc_auction_follow(const mc_auction_clock *clocks, size_t n, int64_t now_ns,
                                const uint8_t *valid, mc_auction_clock *next, mc_error *err)
    mc_status mc_auction_elapsed(const mc_auction_clock *clocks, size_t n, int64_t now_ns,
                                 double *elapsed_s, mc_error *err)
    ctypedef struct mc_decay:
        size_t size
        int32_t kind
        double start
        double step
        double every_s
        double floor
        size_t n_knots
        const double *knot_s
        const double *knot_share
    mc_status mc_decay_at(const mc_decay *decay, const double *elapsed_s, size_t n, double *asked,
                          mc_error *err)
    ctypedef struct mc_auction_rules:
        size_t size
        const mc_decay *decay
        double buffer_frac
        double fee_frac
        double insolvent_s
        double whole_below
        double reserve_price_frac
        uint8_t quanta
    void mc_auction_derive(mc_auction_rules *rules)
    ctypedef struct mc_auction_rows:
        size_t n
        const double *equity
        const double *mm
        const double *reserved
    mc_status mc_auction_largest_share(const mc_auction_rules *rules, const mc_auction_rows *rows,
                                       const double *asked, double *share, mc_error *err)
    mc_status mc_auction_fee(const mc_auction_rules *rules, const mc_auction_rows *rows,
                             double *fee, mc_error *err)
    ctypedef struct mc_bids:
        double *share
        double *price
        double *equity
        double *mm
        double *reserved
    mc_status mc_auction_bid(const mc_auction_rules *rules, const mc_auction_rows *rows,
                             const uint8_t *insolvent, const double *elapsed_s,
                             const double *want, const mc_bids *out, mc_error *err)

cdef extern from "margin_core/fillable_price.h" nogil:
    ctypedef struct mc_liquidated:
        size_t n
        const double *size
        const double *notional
        const double *position_mm
        const double *equity
        const double *mm
    mc_status mc_fillable_price(const mc_liquidated *rows, double adjustment, double spread_to_mm,
                                double *price, mc_error *err)
    mc_status mc_bankruptcy_price(const mc_liquidated *rows, double *price, mc_error *err)

cdef extern from "margin_core/volatility.h" nogil:
    enum:
        MC_VOL_KIND_END
    ctypedef struct mc_vol_options:
        size_t size
        int32_t kind
        int64_t interval_ns
        size_t window
        double half_life
        size_t least
        unsigned n_threads
    ctypedef struct mc_bars:
        size_t n_bars
        size_t n_series
        const int64_t *end_ns
        const double *open
        const double *high
        const double *low
        const double *close
        const uint8_t *present
    ctypedef struct mc_vol_state:
        int64_t end_ns
        size_t n_series
        double *memory
    size_t mc_vol_memory(const mc_vol_options *options)
    mc_status mc_vol_update(const mc_vol_options *options, const mc_bars *bars,
                            mc_vol_state *state, double *vol, uint8_t *ready, mc_error *err)

cdef extern from "margin_core/threshold.h" nogil:
    ctypedef struct mc_threshold_model:
        size_t size
        double fast_half_life_days
        double slow_half_life_days
        double long_half_life_days
        double fast_weight
        double buffer_frac
        double floor_share
        double stress_weight
        double stress_half_life_days
        double after_share
        double after_half_life_days
        double tail
        double horizon_days
        double level
        double learn_rate
        double learn_most
        double rise_step_frac
        double rise_day_frac
        double fall_step_frac
        double fall_day_frac
        double least_frac
        double most_frac
        double warmup_days
        double gap_days
    ctypedef struct mc_threshold_state:
        int64_t first_ns
        int64_t last_ns
        double price_usd
        double variance[3]
        double weight[3]
        double stress_vol
        double learned
        double anchor_price_usd
        double anchor_range_frac
        double shock_frac
        double range_frac
        double day_range_frac
    ctypedef struct mc_prices:
        size_t n_steps
        size_t n_units
        const int64_t *time_ns
        const double *price_usd
        const uint8_t *present
    mc_status mc_threshold_update(const mc_threshold_model *model, const mc_prices *prices,
                                  mc_threshold_state *state, double *range_frac,
                                  unsigned n_threads, mc_error *err)

cdef extern from "margin_core/clearing.h" nogil:
    ctypedef struct mc_waterfall:
        int64_t insurance_limit
        int32_t adl
        uint8_t socialises
        uint8_t fee_to_fund
    ctypedef struct mc_event:
        uint64_t id
        int32_t kind
        int32_t reserved
        int64_t account
        int64_t counterparty
        int64_t amount
        int64_t pnl
        int64_t fee
        size_t first
        size_t count
    ctypedef struct mc_receipt:
        uint64_t id
        uint64_t digest
        int64_t collateral
        int64_t fee
        int64_t covered
        int64_t deficit
    ctypedef struct mc_ledger:
        size_t n_accounts
        int64_t *cash
        int64_t *pnl
        int64_t insurance
        int64_t fees
        int64_t deficit
        int64_t total
        mc_receipt *journal
        size_t n_journal
        uint64_t last_id
        int32_t layer
        mc_waterfall waterfall
    int64_t mc_ledger_residual(const mc_ledger *ledger)
    mc_status mc_ledger_check(const mc_ledger *ledger, mc_error *err)
    mc_status mc_ledger_apply(mc_ledger *ledger, const mc_event *events, size_t n_events,
                              const int64_t *candidates, size_t n_candidates, int64_t *haircuts,
                              mc_receipt *receipts, size_t *n_done, mc_error *err)
