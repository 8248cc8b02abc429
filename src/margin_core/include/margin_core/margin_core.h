/* margin_core.h - the whole library, in the order in which data flows through it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_H
#define MARGIN_CORE_H

#include <margin_core/version.h>
#include <margin_core/api.h>
#include <margin_core/status.h>
#include <margin_core/isa.h>
#include <margin_core/quote.h>
#include <margin_core/stable_price.h>
#include <margin_core/ladder.h>
#include <margin_core/oracle.h>
#include <margin_core/instrument.h>
#include <margin_core/market.h>
#include <margin_core/elementary.h>
#include <margin_core/pricing.h>
#include <margin_core/scenario.h>
#include <margin_core/risk_array.h>
#include <margin_core/collateral.h>
#include <margin_core/book.h>
#include <margin_core/margin.h>
#include <margin_core/sweep.h>
#include <margin_core/ruin.h>
#include <margin_core/liquidation_price.h>
#include <margin_core/charge.h>
#include <margin_core/preset.h>
#include <margin_core/depth.h>
#include <margin_core/liquidation.h>
#include <margin_core/auction.h>
#include <margin_core/fillable_price.h>
#include <margin_core/volatility.h>
#include <margin_core/threshold.h>
#include <margin_core/clearing.h>

#endif
