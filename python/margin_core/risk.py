# SPDX-License-Identifier: Apache-2.0
"""The risk array: P&L of one risk lot of every instrument in every scenario, in whole quanta."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _market, _risk
from margin_core.checks import mapping, names
from margin_core.errors import ArgumentError, MarginCoreError
from margin_core.instruments import Kind
from margin_core.isa import as_threads
from margin_core.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from margin_core.instruments import Instruments
    from margin_core.market import Market
    from margin_core.model import MarginModel
    from margin_core.scenario import Scenarios

    Factors = Mapping[str, str | Sequence[str]]

__all__ = ["Numbering", "RiskArray"]

QUANTUM = 1e-6


@dataclass(frozen=True, eq=False)
class Numbering:
    """The order in which the core holds instruments: by group, unit, term, strike and kind.

    Attributes
    ----------
    order : (n,) int64
        Rows of the market, in the core's order.
    units : tuple of str
        In the core's order: units of one group are neighbours.
    unit, term : (n,) int32
    term_unit : (n_terms,) int32
    term_years : (n_terms,) float64
    term_is_spot : (n_terms,) bool
    """

    order: NDArray[np.int64]
    units: tuple[str, ...]
    unit: NDArray[np.int32]
    term: NDArray[np.int32]
    term_unit: NDArray[np.int32]
    term_years: NDArray[np.float64]
    term_is_spot: NDArray[np.bool_]

    @property
    def n_terms(self) -> int:
        return len(self.term_unit)

    @classmethod
    def of(cls, market: Market, model: MarginModel) -> Numbering:
        instruments = market.instruments
        groups = {name: i for i, name in enumerate(model.groups)}
        by_group = sorted(
            range(len(instruments.units)),
            key=lambda u: groups[model.unit(instruments.units[u]).group],
        )
        rank = np.empty(len(by_group), dtype=np.int64)
        rank[by_group] = np.arange(len(by_group))

        unit = rank[instruments.unit]
        stage = np.minimum(instruments.kind, int(Kind.FUTURE)).astype(np.int64)
        order = np.lexsort(
            (instruments.kind, instruments.strike, instruments.expiry_ns, stage, unit)
        )
        key = np.stack([unit, stage, instruments.expiry_ns])[:, order]
        starts = np.concatenate([[True], (key[:, 1:] != key[:, :-1]).any(axis=0)])
        term = np.cumsum(starts) - 1
        return cls(
            order=order,
            units=tuple(instruments.units[u] for u in by_group),
            unit=np.ascontiguousarray(key[0], dtype=np.int32),
            term=term.astype(np.int32),
            term_unit=key[0][starts].astype(np.int32),
            term_years=np.ascontiguousarray(market.years[order][starts]),
            term_is_spot=key[1][starts] == int(Kind.SPOT),
        )


def _column(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype=dtype)


def snapshot(market: Market, numbering: Numbering, factor: NDArray[np.int32]) -> _market.Snapshot:
    """The market's columns in the core's order."""
    instruments, order = market.instruments, numbering.order
    index = {name: i for i, name in enumerate(instruments.units)}
    units = [index[name] for name in numbering.units]
    try:
        return _market.Snapshot(
            unit=numbering.unit,
            term=numbering.term,
            kind=_column(instruments.kind[order], np.uint8),
            inverse=_column(instruments.inverse[order], np.uint8),
            factor=factor,
            strike=_column(instruments.strike[order], np.float64),
            contract_size=_column(instruments.contract_size[order], np.float64),
            step=_column(instruments.step[order], np.float64),
            index_usd=_column(market.index_usd[units], np.float64),
            confidence_frac=_column(market.confidence_frac[units], np.float64),
            years=numbering.term_years,
            forward_usd=_column(market.forward_usd[order], np.float64),
            discount=_column(market.discount[order], np.float64),
            vol=_column(market.vol[order], np.float64),
            mark_usd=_column(market.mark_usd[order], np.float64),
            quote_usd=_column(market.quote_usd[order], np.float64),
        )
    except MarginCoreError as error:
        raise _renamed(error, instruments.select(order)) from None


def _renamed(error: MarginCoreError, instruments: Instruments) -> MarginCoreError:
    """The core's error with the instrument's name in front, where it is about one."""
    if error.row is None or error.row >= len(instruments) or "instrument" not in str(error):
        return error
    return type(error)(f"{instruments.name[error.row]}: {error}", row=error.row)


@dataclass(frozen=True, eq=False)
class RiskArray:
    """P&L of one risk lot of every instrument in every scenario; immutable.

    Attributes
    ----------
    market : Market
        In the core's order; row i of the array is row i of `market.instruments`.
    numbering : Numbering
    scenarios : Scenarios
    lot : (n,) float64
        Size of a risk lot, in units of quantity.
    quantum : float
        What a cell counts, in the numeraire; 0 where unrounded.
    numeraire : str
    """

    market: Market
    numbering: Numbering
    scenarios: Scenarios
    lot: NDArray[np.float64]
    handle: _risk.RiskHandle
    snapshot: _market.Snapshot
    numeraire: str = "USD"

    @classmethod
    def price(
        cls,
        market: Market,
        model: MarginModel,
        scenarios: Scenarios | None = None,
        *,
        quantum: float | None = QUANTUM,
        numeraire: str = "USD",
        lots: ArrayLike | None = None,
        factors: Factors | None = None,
        threads: int = 0,
    ) -> RiskArray:
        """Price every instrument in every scenario, by full revaluation.

        Parameters
        ----------
        market : Market
        model : MarginModel
            Says which group a unit is in, and its range, which sets the risk lots.
        scenarios : Scenarios, optional
            The model's own by default.
        quantum : float or None
            What cells are rounded to, in the numeraire; None leaves them unrounded, for research.
        numeraire : str
            "USD", or a unit in whose coin everything is counted.
        lots : (n,) float64, optional
            Risk lots in the market's order; by default each instrument's step times the smallest
            power of ten that can lose 2^16 quanta.
        factors : {spot name: factor or factors}
            Which events an asset follows; the moves of several multiply. Needed with `scenarios`
            that have events: ``{}`` says that no asset follows any.
        threads : int
            0: one per processor. The bits are the same for any number.

        Raises
        ------
        QuantumError
            An instrument whose cells would round to nothing.
        ExactnessError
            A cell beyond 2^53 quanta.
        """
        numbering = Numbering.of(market, model)
        if scenarios is None:
            from margin_core.scenario import Scenarios

            scenarios = Scenarios.from_model(model, numbering.units)
        elif scenarios.factors and factors is None:
            raise ArgumentError(
                f"scenarios move {scenarios.factors[0]!r}: factors says which assets follow it, "
                "{} says none"
            )
        ordered = _reordered(market, numbering.order)
        factor, event_move = _factor_rows(
            ordered.instruments, scenarios, mapping("factors", factors)
        )
        columns = snapshot(market, numbering, factor)
        price_usd = _numeraire_usd(numeraire, market)
        try:
            lot = np.empty(len(ordered.instruments))
            if lots is not None:
                lot[:] = np.asarray(lots, dtype=np.float64)[numbering.order]
            else:
                ranges = np.array([model.unit(u).range_frac for u in numbering.units])
                _risk.risk_lots(columns, ranges, (quantum or QUANTUM) * price_usd, lot)
            handle = _risk.RiskHandle.price(
                columns,
                scenarios.expand(numbering),
                _horizon(scenarios),
                event_move,
                lot,
                quantum or 0.0,
                _numeraire_row(numeraire, numbering),
                as_threads(threads),
            )
        except MarginCoreError as error:
            raise _renamed(error, ordered.instruments) from None
        lot.flags.writeable = False
        return cls(ordered, numbering, scenarios, lot, handle, columns, numeraire)

    @property
    def instruments(self) -> Instruments:
        return self.market.instruments

    @property
    def quantum(self) -> float:
        return float(self.handle.quantum)

    @cached_property
    def cells(self) -> NDArray[np.float64]:
        """(n, S) quanta per risk lot; whole numbers, P&L positive = gain."""
        cells = np.empty((self.handle.n_instruments, self.handle.n_scenarios))
        self.handle.copy_cells(cells)
        cells.flags.writeable = False
        return cells

    def column(self, name: str) -> NDArray[np.float64]:
        """A column per risk lot, (n,) quanta: mark, value, notional, delta, basis_delta, vega.

        delta is the gain per +100 % of spot, basis_delta per +100 % of the forward with spot held,
        vega per +1.00 of volatility.
        """
        values = np.empty(self.handle.n_instruments)
        if not self.handle.copy_column(name, values):
            raise ArgumentError("an unrounded risk array has no columns per lot")
        return values

    def __repr__(self) -> str:
        return (
            f"<risk array: {self.handle.n_instruments} instruments x "
            f"{self.handle.n_scenarios} scenarios, quantum {self.quantum:g} {self.numeraire}>"
        )


def _reordered(market: Market, order: NDArray[np.int64]) -> Market:
    if (order[1:] > order[:-1]).all():
        return market  # as a risk array's own market is: the next tick sorts nothing
    row_of = np.empty(len(order), dtype=np.int64)
    row_of[order] = np.arange(len(order))
    found = market.findings
    rows = np.where(found["row"] < 0, -1, row_of[found["row"]])
    return replace(
        market,
        instruments=market.instruments.select(order),
        forward_usd=market.forward_usd[order],
        discount=market.discount[order],
        vol=market.vol[order],
        mark_usd=market.mark_usd[order],
        findings=Table({**{name: found[name] for name in found}, "row": rows}),
    )


def _horizon(scenarios: Scenarios) -> NDArray[np.float64] | None:
    years = scenarios.horizon_days / 365.0
    return np.ascontiguousarray(years) if years.any() else None


def _numeraire_usd(numeraire: str, market: Market) -> float:
    """Price of one of the numeraire; an unknown one is refused by `_numeraire_row`."""
    units = market.instruments.units
    return float(market.index_usd[units.index(numeraire)]) if numeraire in units else 1.0


def _numeraire_row(numeraire: str, numbering: Numbering) -> int:
    if numeraire == "USD":
        return -1
    if numeraire not in numbering.units:
        raise ArgumentError(f"numeraire {numeraire!r} is neither USD nor a unit of the market")
    return numbering.units.index(numeraire)


def _factor_rows(
    instruments: Instruments, scenarios: Scenarios, factors: Factors
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Which row of event moves each instrument follows, and the rows: one a set of factors."""
    rows = np.full(len(instruments), -1, dtype=np.int32)
    sets: dict[tuple[str, ...], int] = {}
    for name, given in factors.items():
        own = (given,) if isinstance(given, str) else names(f"factors of {name}", given)
        for factor in own:
            if factor not in scenarios.factors:
                raise ArgumentError(f"{name} follows {factor!r}, which no scenario moves")
        i = int(instruments.index_of([name])[0])
        if instruments.kind[i] != Kind.SPOT:
            raise ArgumentError(f"{name} is no spot asset: only those follow factors")
        if own:
            rows[i] = sets.setdefault(own, len(sets))
    left = np.ones((len(sets), len(scenarios)))
    for own, row in sets.items():
        for factor in own:
            left[row] *= 1.0 + scenarios.event_move[scenarios.factors.index(factor)]
    return rows, left - 1.0
