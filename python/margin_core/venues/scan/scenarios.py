# SPDX-License-Identifier: Apache-2.0
"""Scenario families of a preset as a table of moves, volatility rules and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.errors import ModelError
from margin_core.venues.columns import Column, Index
from margin_core.venues.scan.preset import Grid, ScanPreset, Tails, Unit

__all__ = ["Scenarios", "expand"]


@dataclass(frozen=True)
class World:
    """One column, before it is spread over units; `vol` is a rule's name or a fraction."""

    label: str
    move: list[float]
    vol: Any
    weight: list[float]
    horizon_days: float = 0.0
    fold: bool = False
    competitor: int = -1


@dataclass(frozen=True)
class Scenarios:
    """One column a world: S scan columns, then the competitors' J - S.

    names, labels : J of str: the first unit's move and the volatility rule; the family's
    spot_move, vol_move, vol_floor, weight : (U, J)
    horizon_years : (J,)
    fold : (J,) bool; each expiry counts as -|P&L|
    skew : J of str; "" for none
    competitor : (J,) int64; -1, or which competitor's minimum the column belongs to
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    spot_move: Column
    vol_move: Column
    vol_floor: Column
    weight: Column
    horizon_years: Column
    fold: NDArray[np.bool_]
    skew: tuple[str, ...]
    competitor: Index

    @property
    def n_scan(self) -> int:
        return int((self.competitor < 0).sum())


def expand(preset: ScanPreset, units: tuple[str, ...]) -> Scenarios:
    """The preset's scenario families and competitors as columns for these units.

    A skew moves no spot and folds, whatever its row says: each expiry at its worst sign.
    """
    entries = [preset.unit(name) for name in units]
    worlds = [world for family in preset.scenarios for world in _worlds(family, units, entries)]
    one = [1.0] * len(units)
    for c, competitor in enumerate(preset.competitors):
        worlds += [World(competitor.name, [move] * len(units), "same", one, competitor=c)
                   for move in competitor.moves]  # fmt: skip
    skew = tuple(world.vol if world.vol in preset.skews else "" for world in worlds)
    fraction = [_vol_fractions(preset, world.vol, entries) for world in worlds]
    rises = [
        [f > 0.0 or world.vol == "up" for f in row]
        for world, row in zip(worlds, fraction, strict=True)
    ]

    def column(values: Any) -> Column:
        return np.array(list(values), dtype=np.float64).reshape(len(worlds), len(units)).T.copy()

    return Scenarios(
        names=tuple(f"{sum(world.move[:1]):+.4g} {world.vol}" for world in worlds),
        labels=tuple(world.label for world in worlds),
        spot_move=column(
            [0.0] * len(units) if k else w.move for w, k in zip(worlds, skew, strict=True)
        ),
        vol_move=column(fraction),
        vol_floor=column(
            [u.vol_up_min * up for u, up in zip(entries, row, strict=True)] for row in rises
        ),
        weight=column(world.weight for world in worlds),
        horizon_years=(
            np.array([world.horizon_days for world in worlds]) / preset.pricing.days_per_year
        ),
        fold=np.array(
            [world.fold or bool(k) for world, k in zip(worlds, skew, strict=True)], dtype=bool
        ),
        skew=skew,
        competitor=np.array([world.competitor for world in worlds], dtype=np.int64),
    )


def _vol_fractions(preset: ScanPreset, vol: Any, entries: list[Any]) -> list[float]:
    """What a volatility rule adds in each unit, before the tenor."""
    if not isinstance(vol, str):
        return [vol] * len(entries)
    rules: dict[str, Callable[[Unit], float]] = {
        "up": lambda u: u.vol_up_frac,
        "down": lambda u: -u.vol_down_frac,
        "same": lambda u: 0.0,
    }
    if vol not in rules and vol not in preset.skews:
        raise ModelError(f"{preset.name}: scenarios: there is no volatility rule {vol!r}")
    return [rules.get(vol, rules["same"])(u) for u in entries]


def _worlds(family: Any, units: tuple[str, ...], entries: list[Any]) -> list[World]:
    """The columns of one family."""
    if isinstance(family, Grid):
        columns = list(_grid_columns(family, units, entries))
    elif isinstance(family, Tails):
        columns = [([move] * len(units), family.vol, [_tail_weight(family, move, u.range_frac)
                                                      for u in entries])
                   for move in family.moves]  # fmt: skip
    else:
        columns = [([move] * len(units), vol, [weight] * len(units))
                   for move, vol, weight in family.rows]  # fmt: skip
    return [World(family.label, move, vol, weight, family.horizon_days, family.rule == "fold")
            for move, vol, weight in columns]  # fmt: skip


def _grid_columns(family: Grid, units: tuple[str, ...], entries: list[Any]
                  ) -> Iterator[tuple[list[float], Any, list[float]]]:  # fmt: skip
    if isinstance(family.spot, dict):
        ladders = [family.spot.get(name, family.spot.get("*", ())) for name in units]
    else:
        ladders = [family.spot] * len(units)
    if len({len(ladder) for ladder in ladders}) > 1:
        raise ModelError(f"scenarios {family.label}: ladders differ in length, or one is missing")
    for steps in zip(*ladders, strict=True):
        for vol in family.vol:
            move = [step * u.range_frac for step, u in zip(steps, entries, strict=True)]
            yield move, vol, [family.weight] * len(units)


def _tail_weight(family: Tails, move: float, range_frac: float) -> float:
    weight = family.factor * range_frac / abs(move)
    if family.weight == "edge":
        weight *= (1.0 + move) / (1.0 + np.sign(move) * range_frac)
    return float(weight)
