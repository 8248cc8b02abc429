# SPDX-License-Identifier: Apache-2.0
"""The open clearing core for crypto derivatives.

oracle -> market -> pricing -> risk array, collateral -> margin -> sweep -> clearing. Names load on
first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from margin_core.auction import (
        AuctionClock,
        Decay,
        DutchAuction,
        bankruptcy_price,
        fillable_price,
    )
    from margin_core.book import Book
    from margin_core.clearing import Ledger, Waterfall, adl_queue
    from margin_core.collateral.catalogue import Catalogue, load_catalogue
    from margin_core.collateral.deposits import Deposit, Deposits
    from margin_core.collateral.earnings import YieldLedger
    from margin_core.collateral.haircut import Haircuts, haircuts
    from margin_core.collateral.outflow import Outflow
    from margin_core.collateral.pool import pooled_margin
    from margin_core.collateral.redemption import AssetPrices
    from margin_core.collateral.replay import DiscountReplay, replay_discount
    from margin_core.collateral.worlds import joint_worlds
    from margin_core.collateral.yields import ExchangeRate, Settlement, YieldIndex, settle_yield
    from margin_core.dynamics.backtest import Backtest, backtest
    from margin_core.dynamics.bars import Bars, read_bars
    from margin_core.dynamics.threshold import (
        RangedModel,
        Ranges,
        ThresholdModel,
        Thresholds,
        load_thresholds,
        with_ranges,
    )
    from margin_core.dynamics.volatility import VolatilityEstimator, VolatilityResult
    from margin_core.errors import MarginCoreError
    from margin_core.explain import Explanation, explain
    from margin_core.instruments import Instruments, Kind
    from margin_core.isa import isa, isas, use_isa
    from margin_core.liquidation import Depth, Plans, next_thresholds, plan, work_off
    from margin_core.liquidation_price import LiquidationPrices, liquidation_prices
    from margin_core.margin import Haircut, Margin
    from margin_core.market import Market, read_chain
    from margin_core.model import MarginModel, load_model
    from margin_core.oracle import (
        Feed,
        OracleReading,
        OracleState,
        Quote,
        Source,
        StablePrice,
        compose_readings,
    )
    from margin_core.oracle_model import OracleModel, load_oracle_model
    from margin_core.pricing import bachelier, black76, implied_vol
    from margin_core.risk import RiskArray
    from margin_core.ruin import Ruin, barrier_probability, draws, ruin, scaled_history
    from margin_core.scenario import Scenarios
    from margin_core.sweep import Standing, rank, scan, sweep
    from margin_core.table import Table
    from margin_core.venues.preset import load_preset, preset_names
    from margin_core.venues.standing import VenueStanding, venue_margin

#: Where each public name lives, in the order in which data flows.
_HOME = {
    "Quote": "oracle",
    "Source": "oracle",
    "OracleModel": "oracle_model",
    "load_oracle_model": "oracle_model",
    "Feed": "oracle",
    "OracleState": "oracle",
    "OracleReading": "oracle",
    "compose_readings": "oracle",
    "StablePrice": "oracle",
    "Instruments": "instruments",
    "Kind": "instruments",
    "Market": "market",
    "read_chain": "market",
    "black76": "pricing",
    "bachelier": "pricing",
    "implied_vol": "pricing",
    "Scenarios": "scenario",
    "RiskArray": "risk",
    "Catalogue": "collateral.catalogue",
    "load_catalogue": "collateral.catalogue",
    "AssetPrices": "collateral.redemption",
    "Haircuts": "collateral.haircut",
    "haircuts": "collateral.haircut",
    "pooled_margin": "collateral.pool",
    "joint_worlds": "collateral.worlds",
    "Outflow": "collateral.outflow",
    "Deposit": "collateral.deposits",
    "Deposits": "collateral.deposits",
    "YieldLedger": "collateral.earnings",
    "YieldIndex": "collateral.yields",
    "ExchangeRate": "collateral.yields",
    "Settlement": "collateral.yields",
    "settle_yield": "collateral.yields",
    "DiscountReplay": "collateral.replay",
    "replay_discount": "collateral.replay",
    "Book": "book",
    "MarginModel": "model",
    "load_model": "model",
    "Haircut": "margin",
    "Margin": "margin",
    "Standing": "sweep",
    "scan": "sweep",
    "sweep": "sweep",
    "rank": "sweep",
    "Depth": "liquidation",
    "Plans": "liquidation",
    "plan": "liquidation",
    "next_thresholds": "liquidation",
    "work_off": "liquidation",
    "Ruin": "ruin",
    "barrier_probability": "ruin",
    "draws": "ruin",
    "ruin": "ruin",
    "scaled_history": "ruin",
    "LiquidationPrices": "liquidation_price",
    "liquidation_prices": "liquidation_price",
    "Explanation": "explain",
    "explain": "explain",
    "Bars": "dynamics.bars",
    "read_bars": "dynamics.bars",
    "VolatilityEstimator": "dynamics.volatility",
    "VolatilityResult": "dynamics.volatility",
    "ThresholdModel": "dynamics.threshold",
    "load_thresholds": "dynamics.threshold",
    "Thresholds": "dynamics.threshold",
    "RangedModel": "dynamics.threshold",
    "Ranges": "dynamics.threshold",
    "with_ranges": "dynamics.threshold",
    "Backtest": "dynamics.backtest",
    "backtest": "dynamics.backtest",
    "Decay": "auction",
    "DutchAuction": "auction",
    "AuctionClock": "auction",
    "fillable_price": "auction",
    "bankruptcy_price": "auction",
    "Waterfall": "clearing",
    "Ledger": "clearing",
    "adl_queue": "clearing",
    "load_preset": "venues.preset",
    "preset_names": "venues.preset",
    "VenueStanding": "venues.standing",
    "venue_margin": "venues.standing",
    "Table": "table",
    "MarginCoreError": "errors",
    "isa": "isa",
    "isas": "isa",
    "use_isa": "isa",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from margin_core._binding._errors import version

        value: Any = version()
    elif name in _HOME:
        value = getattr(importlib.import_module(f"margin_core.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'margin_core' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `margin_core.sweep` the function: loading a module would put itself in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in _HOME:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
