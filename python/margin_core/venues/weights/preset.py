# SPDX-License-Identifier: Apache-2.0
"""Presets of the weights engine: parameter classes, health types and how they add up, as data."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from margin_core.errors import NotMarginableError
from margin_core.venues.sourced import Described, NotNegative, Sourced, Strict

__all__ = ["Aggregate", "Class", "Contingency", "Health", "OptionRule", "SizePremium", "Weights",
           "WeightsPreset"]  # fmt: skip


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError("not a finite number of 0 or more")
    return value


#: Whole numbers stay whole: integer presets count in them.
Amount = Annotated[int | float, BeforeValidator(_amount)]


class Counting(Sourced):
    """What 1.0 is for each quantity, and how a quotient is rounded.

    float64 has every `*_one` at 1 and does not round. Integer presets round each quotient toward
    zero; `root_*` scale the integer square root: root(x) = isqrt(multiplier x + offset), whose unit
    is 1/root_one.
    """

    source: str = ""
    integer: bool = False
    weight_one: int = Field(1, ge=1, le=10**18)
    imf_one: int = Field(1, ge=1, le=10**18)
    size_one: int = Field(1, ge=1, le=10**18)
    quote_one: int = Field(1, ge=1, le=10**18)
    root_multiplier: int = Field(1, ge=0, le=10**18)
    root_offset: int = Field(0, ge=0, le=10**18)
    root_one: int = Field(1, ge=1, le=10**18)

    @property
    def has_premium_unit(self) -> bool:
        """Whether root times imf is counted finely enough to be put in weights."""
        return self.root_one * self.imf_one >= self.weight_one

    @model_validator(mode="after")
    def _whole(self) -> Counting:
        ones = (self.weight_one, self.imf_one, self.size_one, self.quote_one, self.root_one)
        if not self.integer and max(ones) > 1:
            raise ValueError("every *_one is 1 in float64")
        return self


class Weights(Strict):
    """Of one class in one health type.

    Balances: weight of what is held, of what is owed. Positions: rate on the notional of a long,
    of a short; `pnl` is the weight on positive P&L, 1 where not given.
    """

    long: Amount = 0
    short: Amount = 0
    pnl: Amount | None = None


class OptionRule(Strict):
    """What a short option must hold beyond its mark, as fractions of the index (mark: of the mark).

    `floor` times the charge under `floor_of` is the least; `unpaired` times the forward is charged
    for every call sold beyond those held.
    """

    spot_max: NotNegative = 0.0
    spot_min: NotNegative = 0.0
    mark: NotNegative = 0.0
    floor: NotNegative = 0.0
    floor_of: str = "maint"
    unpaired: NotNegative = 0.0


class Contingency(Strict):
    """Below `threshold`, what is missing is charged at `factor`; factor 0 switches it off."""

    threshold: NotNegative = 0.0
    factor: NotNegative = 0.0


class Class(Sourced):
    """Parameters shared by the instruments named; one column entry each in the core."""

    names: tuple[str, ...] = Field(min_length=1, description='"*": what no class names.')
    weights: dict[str, Weights] = {}
    options: dict[str, OptionRule] = {}
    imf: Amount = Field(0, description="Size premium per square root of a unit.")
    pnl_imf: Amount = Field(0, description="The same on positive P&L, per root of a dollar.")
    deposit_scale_start: Amount = Field(0, description="USD; 0: no scaling.")
    borrow_scale_start: Amount = 0
    oi_lower: Amount = Field(0, description="Open interest, USD.")
    oi_upper: Amount = Field(0, description="0: no scaling.")
    tiers: tuple[tuple[Amount, Amount], ...] = Field(
        (), max_length=32, description="Above USD, rate added."
    )
    supply_cap: Amount = Field(0, description="Quantity credited at most; 0: no cap.")
    borrow_cap: Amount = Field(0, description="Quantity that other assets may stand for; 0: none.")
    confidence: Contingency = Contingency()
    depeg: Contingency = Contingency()

    @model_validator(mode="after")
    def _in_order(self) -> Class:
        if self.oi_upper and self.oi_upper < self.oi_lower:
            raise ValueError("oi_upper is below oi_lower")
        above = [0, *(tier[0] for tier in self.tiers)]
        if any(b <= a for a, b in zip(above, above[1:], strict=False)):
            raise ValueError("tiers: sizes must be positive and rise")
        return self


class Health(Sourced):
    """What counts in one health type. `average`: weights are the mean of those types' weights."""

    weights: str = ""
    average: tuple[str, ...] = ()
    price: Literal["first", "strict", "median"] = "first"
    scaled: bool = False
    contingencies: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> Health:
        if bool(self.weights) == bool(self.average):
            raise ValueError("give weights or average, one of them")
        return self


class Aggregate(Sourced):
    """How an account's parts become collateral and requirement."""

    pnl: Literal["gross", "net"] = Field(
        "gross", description="net: P&L less its requirement is weighted and settled."
    )
    liabilities: Literal["collateral", "requirement"] = Field(
        "collateral", description="Where what is owed counts."
    )
    per_token: bool = Field(False, description="Worst ratio over tokens instead of one pool.")
    fixed: Amount = Field(0, description="Requirement of every settlement token.")
    limit: float = Field(
        1.0, gt=0.0, le=1e6, description="Liquidatable: requirement > limit collateral."
    )


class SizePremium(Sourced):
    """long: min(w, numerator / (1 + imf sqrt(size))); short: max(w, w - w / drop + imf sqrt)."""

    numerator: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (11, 10)
    drop: int = Field(5, ge=1)


class WeightsPreset(Described):
    """Margin by weights and rates: a venue's, or one's own."""

    kind: Literal["weights"]
    currency: str = Field("USDC", description="The token in which P&L of the venue settles.")
    health: dict[str, Health] = Field(min_length=1)
    aggregate: Aggregate
    arithmetic: Counting | None = None
    size_premium: SizePremium | None = None
    classes: tuple[Class, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> WeightsPreset:
        counting = self.arithmetic
        integer = counting is not None and counting.integer
        if counting and self.size_premium and not counting.has_premium_unit:
            raise ValueError("arithmetic.weight_one: above root_one imf_one, a premium has no unit")
        for name, health in self.health.items():
            for part in health.average:
                if part not in self.health:
                    raise ValueError(f"health.{name}.average: no health type {part!r}")
                if self.health[part].average:
                    raise ValueError(f"health.{name}.average: an average of averages")
            if integer and health.contingencies:
                raise ValueError(f"health.{name}.contingencies: float64 only")
        for i, entry in enumerate(self.classes):
            if (entry.imf or entry.pnl_imf) and self.size_premium is None:
                raise ValueError(f"classes.{i}.imf: the preset has no [size_premium]")
            if integer and entry.options:
                raise ValueError(f"classes.{i}.options: float64 only")
        return self

    def of(self, name: str) -> Class:
        """The last class that names it, else the last "*"."""
        for wanted in (name, "*"):
            for entry in reversed(self.classes):
                if wanted in entry.names:
                    return entry
        raise NotMarginableError(f"{self.name} does not margin {name}: no class names it")
