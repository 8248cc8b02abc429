# SPDX-License-Identifier: Apache-2.0
"""The synthetic venue, its risk array in NumPy and numba, and a book of any size on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from timing import WALL, Case, Effort, Runner, race

from margin_core import Margin, RiskArray
from margin_core._binding import _margin, _risk
from margin_core.instruments import Kind
from margin_core.synthetic import synthetic_market

POSITIONS = 10


@dataclass(frozen=True)
class Venue:
    """A market of so many instruments under the house model, as the core takes it."""

    n_instruments: int

    @cached_property
    def market(self) -> Any:
        return synthetic_market(n_instruments=self.n_instruments)

    @cached_property
    def margin(self) -> Margin:
        return Margin.of(self.market)

    @property
    def risk(self) -> RiskArray:
        return self.margin.risk

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        return self.risk.scenarios.expand(self.risk.numbering)

    def price(self, threads: int, quantum: float) -> _risk.RiskHandle:
        """The risk array alone, from columns that are there already."""
        event = np.ascontiguousarray(self.risk.scenarios.event_move)
        return _risk.RiskHandle.price(self.risk.snapshot, self.columns, None, event, self.risk.lot,
                                      quantum, -1, threads)  # fmt: skip

    @property
    def n_cells(self) -> int:
        return self.risk.cells.size


@dataclass(frozen=True)
class Book:
    """Ten positions an account, each of another instrument, drawn evenly from the market.

    A real account holds neighbours more often: this is the harder book for every cache.
    """

    offset: np.ndarray
    instrument: np.ndarray
    lots: np.ndarray
    cash: np.ndarray

    @classmethod
    def draw(cls, n_accounts: int, n_instruments: int, seed: int = 3) -> Book:
        rng = np.random.Generator(np.random.PCG64(seed))
        shape = (n_accounts, POSITIONS)
        rows = np.sort(rng.integers(0, n_instruments - POSITIONS + 1, shape, dtype=np.int32))
        rows += np.arange(POSITIONS, dtype=np.int32)  # rising, and each once
        lots = rng.integers(1, 50, shape).astype(np.float64)
        lots *= rng.choice([-1.0, 1.0], shape)
        cash = rng.integers(0, 10**10, n_accounts)
        offset = np.arange(n_accounts + 1, dtype=np.int64) * POSITIONS
        return cls(offset, rows.reshape(-1), lots.reshape(-1), cash)

    def __len__(self) -> int:
        return len(self.cash)

    def handle(self, n_instruments: int) -> _margin.BookHandle:
        return _margin.BookHandle(n_instruments=n_instruments, offset=self.offset,
                                  instrument=self.instrument, lots=self.lots, cash=self.cash)  # fmt: skip


# The risk array


def risk_array(n_instruments: int, effort: Effort) -> list[Case]:
    venue = Venue(n_instruments)
    size = "{} instruments x {} scenarios".format(*venue.risk.cells.shape)
    return [
        race("risk_array", "risk array", "ns/cell", ours(venue, 1),
             [("NumPy + SciPy", lambda: numpy_risk_array(venue)),
              ("numba", lambda: numba_risk_array(venue))], effort, note=f"{size}, 1 thread"),
        race("risk_array_facade", "risk array, from a Market object", "ns/cell",
             Runner("", lambda: RiskArray.price(venue.market, venue.margin.model, threads=1),
                    venue.n_cells), [], effort, note=size),
        race("risk_array_threads", "risk array on two threads", "ns/cell", ours(venue, 2),
             [("margin_core, 1 thread", lambda: ours(venue, 1))], effort, clock=WALL, note=size),
    ]  # fmt: skip


def ours(venue: Venue, threads: int) -> Runner:
    """With the exposures per lot of every instrument, which the peers do without."""
    quantum = venue.risk.quantum
    return Runner(f"margin_core, {threads} thread", lambda: venue.price(threads, quantum),
                  venue.n_cells, lambda: by_instrument(venue.risk.cells))  # fmt: skip


def by_instrument(cells: np.ndarray) -> dict[str, np.ndarray]:
    """One column an instrument, so that each is compared to its own largest cell."""
    return {str(i): row for i, row in enumerate(cells) if row.any()}


@dataclass(frozen=True)
class Prepared:
    """What the peers are given: columns of the options, and the moves of every term."""

    option: np.ndarray
    forward: np.ndarray
    strike: np.ndarray
    log_moneyness: np.ndarray
    root_years: np.ndarray
    vol: np.ndarray
    side: np.ndarray
    scale: np.ndarray  # quanta a lot for 1.00 of undiscounted value
    base: np.ndarray
    term: np.ndarray
    others: np.ndarray  # the cells of spot and futures, which need no pricing

    @classmethod
    def of(cls, venue: Venue) -> Prepared:
        market, numbering = venue.risk.market, venue.risk.numbering
        instruments = market.instruments
        lots = instruments.contract_size * venue.risk.lot / venue.risk.quantum * market.quote_usd
        option = np.flatnonzero(instruments.kind >= Kind.CALL)
        forward, strike = market.forward_usd[option], instruments.strike[option]
        years = numbering.term_years[numbering.term[option]]
        side = np.where(instruments.kind[option] == Kind.CALL, 1.0, -1.0)
        index = {name: i for i, name in enumerate(instruments.units)}
        unit = np.array([index[name] for name in numbering.units])[numbering.unit[option]]
        # S/F of an inverse option is the same in every scenario.
        coins = np.where(instruments.inverse[option], market.index_usd[unit] / forward, 1.0)
        base = undiscounted(forward, strike, np.log(forward / strike),
                            market.vol[option] * np.sqrt(years), side)  # fmt: skip
        rest = np.flatnonzero(instruments.kind < Kind.CALL)
        move = venue.columns["spot_move"][numbering.term[rest]]
        moved = instruments.inverse[rest] & (instruments.kind[rest] != Kind.SPOT)
        value = np.where(moved, 0.0, market.forward_usd[rest])[:, None] * move
        weight = venue.columns["weight"][numbering.term[rest]]
        others = np.empty((len(lots), move.shape[1]))
        others[rest] = np.rint(weight * value * lots[rest][:, None])
        return cls(
            option, forward, strike, np.log(forward / strike), np.sqrt(years),
            market.vol[option], side, market.discount[option] * coins * lots[option], base,
            numbering.term[option], others,
        )  # fmt: skip


def undiscounted(f: Any, k: Any, moneyness: Any, deviation: Any, side: Any) -> Any:
    from scipy.special import ndtr

    d1 = moneyness / deviation + 0.5 * deviation
    return side * (f * ndtr(side * d1) - k * ndtr(side * (d1 - deviation)))


def numpy_risk_array(venue: Venue) -> Runner:
    """Options in chunks whose temporaries stay in L2; logarithms once a term, not once a cell."""
    from scipy.special import ndtr

    p, c = Prepared.of(venue), venue.columns
    cells = p.others
    chunk = 64

    def run() -> None:
        spot = 1.0 + c["spot_move"]
        log_spot = np.log(spot)
        for first in range(0, len(p.option), chunk):
            rows = slice(first, first + chunk)
            term = p.term[rows]
            side = p.side[rows, None]
            s = p.vol[rows, None] * c["vol_scale"][term]
            np.maximum(s, c["vol_floor"][term], out=s)
            s *= p.root_years[rows, None]
            d1 = log_spot[term]
            d1 += p.log_moneyness[rows, None]
            d1 /= s
            d1 += 0.5 * s
            d2 = d1 - s
            d1 *= side
            d2 *= side
            value = ndtr(d1, out=d1)
            value *= spot[term]
            value *= p.forward[rows, None]
            ndtr(d2, out=d2)
            d2 *= p.strike[rows, None]
            value -= d2
            value *= side
            value -= p.base[rows, None]
            value *= p.scale[rows, None]
            value *= c["weight"][term]
            cells[p.option[rows]] = np.rint(value, out=value)

    def result() -> dict[str, np.ndarray]:
        run()
        return _nearly(cells, venue.risk.cells)

    return Runner("NumPy + SciPy", run, venue.n_cells, result, 0.0)


def numba_risk_array(venue: Venue) -> Runner:
    import numba_peer

    p, c = Prepared.of(venue), venue.columns
    cells = np.empty((len(p.option), venue.risk.cells.shape[1]))

    def run() -> None:
        spot = 1.0 + c["spot_move"]
        numba_peer.risk_array(
            p.log_moneyness, p.forward, p.strike, p.root_years, p.vol, p.side, p.scale, p.base,
            p.term, spot, np.log(spot), c["vol_scale"], c["vol_floor"], c["weight"], cells,
        )  # fmt: skip

    def result() -> dict[str, np.ndarray]:
        run()
        whole = p.others.copy()
        whole[p.option] = cells
        return _nearly(whole, venue.risk.cells)

    return Runner("numba", run, venue.n_cells, result, 0.0)


def _nearly(cells: np.ndarray, expected: np.ndarray) -> dict[str, np.ndarray]:
    """A cell a quantum off is the same cell: a tie, or the last place of a price."""
    close = np.abs(cells - expected) <= 1.0
    return by_instrument(np.where(close, expected, cells))
