# SPDX-License-Identifier: Apache-2.0
"""Presets of the scan engine: scenario families, charges and how they combine, as data.

A preset holds numbers and the names of rules, never market data and never accounts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from margin_core.errors import ModelError
from margin_core.venues.sourced import Described, Finite, NotNegative, Sourced, Strict

__all__ = ["ScanPreset"]

Move = Annotated[float, Field(ge=-1.0, allow_inf_nan=False)]
Kind = Literal["asset", "perpetual", "future", "option"]
#: "up", "down", "same", the name of a skew, or a fraction that the tenor scales.
VolRule = str | Finite


class Pricing(Sourced):
    """How a value follows from forward, volatility, time and rate."""

    numeraire: Literal["USD", "coin"] = "USD"
    #: proportional: F' = F_fixed + F_variable (1 + move). constant: F' = F + index move.
    basis: Literal["proportional", "constant"] = "proportional"
    discounted: bool = Field(True, description="Option values times exp(-max(rate, 0) years).")
    days_per_year: float = Field(365.0, ge=1.0, le=1000.0, description="Of its years to expiry.")
    total_vol_cap: float | None = Field(None, gt=0.0, description="Of vol sqrt(years).")
    core_quantum: float | None = Field(None, gt=0.0, description="The core is rounded to it.")


class BookRules(Sourced):
    """What an account may hold."""

    kinds: tuple[Kind, ...] = ("asset", "perpetual", "future", "option")
    contracts: Literal["linear", "inverse", "any"] = "any"
    single_unit: bool = False


class VolTerm(Sourced):
    """(30 / max(days, days_floor))^power: how much more a near volatility moves."""

    days_floor: NotNegative
    power_short: NotNegative = Field(description="Up to 30 days.")
    power_long: NotNegative = Field(description="Beyond.")


class Unit(Sourced):
    """How the underlyings named here are shocked."""

    names: tuple[str, ...] = Field(min_length=1, description='"*": every unit not named elsewhere.')
    range_frac: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    vol_up_frac: NotNegative = 0.0
    vol_down_frac: NotNegative = 0.0
    vol_up_min: NotNegative = 0.0
    gain_offset: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    gain_cap: float | None = Field(None, ge=0.0, description="In the numeraire; none: no cap.")
    dampener_usd: NotNegative = 0.0


class Asset(Sourced):
    """A collateral asset; one that follows the unit's spot cancels its risk."""

    name: str
    follows_spot: bool = False
    haircut_mm: NotNegative = 0.0
    haircut_im_extra: NotNegative = 0.0


class Skew(Sourced):
    """vol times max(0, 1 + sign(k) min(|k| cap / k_star, cap)), k = ln(K / F) or its magnitude."""

    absolute: bool
    cap_base: Finite
    cap_per_root_year: Finite
    k_star_min: NotNegative
    width_scale: Finite
    vol_static: Finite
    vol_per_root_year: Finite


class _Family(Sourced):
    label: str = "scan"
    horizon_days: NotNegative = 0.0
    rule: Literal["add", "fold"] = Field("add", description="fold: each expiry counts as -|P&L|.")


class Grid(_Family):
    """Moves in parts of the unit's range, times volatility rules."""

    kind: Literal["grid"]
    spot: tuple[Finite, ...] | dict[str, tuple[Finite, ...]] = Field(
        description='One ladder for all, or one a unit; "*" for the others.'
    )
    vol: tuple[VolRule, ...] = ("same",)
    weight: NotNegative = 1.0


class Tails(_Family):
    """Absolute moves beyond the range; the weight is by the move.

    `range/|move|` for values in USD; `edge` for values in coin, where an inverse future then
    counts as at the edge of the range: range / |m| (1 + m) / (1 + sign(m) range).
    """

    kind: Literal["tails"]
    moves: tuple[Move, ...]
    vol: VolRule = "up"
    weight: Literal["range/|move|", "edge"]
    factor: NotNegative = 1.0

    @model_validator(mode="after")
    def _far(self) -> Tails:
        if any(move in (0.0, -1.0) for move in self.moves):
            raise ValueError("moves: 0 and -1 are no tails")
        return self


class Rows(_Family):
    """Absolute moves, volatility rule and weight, row by row."""

    kind: Literal["rows"]
    rows: tuple[tuple[Move, VolRule, NotNegative], ...]


class Competitor(Sourced):
    """A row in the min: sum over expiries of min(0, P&L at each move) (add + per_year years)."""

    name: str
    moves: tuple[Move, ...] = Field(min_length=1)
    add: Finite
    per_year: Finite


class StaticDiscount(Sourced):
    """What an expiry's total shocked value counts, by its sign.

    long: long_base exp(-years (rate long_rate_mult + long_rate_add));
    short: min(1 / discount, short_base exp(years (rate short_rate_mult + short_rate_add))).
    """

    long_base: NotNegative
    long_rate_mult: Finite
    long_rate_add: Finite
    short_base: NotNegative
    short_rate_mult: Finite
    short_rate_add: Finite


class Tenor(Strict):
    """linear: a + b years; exp: max(minimum, exp(a years) - 1)."""

    form: Literal["linear", "exp"]
    a: Finite
    b: Finite = 0.0
    minimum: NotNegative = 0.0


class Tiers(Strict):
    """Each multiplier on the part of the amount above its bound, up to the next."""

    kind: Literal["tiers"]
    above: tuple[NotNegative, ...] = Field(min_length=1, max_length=8)
    multiplier: tuple[NotNegative, ...]

    @model_validator(mode="after")
    def _rising(self) -> Tiers:
        if len(self.multiplier) != len(self.above):
            raise ValueError("multiplier: one for each bound is needed")
        if any(a >= b for a, b in pairwise(self.above)):
            raise ValueError("above: bounds must rise")
        return self


class Ramp(Strict):
    """min(max(x - threshold, 0) x / index increment, cap x) of an amount x in USD."""

    kind: Literal["ramp"]
    threshold_usd: NotNegative
    increment: NotNegative
    cap: NotNegative


class Charge(Sourced):
    """An amount of every account and unit, from its positions; see charges.charge_amount."""

    name: str
    base: Literal["lots", "notional", "at_index", "delta", "delta_mark", "vega",
                  "haircut_mm", "haircut_im_extra", "uncertainty"]  # fmt: skip
    kinds: tuple[Kind, ...] = ("asset", "perpetual", "future", "option")
    units: tuple[str, ...] | None = Field(None, description="None: units that no namesake names.")
    segment: Literal["instrument", "pair", "term", "tenor", "unit"] = "instrument"
    form: Literal["gross", "short", "net", "hedged", "least_net", "spreads"] = "gross"
    tenor: Tenor | None = None
    edges_days: tuple[NotNegative, ...] = Field((), description="Of tenor segments and spreads.")
    spreads: tuple[tuple[int, int, NotNegative], ...] = Field((), description="Tiers a, b; rate.")
    threshold: NotNegative = Field(0.0, description="Of uncertainty: counts below it.")
    transform: Annotated[Tiers | Ramp, Field(discriminator="kind")] | None = None
    rate: NotNegative = Field(0.0, description="Counts in MM and IM.")
    rate_im_extra: NotNegative = Field(0.0, description="Counts in IM only.")
    role: Literal["inside", "outside", "core_floor", "unit_floor"] = "inside"


class Leg(Strict):
    """One side of an inter-commodity spread: `ratio` deltas of a unit, long (+1) or short (-1)."""

    unit: str
    ratio: float = Field(gt=0.0)
    side: Literal[-1, 1]


class Credit(Sourced):
    """A part of the price risk of offsetting deltas, forgiven; entries in order of priority."""

    legs: tuple[Leg, Leg]
    credit_frac: Annotated[float, Field(ge=0.0, le=1.0)]


class Combination(Sourced):
    """How the units of one account set off against each other.

    sum: not at all. joint: lambda of what one minimum over their summed rows would save.
    correlation: sqrt(c' rho c). credits: by the table.
    """

    kind: Literal["sum", "joint", "correlation", "credits"] = "sum"
    lambda_frac: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    correlation: tuple[tuple[str, str, Annotated[float, Field(ge=-1.0, le=1.0)]], ...] = ()
    credits: tuple[Credit, ...] = ()


class Factors(Sourced):
    """IM = im (...), MM = mm (...); below the peg, im rises by peg_slope per unit of price."""

    im: NotNegative
    mm: NotNegative
    peg_threshold: NotNegative = 0.0
    peg_slope: NotNegative = 0.0


class ScanPreset(Described):
    """Margin by scenarios: a venue's, or one's own."""

    kind: Literal["scan"]
    #: surplus: equity less requirement. less_options: requirement less net option value.
    report: Literal["requirement", "surplus", "less_options"] = "requirement"
    pricing: Pricing
    book: BookRules
    vol_term: VolTerm
    units: tuple[Unit, ...] = Field(min_length=1)
    assets: tuple[Asset, ...] = ()
    skews: dict[str, Skew] = {}
    scenarios: tuple[Annotated[Grid | Tails | Rows, Field(discriminator="kind")], ...] = Field(
        min_length=1
    )
    competitors: tuple[Competitor, ...] = ()
    static_discount: StaticDiscount | None = None
    charges: tuple[Charge, ...] = ()
    combination: Combination
    factors: Factors

    def unit(self, name: str) -> Unit:
        """The entry that governs a unit; "*" where none names it."""
        for wanted in (name, "*"):
            for unit in self.units:
                if wanted in unit.names:
                    return unit
        raise ModelError(f"{self.name}: units has no {name!r}")

    def asset(self, name: str, unit: str) -> Asset:
        """The entry of a collateral asset; "=" is the unit's own coin, where no entry names it."""
        for wanted in (name, "=" if name == unit else name):
            for asset in self.assets:
                if asset.name == wanted:
                    return asset
        raise ModelError(f"{self.name}: assets has no {name!r}")
