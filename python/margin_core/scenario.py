# SPDX-License-Identifier: Apache-2.0
"""What could happen: scenario tables as columns, from a model, from arrays, or from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.errors import ArgumentError, DomainError, NotFiniteError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from margin_core.model import Event, Grid, MarginModel, Tails
    from margin_core.risk import Numbering

__all__ = ["Scenarios"]

DAYS_PER_YEAR = 365.0

#: Columns with a cell per unit and scenario, and the value that changes nothing.
PER_UNIT = {"spot_move": 0.0, "basis_move": 0.0, "vol_move": 0.0, "vol_floor": 0.0,
            "skew_slope": 0.0, "skew_cap": 1000.0, "weight": 1.0}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scenarios:
    """A scenario table: one column a world, one row a unit.

    A world does to every unit and expiry ::

        S'   = S (1 + spot_move)
        F'   = F (1 + spot_move) (1 + basis_move)      perpetuals, futures, options
        vol' = max(vol_floor, max(0, vol (1 + vol_move term) + vol_points(days)))
               * max(0, 1 + clamp(skew_slope ln(K / F), -skew_cap, skew_cap))
        T'   = max(0, T - horizon)

    with ``term = (30 / max(days, days_floor))^p``; its P&L counts times `weight`.

    Attributes
    ----------
    names : tuple of str, length S
    units : tuple of str, length U
    spot_move, basis_move, vol_move, vol_floor, skew_slope, skew_cap, weight : (U, S) float64
        Moves are fractions; 0.1 is 10 %.
    tenor_days : (J,) float64
    vol_points : (J, S) float64
        Absolute change of volatility at each tenor, linear between, flat outside; 0.01 is a point.
    horizon_days : (S,) float64
    factors : tuple of str, length K
    event_move : (K, S) float64
        Extra move of the spot assets that follow a factor.
    vol_term : (days_floor, power_short, power_long)
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    spot_move: NDArray[np.float64]
    basis_move: NDArray[np.float64]
    vol_move: NDArray[np.float64]
    vol_floor: NDArray[np.float64]
    skew_slope: NDArray[np.float64]
    skew_cap: NDArray[np.float64]
    weight: NDArray[np.float64]
    tenor_days: NDArray[np.float64]
    vol_points: NDArray[np.float64]
    horizon_days: NDArray[np.float64]
    factors: tuple[str, ...]
    event_move: NDArray[np.float64]
    vol_term: tuple[float, float, float]

    def __post_init__(self) -> None:
        n, u = len(self.names), len(self.units)
        if n == 0 or u == 0:
            raise ArgumentError("a scenario table needs at least one scenario and one unit")
        if len(set(self.names)) != n:
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ArgumentError(f"two scenarios are named {twice!r}")
        shapes = dict.fromkeys(PER_UNIT, (u, n)) | {
            "tenor_days": (len(self.tenor_days),),
            "vol_points": (len(self.tenor_days), n),
            "horizon_days": (n,),
            "event_move": (len(self.factors), n),
        }
        for name, shape in shapes.items():
            values = np.array(getattr(self, name), dtype=np.float64, order="C")
            if values.shape != shape:
                raise ArgumentError(f"{name} has shape {values.shape}, not {shape}")
            bad = ~np.isfinite(values)
            if bad.any():
                where = tuple(int(i) for i in np.argwhere(bad)[0])
                raise NotFiniteError(f"{name}{list(where)} is not finite", row=where[0])
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        for name, low in (("spot_move", -1.0), ("basis_move", -1.0)):
            bad = getattr(self, name) <= low
            if bad.any():
                unit, z = (int(i) for i in np.argwhere(bad)[0])
                raise DomainError(
                    f"{name} of {self.units[unit]} in {self.names[z]!r} is -100 % or less", row=z
                )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return (
            f"<{len(self)} scenarios of {', '.join(self.units)}: {', '.join(self.names[:4])} ...>"
        )

    @classmethod
    def from_arrays(
        cls,
        names: Sequence[str],
        spot_move: Mapping[str, ArrayLike],
        *,
        factors: Mapping[str, ArrayLike] | None = None,
        tenor_days: ArrayLike = (),
        vol_points: ArrayLike | None = None,
        horizon_days: ArrayLike = 0.0,
        vol_term: tuple[float, float, float] = (1.0, 0.0, 0.0),
        **columns: Mapping[str, ArrayLike],
    ) -> Scenarios:
        """A table from arrays: historical days, Monte Carlo draws, anything.

        Parameters
        ----------
        names : S names
        spot_move : {unit: (S,) fractions}
        factors : {factor: (S,) fractions}, optional
        tenor_days, vol_points : (J,) and (J, S), optional
        horizon_days : (S,) or scalar
        vol_term : (days_floor, power_short, power_long)
        **columns : {unit: (S,)}
            Any of basis_move, vol_move, vol_floor, skew_slope, skew_cap, weight.

        Examples
        --------
        >>> table = Scenarios.from_arrays(["base", "crash"], {"BTC": [0.0, -0.4]},
        ...                               vol_move={"BTC": [0.0, 1.0]})
        >>> table.spot_move
        array([[ 0. , -0.4]])
        """
        units, n = tuple(spot_move), len(names)
        given: dict[str, Mapping[str, ArrayLike]] = {"spot_move": spot_move, **columns}
        unknown = set(given) - set(PER_UNIT)
        if unknown:
            raise ArgumentError(f"unknown column {sorted(unknown)[0]!r}")
        cells: dict[str, Any] = {}
        for column, neutral in PER_UNIT.items():
            cells[column] = np.full((len(units), n), neutral)
            for unit, values in given.get(column, {}).items():
                if unit not in units:
                    raise ArgumentError(f"{column} names {unit!r}, which has no spot_move")
                try:
                    cells[column][units.index(unit)] = values
                except ValueError:
                    raise ArgumentError(f"{column} of {unit} does not have {n} entries") from None
        tenors = np.atleast_1d(np.asarray(tenor_days, dtype=np.float64))
        return cls(
            names=tuple(names),
            units=units,
            tenor_days=tenors,
            vol_points=np.zeros((len(tenors), n)) if vol_points is None else np.asarray(vol_points),
            horizon_days=np.broadcast_to(np.asarray(horizon_days, dtype=np.float64), (n,)),
            factors=tuple(factors or ()),
            event_move=np.array(list((factors or {}).values()), dtype=np.float64).reshape(-1, n),
            vol_term=vol_term,
            **cells,
        )

    @classmethod
    def from_model(cls, model: MarginModel, units: Sequence[str]) -> Scenarios:
        """The table that a margin model describes, for these units."""
        builder = _Builder(model, tuple(units))
        for family in model.scenarios:
            builder.add(family)
        return builder.build()

    def concat(self, *others: Scenarios) -> Scenarios:
        """These scenarios and more; all tables must be about the same units.

        A factor or a tenor that a table does not know is not moved by it.
        """
        tables = (self, *others)
        for table in others:
            if table.units != self.units or table.vol_term != self.vol_term:
                raise ArgumentError("tables of other units or another term structure do not join")
        factors = tuple(dict.fromkeys(f for t in tables for f in t.factors))
        tenors = np.unique(np.concatenate([t.tenor_days for t in tables]))
        return Scenarios(
            names=tuple(name for t in tables for name in t.names),
            units=self.units,
            tenor_days=tenors,
            vol_points=np.hstack([t._points_at(tenors) for t in tables]),
            horizon_days=np.concatenate([t.horizon_days for t in tables]),
            factors=factors,
            event_move=np.hstack(
                [
                    np.array(
                        [
                            t.event_move[t.factors.index(f)] if f in t.factors else np.zeros(len(t))
                            for f in factors
                        ]
                    ).reshape(-1, len(t))
                    for t in tables
                ]  # fmt: skip
            ),
            vol_term=self.vol_term,
            **{name: np.hstack([getattr(t, name) for t in tables]) for name in PER_UNIT},
        )

    def with_events(
        self, events: Mapping[str, Mapping[str, float]], at: ArrayLike | None = None
    ) -> Scenarios:
        """These scenarios, and each event in each of them: explicit joint worlds.

        Parameters
        ----------
        events : {name: {factor: move}}
            "steth -7 %": {"discount.stETH": -0.07} takes 7 % more off every asset that follows it.
        at : indices or mask, optional
            Of the scenarios that events come together with; all by default.

        Examples
        --------
        >>> table = Scenarios.from_arrays(["base", "fall"], {"ETH": [0.0, -0.2]})
        >>> table.with_events({"discount": {"stETH": -0.07}}).names
        ('base', 'fall', 'base, discount', 'fall, discount')
        """
        among = self if at is None else self.select(at)
        tables = []
        for name, moves in events.items():
            factors = tuple(dict.fromkeys((*among.factors, *moves)))
            move = np.zeros((len(factors), len(among)))
            for k, factor in enumerate(factors):
                before = 0.0
                if factor in among.factors:
                    before = among.event_move[among.factors.index(factor)]
                move[k] = (1.0 + before) * (1.0 + moves.get(factor, 0.0)) - 1.0
            names = tuple(f"{world}, {name}" for world in among.names)
            tables.append(replace(among, names=names, factors=factors, event_move=move))
        return self.concat(*tables)

    def select(self, scenarios: ArrayLike) -> Scenarios:
        """Some of the columns, by index or mask."""
        try:
            at = np.arange(len(self))[np.asarray(scenarios)]
        except IndexError as error:
            raise ArgumentError(f"scenarios: {len(self)} there are, {error}") from None
        cells = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in (*PER_UNIT, "vol_points", "event_move"):
            cells[name] = cells[name][:, at]
        cells["horizon_days"] = self.horizon_days[at]
        cells["names"] = tuple(self.names[i] for i in at)
        return Scenarios(**cells)

    def _points_at(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """vol_points at these tenors, (len(days), S): linear between, flat outside."""
        tenors = self.tenor_days
        if len(tenors) == 0:
            return np.zeros((len(days), len(self)))
        high = np.clip(np.searchsorted(tenors, days), 1, max(len(tenors) - 1, 1))
        if len(tenors) == 1:
            return np.repeat(self.vol_points, len(days), axis=0)
        low = high - 1
        share = np.clip((days - tenors[low]) / (tenors[high] - tenors[low]), 0.0, 1.0)[:, None]
        return self.vol_points[low] + share * (self.vol_points[high] - self.vol_points[low])

    def expand(self, numbering: Numbering) -> dict[str, NDArray[np.float64]]:
        """The table term by term, as the core takes it: {column: (n_terms, S)}."""
        from margin_core._binding import _risk

        missing = [unit for unit in numbering.units if unit not in self.units]
        if missing:
            raise ArgumentError(f"the scenario table has no unit {missing[0]}")
        row = np.array([self.units.index(u) for u in numbering.units])[numbering.term_unit]
        factor = np.empty(numbering.n_terms)
        _risk.vol_term_factor(numbering.term_years, *self.vol_term, factor)
        basis = np.where(numbering.term_is_spot[:, None], 0.0, self.basis_move[row])
        points = self._points_at(numbering.term_years * DAYS_PER_YEAR)
        columns = {
            "spot_move": self.spot_move[row],
            "basis_move": basis,
            "vol_scale": np.maximum(0.0, 1.0 + self.vol_move[row] * factor[:, None]),
            "vol_shift": points,
            "vol_floor": self.vol_floor[row],
            "skew_slope": self.skew_slope[row],
            "skew_cap": self.skew_cap[row],
            "weight": self.weight[row],
        }
        neutral = {"basis_move": 0.0, "vol_shift": 0.0, "skew_slope": 0.0}
        for name, value in neutral.items():
            if (columns[name] == value).all():
                del columns[name]
        return {name: np.ascontiguousarray(cells) for name, cells in columns.items()}


class _Builder:
    """Collects the families of a model, scenario by scenario."""

    def __init__(self, model: MarginModel, units: tuple[str, ...]) -> None:
        self.model = model
        self.units = units
        self.rules = [model.unit(name) for name in units]
        self.names: list[str] = []
        self.cells: dict[str, list[list[float]]] = {name: [] for name in PER_UNIT}
        self.horizon: list[float] = []
        self.events: list[dict[str, float]] = []
        self.points: list[Any] = []

    def add(self, family: Grid | Tails | Event) -> None:
        if family.kind == "grid":
            for step in family.spot:
                for rule in family.vol:
                    base = step == 0.0 and rule == "same"
                    self.put(
                        "base" if base else f"{step:+.2f}R vol {rule}",
                        [step * unit.range_frac for unit in self.rules],
                        rule,
                        weight=[family.weight] * len(self.units),
                    )
        elif family.kind == "tails":
            for i, move in enumerate(family.moves):
                if isinstance(family.weight, tuple):
                    weight = [family.weight[i]] * len(self.units)
                else:
                    weight = [unit.range_frac / abs(move) for unit in self.rules]
                self.put(f"{move:+.0%} vol {family.vol}", [move] * len(self.units), family.vol,
                         weight=weight)  # fmt: skip
        else:
            star = family.moves.get("*", 0.0)
            self.put(
                family.name,
                [family.moves.get(unit, star) for unit in self.units],
                family.vol,
                weight=[family.weight] * len(self.units),
                event=family,
            )

    def put(
        self,
        name: str,
        spot_move: list[float],
        rule: str,
        *,
        weight: list[float],
        event: Event | None = None,
    ) -> None:
        n = len(self.units)
        up, down = rule == "up", rule == "down"
        self.names.append(name)
        row = {
            "spot_move": spot_move,
            "weight": weight,
            "vol_move": [u.vol_up_frac if up else -u.vol_down_frac if down else 0.0
                         for u in self.rules],
            "vol_floor": [u.vol_up_min if up else 0.0 for u in self.rules],
            "basis_move": [event.basis if event else 0.0] * n,
            "skew_slope": [event.skew_slope if event else 0.0] * n,
            "skew_cap": [event.skew_cap if event else PER_UNIT["skew_cap"]] * n,
        }  # fmt: skip
        for column, values in row.items():
            self.cells[column].append(values)
        self.horizon.append(event.horizon_days if event else 0.0)
        self.events.append(dict(event.factors) if event else {})
        self.points.append(event.vol_points if event else None)

    def build(self) -> Scenarios:
        factors = tuple(dict.fromkeys(f for event in self.events for f in event))
        tenors = sorted({d for p in self.points if p is not None for d in p.tenor_days})
        points = np.zeros((len(tenors), len(self.names)))
        for z, p in enumerate(self.points):
            if p is not None:
                points[:, z] = np.interp(tenors, p.tenor_days, p.points)
        term = self.model.vol_term
        return Scenarios(
            names=tuple(self.names),
            units=self.units,
            tenor_days=np.array(tenors),
            vol_points=points,
            horizon_days=np.array(self.horizon),
            factors=factors,
            event_move=np.array([[e.get(f, 0.0) for e in self.events] for f in factors]).reshape(
                -1, len(self.names)
            ),
            vol_term=(term.days_floor, term.power_short, term.power_long),
            **{name: np.array(cells).T for name, cells in self.cells.items()},
        )
