# SPDX-License-Identifier: Apache-2.0
"""Rules of the oracle guard as data: limits, band, stable price and the validity ladder."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from margin_core.checks import is_a
from margin_core.errors import ModelError
from margin_core.model import faults, packaged_names
from margin_core.venues.sourced import Described, Sourced, Strict, merged, read_extended

__all__ = ["ACTIONS", "REASONS", "OracleModel", "load_oracle_model", "oracle_model_names"]

#: In the order of the core's bits and numbers.
REASONS = ("no_price", "no_quorum", "stale", "jump", "disagree", "deviation", "wide", "old",
           "settling", "silent", "outlier", "at_bound", "unsure", "not_positive")  # fmt: skip
ACTIONS = ("display", "margin_check", "risk_increasing", "withdrawal", "liquidation", "settlement")
PRICES = ("no", "mid", "adverse", "favourable")
MAX_CLASSES = 12

#: What every ladder has a class for: with any of these a price is not simply valid.
NOT_VALID = ("no_price", "no_quorum", "stale", "jump", "disagree", "deviation", "wide", "old")

Seconds = Annotated[float, Field(strict=True, gt=0.0, le=1e9, allow_inf_nan=False)]
Pause = Annotated[float, Field(strict=True, ge=0.0, le=1e9, allow_inf_nan=False)]
Limit = Annotated[float, Field(strict=True, gt=0.0, le=1e6, allow_inf_nan=False)]
Width = Annotated[float, Field(strict=True, ge=0.0, le=1e3, allow_inf_nan=False)]
Reason = Literal["no_price", "no_quorum", "stale", "jump", "disagree", "deviation", "wide", "old",
                 "settling", "silent", "outlier", "at_bound", "unsure", "not_positive"]  # fmt: skip
Price = Literal["no", "mid", "adverse", "favourable"]


class Age(Sourced):
    """When a quote weighs half, is old, and no longer counts."""

    future_s: Pause
    old_s: Seconds
    max_s: Seconds
    half_life_s: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_s < self.old_s:
            raise ValueError(f"max_s {self.max_s} is below old_s {self.old_s}")
        return self


class Depth(Sourced):
    """How slowly depth is believed."""

    half_life_s: Seconds


class Jump(Sourced):
    """A ratio r to the last accepted price waits while r - 1 > frac (1 + elapsed / window)."""

    frac: Limit
    window_s: Seconds


class Outage(Sourced):
    """How long without an accepted price is an outage, and what must come after one."""

    gap_s: Seconds
    grace_s: Pause
    n_fresh: int = Field(strict=True, ge=1, le=1_000_000)


class Limits(Sourced):
    """Beyond these a price or a source is not what it should be."""

    deviation_ratio: float = Field(strict=True, gt=1.0, le=1e6, allow_inf_nan=False)
    outlier_frac: Limit
    confidence_frac: Limit
    band_frac: float = Field(strict=True, gt=0.0, lt=1.0, allow_inf_nan=False)


class Spread(Sourced):
    """Half band per weighted median absolute deviation."""

    disagreement_k: Width


class Drift(Sourced):
    """Half band per root second of age."""

    frac_per_root_s: Width


class Stable(Sourced):
    """The slow price beside the guarded one."""

    interval_s: Seconds
    min_step_s: Pause
    max_step_s: Pause
    delay_growth_frac: Limit
    growth_frac_per_s: Limit

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_step_s < self.min_step_s:
            raise ValueError(f"max_step_s {self.max_step_s} is below min_step_s {self.min_step_s}")
        return self


class Allowed(Strict):
    """At which price each action goes through; "no" refuses it."""

    display: Price
    margin_check: Price
    risk_increasing: Price
    withdrawal: Price
    liquidation: Price
    settlement: Price


class Rung(Sourced):
    """A class of validity: the reasons that put a price there, and what it is good for."""

    name: str = Field(min_length=1)
    when: tuple[Reason, ...]
    allows: Allowed


class OracleModel(Described):
    """A whole rule; see models/oracle/house.toml for a commented one."""

    age: Age
    depth: Depth
    jump: Jump
    outage: Outage
    limits: Limits
    spread: Spread
    drift: Drift
    stable: Stable
    ladder: tuple[Rung, ...] = Field(min_length=1, max_length=MAX_CLASSES)

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        names = [rung.name for rung in self.ladder]
        if len(set(names)) < len(names):
            raise ValueError("ladder: two classes of one name")
        for i, rung in enumerate(self.ladder[:-1]):
            if not rung.when:
                raise ValueError(f"ladder.{i}.when: only the last class has no reasons")
        if self.ladder[-1].when:
            raise ValueError(f"ladder.{len(names) - 1}.when: the last class, valid, has no reasons")
        when = {reason for rung in self.ladder for reason in rung.when}
        for reason in NOT_VALID:
            if reason not in when:
                raise ValueError(f"ladder: no class is for {reason!r}")
        first = self.ladder[0]
        if "no_price" not in first.when or {*first.allows.model_dump().values()} != {"no"}:
            raise ValueError("ladder.0: the first class is for 'no_price' and allows nothing")
        return self


def oracle_model_names() -> list[str]:
    """The rules that come with the package."""
    return packaged_names("oracle")


def load_oracle_model(model: str | os.PathLike[str] | OracleModel = "house") -> OracleModel:
    """A rule of the oracle guard by the name of one in the package, or from a TOML file.

    A file may extend a named one: `extends = "house"`. Its tables are laid over that one's, its
    ladder takes the other's place.

    Raises
    ------
    ModelError
        The file cannot be read, is not TOML, or contradicts the schema; the path of the field is
        in the message.

    Examples
    --------
    >>> load_oracle_model("house").limits.band_frac
    0.02
    """
    if isinstance(model, OracleModel):
        return model
    is_a("model", model, (str, os.PathLike))
    label = os.fspath(model)
    try:
        return OracleModel.model_validate(read_extended(model, "oracle", "rule", _laid_over))
    except ValidationError as error:
        raise ModelError(f"{label}: {faults(error)}") from None


def _laid_over(old: dict[str, Any], new: dict[str, Any], label: str) -> dict[str, Any]:
    """Tables merge; a ladder takes the other's place."""
    ladder = new.get("ladder", old.get("ladder"))
    return {**merged({**old, "ladder": None}, new, label), "ladder": ladder}
