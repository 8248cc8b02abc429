# SPDX-License-Identifier: Apache-2.0
"""Plain columns with the names of the C headers, for tests that need no facade."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

SPOT, PERPETUAL, FUTURE, CALL, PUT = range(5)
PORTFOLIO, CROSS, ISOLATED = range(3)


@dataclass(frozen=True)
class Instruments:
    unit: Any
    term: Any
    kind: Any
    inverse: Any
    factor: Any
    strike: Any
    contract_size: Any
    step: Any
    n_units: int
    n_terms: int


@dataclass(frozen=True)
class Market:
    index_usd: Any
    confidence_frac: Any
    years: Any
    forward_usd: Any
    discount: Any
    vol: Any
    mark_usd: Any
    quote_usd: Any


@dataclass(frozen=True)
class Scenarios:
    """(n_terms, n_scenarios) each, except where scenario.h says otherwise."""

    n_scenarios: int
    spot_move: Any
    basis_move: Any = None
    vol_scale: Any = None
    vol_shift: Any = None
    vol_floor: Any = None
    skew_slope: Any = None
    skew_cap: Any = None
    weight: Any = None
    horizon_years: Any = None
    event_move: Any = None
    n_factors: int = 0

    def base(self) -> int:
        """The first scenario that moves nothing."""
        at_rest = {"vol_scale": 1.0, "weight": 1.0}
        still = np.ones(self.n_scenarios, bool)
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                moves = column != at_rest.get(name, 0.0)
                still &= ~moves.reshape(-1, self.n_scenarios).any(axis=0)
        return int(np.argmax(still))

    def columns(self, order: Any) -> Scenarios:
        """The scenarios with these numbers, in this order; a number may come twice."""
        moved = {
            name: np.ascontiguousarray(column[..., order])
            for name, column in vars(self).items()
            if isinstance(column, np.ndarray)
        }
        return replace(self, n_scenarios=len(order), **moved)


@dataclass(frozen=True)
class Tier:
    above_usd: float
    mm_frac: float
    im_frac: float


@dataclass(frozen=True)
class UnitMargin:
    group: int = 0
    roll_move_frac: float = 0.075
    roll_min_frac: float = 0.01
    short_option_mm_frac: float = 0.002
    short_option_im_frac: float = 0.003
    vega_twist: float = 0.05
    close_frac: float = 0.0005
    depth_usd: float = 0.0
    impact_frac: float = 0.02
    market_depth_usd: float = 0.0
    market_impact_frac: float = 0.02
    asset_haircut_frac: float = 0.1
    isolated_mm_frac: float = 0.05
    isolated_im_frac: float = 0.1
    tiers: tuple[Tier, ...] = (Tier(0.0, 0.02, 0.04),)
    open_interest_usd: float = 0.0
    open_interest_lower_usd: float = 0.0
    open_interest_upper_usd: float = 0.0


@dataclass(frozen=True)
class Asset:
    instrument: int
    exit_market: int = 0
    haircut_mm_frac: float = 0.0
    haircut_im_frac: float = 0.0
    exit_depth_usd: float = 0.0
    exit_impact_frac: float = 0.0
    unscanned_frac: float = 0.0


@dataclass(frozen=True)
class Model:
    units: tuple[UnitMargin, ...]
    lambda_k: tuple[int, ...]
    assets: tuple[Asset, ...] = ()
    mm_factor_k: int = 819
    im_factor_k: int = 1024
    vega_edge_years: tuple[float, ...] = (0.05, 0.25, 1.0)


@dataclass(frozen=True)
class World:
    """All that a risk array and its margins are made of."""

    instruments: Instruments
    market: Market
    scenarios: Scenarios
    lot: Any
    model: Model
    quantum: float = 1e-6

    def __repr__(self) -> str:  # short enough to read in a failing example
        kinds = "".join("SPFcp"[kind] for kind in self.instruments.kind)
        return (
            f"World({kinds}, units {self.instruments.unit.tolist()},"
            f" terms {self.instruments.term.tolist()}, S {self.scenarios.n_scenarios},"
            f" lambda_k {self.model.lambda_k})"
        )


@dataclass(frozen=True)
class Order:
    instrument: int
    lots: int
    limit: int


@dataclass(frozen=True)
class Account:
    """Positions as {instrument: lots}."""

    positions: dict[int, int] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    cash: int = 0
    mode: int = PORTFOLIO
    owner: int = -1

    def __add__(self, other: Account) -> Account:
        """One account that holds both."""
        lots = dict(self.positions)
        for i, q in other.positions.items():
            lots[i] = lots.get(i, 0) + q
        return replace(
            self, positions=lots, orders=self.orders + other.orders, cash=self.cash + other.cash
        )

    def scaled(self, factor: int) -> Account:
        return replace(
            self,
            positions={i: factor * q for i, q in self.positions.items()},
            orders=tuple(replace(o, lots=factor * o.lots) for o in self.orders),
            cash=factor * self.cash,
        )


def book(accounts: list[Account], n_instruments: int) -> SimpleNamespace:
    """The columns of book.h."""
    held = [sorted(account.positions.items()) for account in accounts]
    ordered = [sorted(account.orders, key=lambda o: o.instrument) for account in accounts]
    positions = [p for account in held for p in account]
    orders = [o for account in ordered for o in account]
    owners = [account.owner for account in accounts]
    return SimpleNamespace(
        n_instruments=n_instruments,
        offset=np.cumsum([0, *map(len, held)], dtype=np.int64),
        instrument=np.array([i for i, _ in positions], np.int32),
        lots=np.array([q for _, q in positions], np.float64),
        cash=np.array([account.cash for account in accounts], np.int64),
        mode=np.array([account.mode for account in accounts], np.uint8),
        owner=np.array(owners, np.int32),
        n_owners=max([-1, *owners]) + 1,
        order_offset=np.cumsum([0, *map(len, ordered)], dtype=np.int64),
        order_instrument=np.array([o.instrument for o in orders], np.int32),
        order_lots=np.array([o.lots for o in orders], np.float64),
        order_limit=np.array([o.limit for o in orders], np.float64),
    )
