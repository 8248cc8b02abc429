# SPDX-License-Identifier: Apache-2.0
"""The range of each unit, following volatility without amplifying it."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, ValidationError, model_validator

from margin_core._binding import _dynamics
from margin_core.dynamics.bars import DAY_NS
from margin_core.dynamics.volatility import prices_usd, times_ns
from margin_core.errors import ArgumentError, ModelError
from margin_core.isa import as_threads
from margin_core.model import MarginModel, faults, load_model, read_table
from margin_core.table import Table
from margin_core.venues.sourced import Described, Sourced, Strict

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "RangedModel", "Ranges", "ThresholdModel", "Thresholds", "load_thresholds", "with_ranges",
]  # fmt: skip

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Days = Annotated[float, Field(ge=1e-6, le=36500.0, allow_inf_nan=False)]
Rise = Annotated[float, Field(ge=0.0, le=1e9, allow_inf_nan=False)]

#: `mc_threshold_state`, field by field.
STATE = np.dtype(
    [("first_ns", "i8"), ("last_ns", "i8"), ("price_usd", "f8"), ("variance", "f8", 3),
     ("weight", "f8", 3), ("stress_vol", "f8"), ("learned", "f8"), ("anchor_price_usd", "f8"),
     ("anchor_range_frac", "f8"), ("shock_frac", "f8"), ("range_frac", "f8"),
     ("day_range_frac", "f8")]
)  # fmt: skip


class Current(Sourced):
    """The volatility of today: two EWMAs of squared returns."""

    fast_half_life_days: Days
    slow_half_life_days: Days
    fast_weight: Share = Field(description="Of the fast variance; the rest is slow.")


class Buffer(Sourced):
    """EU 153/2013 art. 28 (1) (a): a buffer that is used up in stress."""

    frac: Share


class Stress(Sourced):
    """EU 153/2013 art. 28 (1) (b): a fixed weight on stressed observations."""

    weight: Share
    half_life_days: Annotated[float, Field(ge=1e-6, le=1e9, allow_inf_nan=False)]


class Floor(Sourced):
    """EU 153/2013 art. 28 (1) (c): never below a share of a long look-back."""

    half_life_days: Days
    share: Share


class Aftershock(Sourced):
    """Never below a share of the largest move of late."""

    share: Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)]
    half_life_days: Days


class Learning(Sourced):
    """Each unit's own tail, from its own exceedances."""

    rate: Share = Field(description="An exceedance raises the tail by about this; 0: no learning.")
    most: Annotated[float, Field(ge=1.0, le=1e3, allow_inf_nan=False)]


class Limits(Sourced):
    """How far a range moves at most, in one step and in one UTC day."""

    rise_step_frac: Rise
    rise_day_frac: Rise
    fall_step_frac: Share
    fall_day_frac: Share


class Maintenance(Sourced):
    """What positions that are open are held to: the range, but never rising faster than this."""

    rise_day_frac: Rise = Field(description="In proportion to time, compounded at each step.")


class Bounds(Sourced):
    """Of the range itself, and of what prices must be like."""

    least_frac: Annotated[float, Field(ge=1e-6, le=0.999999, allow_inf_nan=False)]
    most_frac: Annotated[float, Field(ge=1e-6, le=0.999999, allow_inf_nan=False)]
    warmup_days: Annotated[float, Field(ge=0.0, le=36500.0, allow_inf_nan=False)]
    gap_days: Days


class Tail(Strict):
    """Range per standard deviation of the horizon, for a share of moves that stay within."""

    level: Annotated[float, Field(gt=0.5, lt=1.0)]
    multiple: Annotated[float, Field(ge=1e-6, le=1e3, allow_inf_nan=False)]


class Horizon(Sourced):
    """Of the move that the range covers."""

    days: Days
    tails: tuple[Tail, ...] = Field(min_length=1)


class ThresholdModel(Described):
    """Rules for ranges that follow volatility; models/thresholds/house.toml is commented."""

    current: Current
    buffer: Buffer
    floor: Floor
    stress: Stress
    aftershock: Aftershock
    learning: Learning
    limits: Limits
    maintenance: Maintenance
    bounds: Bounds
    horizon: Horizon

    @model_validator(mode="after")
    def _ordered(self) -> ThresholdModel:
        lives = (self.current.fast_half_life_days, self.current.slow_half_life_days,
                 self.floor.half_life_days)  # fmt: skip
        if sorted(lives) != list(lives):
            raise ValueError("half-lives must not fall: current fast, current slow, floor")
        if self.bounds.most_frac < self.bounds.least_frac:
            raise ValueError("bounds.most_frac is below bounds.least_frac")
        levels = [tail.level for tail in self.horizon.tails]
        multiples = [tail.multiple for tail in self.horizon.tails]
        if sorted(set(levels)) != levels or sorted(multiples) != multiples:
            raise ValueError("horizon.tails: levels must rise and multiples must not fall")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """The shares of moves that there is a tail for."""
        return tuple(tail.level for tail in self.horizon.tails)

    def parameters(self, level: float) -> dict[str, float]:
        """What the core is given, under the names of `mc_threshold_model`."""
        tails = {tail.level: tail.multiple for tail in self.horizon.tails}
        if level not in tails:
            known = ", ".join(f"{known:g}" for known in tails)
            raise ArgumentError(f"thresholds {self.name!r} have no tail for {level!r}: {known}")
        return {
            **self.current.model_dump(exclude={"source", "verified"}),
            **self.limits.model_dump(exclude={"source", "verified"}),
            **self.bounds.model_dump(exclude={"source", "verified"}),
            "buffer_frac": self.buffer.frac,
            "long_half_life_days": self.floor.half_life_days,
            "floor_share": self.floor.share,
            "stress_weight": self.stress.weight,
            "stress_half_life_days": self.stress.half_life_days,
            "after_share": self.aftershock.share,
            "after_half_life_days": self.aftershock.half_life_days,
            "learn_rate": self.learning.rate,
            "learn_most": self.learning.most,
            "level": level,
            "tail": tails[level],
            "horizon_days": self.horizon.days,
        }


def load_thresholds(model: str | os.PathLike[str] | ThresholdModel = "house") -> ThresholdModel:
    """Threshold rules by the name of those that come with the package, or from a TOML file.

    Raises
    ------
    ModelError
        The file cannot be read, is not TOML, or contradicts the schema; the path of the field is
        in the message.

    Examples
    --------
    >>> load_thresholds("house").stress.weight
    0.25
    """
    if isinstance(model, ThresholdModel):
        return model
    label = os.fspath(model)
    data = read_table(model, "thresholds")
    try:
        return ThresholdModel.model_validate(data)
    except ValidationError as error:
        raise ModelError(f"{label}: {faults(error)}") from None


class Ranges(NamedTuple):
    """Ranges in force from each step on, as fractions of the price; 0 before the warm-up.

    Attributes
    ----------
    initial : (n_steps, n_units) float64
        For new risk and withdrawals: IM.
    maintenance : (n_steps, n_units) float64
        For positions that are open: MM. Never above `initial`.
    """

    initial: NDArray[np.float64]
    maintenance: NDArray[np.float64]


class Thresholds:
    """The ranges of many units, moved forward by their prices.

    What prices do tightens new risk at once (`ranges`); positions that are open follow by a bounded
    step a day (`maintenance`), so that a rise of the range does not liquidate them.

    Give it every unit's price once an interval, such as an hour; or a history at once, with the
    same bits.

    Parameters
    ----------
    units : sequence of str
    model : str, path or ThresholdModel
    level : float
        The share of moves over the horizon, up or down, that the range is to cover: one of
        `model.levels`.
    threads : int
        0: one a processor.

    Raises
    ------
    ArgumentError, ModelError
        A level that the model has no tail for; a model that cannot be read.
    """

    def __init__(
        self,
        units: Sequence[str],
        model: str | os.PathLike[str] | ThresholdModel = "house",
        *,
        level: float = 0.995,
        threads: int = 0,
    ) -> None:
        self.units = tuple(units)
        if not self.units or len(set(self.units)) != len(self.units):
            raise ArgumentError("units are names, at least one, none of them twice")
        self.model = load_thresholds(model)
        self.level = level
        self.threads = as_threads(threads)
        self._parameters = self.model.parameters(level)
        self._state = np.zeros(len(self.units), dtype=STATE)
        self._maintenance = np.full(len(self.units), np.inf)  # infinite: none yet
        self._last_ns: int | None = None

    def update(
        self, time_ns: ArrayLike, price_usd: ArrayLike, *, present: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Take the next prices; the initial ranges of `follow`."""
        return self.follow(time_ns, price_usd, present=present).initial

    def follow(
        self, time_ns: ArrayLike, price_usd: ArrayLike, *, present: ArrayLike | None = None
    ) -> Ranges:
        """Take the next prices.

        Parameters
        ----------
        time_ns : (n_steps,) int64
            Nanoseconds since 1970 UTC, rising.
        price_usd : (n_steps, n_units) float64
        present : (n_steps, n_units) bool, optional
            False where a unit has no price; its range stays.

        Returns
        -------
        Ranges

        Raises
        ------
        RowOrderError
            Time that does not rise, or a unit without a price for longer than `gap_days`; `row` is
            the step.
        ArgumentError
            Times that are not whole numbers, prices that are text.
        NotFiniteError, DomainError
            A price that is not a positive number. Nothing is remembered of such a call.
        """
        times = times_ns("time_ns", time_ns)
        prices = prices_usd("price_usd", price_usd)
        if times.ndim != 1 or prices.shape != (len(times), len(self.units)):
            raise ArgumentError(
                f"time_ns is (n_steps,) and price_usd (n_steps, {len(self.units)}), got "
                f"{times.shape} and {prices.shape}"
            )
        flags = None
        if present is not None:
            here = np.ascontiguousarray(present)
            if here.dtype != np.bool_:
                raise ArgumentError(f"present is {here.dtype}; it holds bools")
            flags = here.view(np.uint8)
        out = np.empty(prices.shape)
        _dynamics.thresholds(
            self._parameters, times, prices, flags, self._state.view(np.uint8), out, self.threads
        )
        return Ranges(out, self._slower(times, out))

    def _slower(
        self, times: NDArray[np.int64], initial: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The ranges again, none risen by more than its rate since the step before."""
        if not len(times):
            return initial.copy()
        first = times[0] if self._last_ns is None else self._last_ns
        days = np.diff(times, prepend=first) / DAY_NS
        grows = (1.0 + self.model.maintenance.rise_day_frac * days).tolist()
        out = np.where(initial > 0.0, initial, np.inf)
        held = self._maintenance
        for k, grow in enumerate(grows):
            held = np.minimum(out[k], held * grow, out=out[k])
        self._maintenance, self._last_ns = held.copy(), int(times[-1])
        out[np.isinf(out)] = 0.0
        return out

    @property
    def ranges(self) -> dict[str, float]:
        """The range in force of every unit that has one: for new risk, IM."""
        return self._named(self._state["range_frac"])

    @property
    def maintenance(self) -> dict[str, float]:
        """The range to which its open positions are held: for MM, never above `ranges`."""
        return self._named(np.where(np.isinf(self._maintenance), 0.0, self._maintenance))

    def _named(self, in_force: NDArray[np.float64]) -> dict[str, float]:
        return {u: v for u, v in zip(self.units, in_force.tolist(), strict=True) if v > 0.0}

    def copy(self) -> Thresholds:
        """The same ranges, to go on from here without moving these."""
        other = copy.copy(self)
        other._state = self._state.copy()
        other._maintenance = self._maintenance.copy()
        return other


class RangedModel(NamedTuple):
    """A margin model with other ranges, and what that changed.

    Attributes
    ----------
    model : MarginModel
    changes : Table
        unit, field, before, after: fractions.
    """

    model: MarginModel
    changes: Table


#: What covers the range (docs/decisions/0006-static-rates-cover-the-range.md) moves with it.
_COVERING = ("asset_haircut_frac", "isolated_mm_frac", "isolated_im_frac")


def with_ranges(
    model: str | os.PathLike[str] | MarginModel, ranges: Mapping[str, float]
) -> RangedModel:
    """A margin model with these ranges in place of its own.

    Haircuts and the static rates of cross and isolated accounts cover the range, so they are
    scaled with it, up to 1. A unit that the model does not name gets an entry of its own.

    Parameters
    ----------
    model : str, path or MarginModel
    ranges : mapping of unit to fraction
        Such as `Thresholds.ranges`; other units keep what they have.

    Raises
    ------
    ArgumentError
        A range that is not between 0 and 1, or of a unit whose range is 0, which does not move.

    Examples
    --------
    >>> ranged = with_ranges("house", {"BTC": 0.12})
    >>> ranged.model.unit("BTC").range_frac, ranged.model.unit("ETH").range_frac
    (0.12, 0.18)
    >>> ranged.changes[:2]
    unit  field               before  after
    BTC   range_frac            0.16   0.12
    BTC   asset_haircut_frac    0.16   0.12
    """
    held = load_model(model)
    data = held.model_dump()
    data["units"] = list(data["units"])
    rows: list[tuple[str, str, float, float]] = []
    for unit, range_frac in ranges.items():
        entry = held.unit(unit)
        if not 0.0 < range_frac < 1.0 or entry.range_frac == 0.0:
            raise ArgumentError(f"{unit}: a range of {range_frac!r} in place of "
                                f"{entry.range_frac!r}; both are between 0 and 1")  # fmt: skip
        data["units"].append(_ranged(entry.model_dump(), unit, range_frac, rows))
        for other in data["units"][:-1]:
            other["names"] = tuple(name for name in other["names"] if name != unit)
    data["units"] = [entry for entry in data["units"] if entry["names"]]
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    names = ("unit", "field", "before", "after")
    changes = Table(dict(zip(names, map(list, columns), strict=True)))
    return RangedModel(MarginModel.parse(data, source=held.name), changes)


def _ranged(
    entry: dict[str, Any], unit: str, range_frac: float, rows: list[tuple[str, str, float, float]]
) -> dict[str, Any]:
    """An entry for one unit alone; what changed is added to `rows`."""
    scale = range_frac / entry["range_frac"]

    def move(holder: dict[str, Any], field: str, path: str, value: float) -> None:
        if value != holder[field]:
            rows.append((unit, path, holder[field], value))
        holder[field] = value

    entry["names"] = (unit,)
    move(entry, "range_frac", "range_frac", range_frac)
    for field in _COVERING:
        move(entry, field, field, min(entry[field] * scale, 1.0))
    for i, tier in enumerate(entry["cross_tiers"]):
        for field in ("mm_frac", "im_frac"):
            move(tier, field, f"cross_tiers.{i}.{field}", min(tier[field] * scale, 1.0))
    return entry
