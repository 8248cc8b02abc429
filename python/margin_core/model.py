# SPDX-License-Identifier: Apache-2.0
"""Margin models as data: TOML in, a checked and immutable description out."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from margin_core.checks import is_a, shown
from margin_core.errors import ModelError

__all__ = ["MarginModel", "load_model", "model_names"]

#: EU 153/2013 art. 27: offsets of at most 80 %, in 1/1024.
LAMBDA_MAX = 819
MAX_FILE_BYTES = 4 << 20

Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0.0, le=1e18, allow_inf_nan=False)]
Move = Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)]
SpotMove = Annotated[float, Field(gt=-1.0, le=1000.0, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-1000.0, le=1000.0, allow_inf_nan=False)]
Days = Annotated[float, Field(ge=0.0, le=36500.0, allow_inf_nan=False)]
VolRule = Literal["down", "same", "up"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class _Sourced(_Strict):
    source: str = Field(description="Key of the [sources] table: where the numbers come from.")


class Quantum(_Strict):
    """What amounts are counted in."""

    numeraire: str = Field(default="USD", description='"USD" or the name of a unit (coin margin).')
    size: float = Field(default=1e-6, gt=0.0, le=1.0, allow_inf_nan=False)


class Factors(_Sourced):
    """What the core is multiplied by, in 1/1024."""

    mm_k: int = Field(ge=1, le=16 * 1024)
    im_k: int = Field(ge=1, le=16 * 1024)

    @model_validator(mode="after")
    def _ordered(self) -> Factors:
        if self.im_k < self.mm_k:
            raise ValueError(f"im_k {self.im_k} is below mm_k {self.mm_k}")
        return self


class Group(_Sourced):
    """Units that move together, and what they may set off against each other."""

    lambda_k: int = Field(ge=0, le=LAMBDA_MAX, description="In 1/1024.")


class VolTerm(_Sourced):
    """(30 / max(days, days_floor))^p: how much more a near volatility moves."""

    days_floor: float = Field(1.0, gt=0.0, le=3650.0)
    power_short: float = Field(0.0, ge=0.0, le=2.0)
    power_long: float = Field(0.0, ge=0.0, le=2.0)


class Vega(_Sourced):
    """Edges of the tenor buckets whose volatilities may move apart."""

    edges_days: tuple[float, float, float] = (30.0, 90.0, 180.0)

    @field_validator("edges_days")
    @classmethod
    def _rising(cls, edges: tuple[float, float, float]) -> tuple[float, float, float]:
        if not 0.0 < edges[0] < edges[1] < edges[2]:
            raise ValueError("edges must be positive and rise")
        return edges


class Tier(_Strict):
    """Rates for the part of a unit's notional above a size."""

    above_usd: Amount
    mm_frac: Fraction
    im_frac: Fraction


class Unit(_Sourced):
    """How the units named here are shocked and charged."""

    names: tuple[str, ...] = Field(min_length=1, description='"*": every unit not named elsewhere.')
    group: str
    range_frac: Annotated[float, Field(ge=0.0, lt=1.0)]
    vol_up_frac: Move = 0.0
    vol_down_frac: Fraction = 0.0
    vol_up_min: Move = 0.0
    roll_move_frac: Move = 0.0
    roll_min_frac: Fraction = 0.0
    short_option_mm_frac: Fraction = 0.0
    short_option_im_frac: Fraction = 0.0
    vega_twist: Move = 0.0
    close_frac: Fraction = 0.0
    depth_usd: Amount = 0.0
    impact_frac: Fraction = 0.0
    market_depth_usd: Amount = 0.0
    market_impact_frac: Fraction = 0.0
    asset_haircut_frac: Fraction = 0.0
    isolated_mm_frac: Fraction
    isolated_im_frac: Fraction
    cross_tiers: tuple[Tier, ...] = Field(min_length=1, max_length=8)
    open_interest_lower_usd: Amount = 0.0
    open_interest_upper_usd: Amount = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> Unit:
        if self.short_option_im_frac < self.short_option_mm_frac:
            raise ValueError("short_option_im_frac is below short_option_mm_frac")
        if self.isolated_im_frac < self.isolated_mm_frac:
            raise ValueError("isolated_im_frac is below isolated_mm_frac")
        if self.cross_tiers[0].above_usd != 0.0:
            raise ValueError("cross_tiers must start at above_usd = 0")
        for low, high in zip(self.cross_tiers, self.cross_tiers[1:], strict=False):
            if high.above_usd <= low.above_usd:
                raise ValueError("cross_tiers: above_usd must rise")
            if high.mm_frac < low.mm_frac or high.im_frac < low.im_frac:
                raise ValueError("cross_tiers: rates must not fall")
        if any(tier.im_frac < tier.mm_frac for tier in self.cross_tiers):
            raise ValueError("cross_tiers: im_frac is below mm_frac")
        if self.open_interest_upper_usd and (
            self.open_interest_upper_usd <= self.open_interest_lower_usd
        ):
            raise ValueError("open_interest_upper_usd is not above open_interest_lower_usd")
        for depth, impact in (("depth_usd", "impact_frac"),
                              ("market_depth_usd", "market_impact_frac")):  # fmt: skip
            if bool(getattr(self, depth)) != bool(getattr(self, impact)):
                raise ValueError(f"{depth} and {impact} go together: both 0 or neither")
        return self


class Grid(_Sourced):
    """Spot moves times volatility rules; moves are fractions of the unit's range."""

    kind: Literal["grid"]
    spot: tuple[Number, ...] = Field(min_length=1)
    vol: tuple[VolRule, ...] = ("same",)
    weight: Move = 1.0


class Tails(_Sourced):
    """Absolute moves far beyond the range, counted in part."""

    kind: Literal["tails"]
    moves: tuple[SpotMove, ...] = Field(min_length=1)
    vol: VolRule = "same"
    weight: Literal["range/|move|"] | tuple[Move, ...] = "range/|move|"

    @model_validator(mode="after")
    def _weights(self) -> Tails:
        if 0.0 in self.moves:
            raise ValueError("moves: a tail of 0 is no tail")
        if isinstance(self.weight, tuple) and len(self.weight) != len(self.moves):
            raise ValueError(f"{len(self.weight)} weights for {len(self.moves)} moves")
        return self


class VolPoints(_Strict):
    """Absolute change of volatility by tenor; 0.01 is one point, linear between tenors."""

    tenor_days: tuple[Days, ...] = Field(min_length=1)
    points: tuple[Number, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _matching(self) -> VolPoints:
        if len(self.tenor_days) != len(self.points):
            raise ValueError(f"{len(self.points)} points for {len(self.tenor_days)} tenors")
        if any(b <= a for a, b in zip(self.tenor_days, self.tenor_days[1:], strict=False)):
            raise ValueError("tenor_days must rise")
        return self


class Event(_Sourced):
    """One named world: a move of every unit, and what comes with it."""

    kind: Literal["event"]
    name: str = Field(min_length=1)
    moves: dict[str, SpotMove] = Field(description='By unit; "*" for all others.')
    vol: VolRule = "same"
    vol_points: VolPoints | None = None
    skew_slope: Number = 0.0
    skew_cap: Move = 1.0
    basis: SpotMove = 0.0
    horizon_days: Days = 0.0
    weight: Move = 1.0
    factors: dict[str, Annotated[float, Field(ge=-1.0, le=1000.0)]] = Field(
        default_factory=dict, description="Extra move of the assets that follow a factor."
    )


Family = Annotated[Grid | Tails | Event, Field(discriminator="kind")]


class MarginModel(_Strict):
    """A whole margin model; see models/house.toml for a commented one."""

    name: str = Field(min_length=1)
    source: str
    verified: bool = True
    sources: dict[str, str]
    quantum: Quantum = Quantum()
    factors: Factors
    groups: dict[str, Group] = Field(min_length=1)
    vol_term: VolTerm
    vega: Vega
    scenarios: tuple[Family, ...] = Field(min_length=1)
    units: tuple[Unit, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> MarginModel:
        seen: dict[str, int] = {}
        for i, unit in enumerate(self.units):
            if unit.group not in self.groups:
                raise ValueError(f"units.{i}.group: there is no group {unit.group!r}")
            for name in unit.names:
                if name in seen:
                    raise ValueError(f"units.{i}.names: {name!r} is in units.{seen[name]} too")
                seen[name] = i
        for path, part in self._sourced():
            if part not in self.sources:
                raise ValueError(f"{path}: no source {part!r} in [sources]")
        return self

    def _sourced(self) -> list[tuple[str, str]]:
        parts: list[tuple[str, str]] = [("source", self.source)]
        for path in ("factors", "vol_term", "vega"):
            parts.append((f"{path}.source", getattr(self, path).source))
        parts += [(f"groups.{name}.source", group.source) for name, group in self.groups.items()]
        parts += [(f"scenarios.{i}.source", s.source) for i, s in enumerate(self.scenarios)]
        parts += [(f"units.{i}.source", unit.source) for i, unit in enumerate(self.units)]
        return parts

    def unit(self, name: str) -> Unit:
        """The entry that governs a unit; "*" where none names it.

        Raises
        ------
        ModelError
            No entry names it and there is no "*".
        """
        star = None
        for unit in self.units:
            if name in unit.names:
                return unit
            if "*" in unit.names:
                star = unit
        if star is None:
            raise ModelError(f"model {self.name!r} has no entry for unit {name!r} and no '*'")
        return star

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of a model file."""
        return cls.model_json_schema()

    @classmethod
    def parse(cls, data: dict[str, Any], *, source: str = "model") -> MarginModel:
        """Check a model given as nested dicts.

        Raises
        ------
        ModelError
            Names `source` and the path of every field at fault.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ModelError(f"{source}: {faults(error)}") from None


def faults(error: ValidationError) -> str:
    """The first fields at fault, with their paths.

    A list whose entries are at fault counts as empty to the schema; that is not said.
    """
    found = error.errors(include_url=False, include_context=False)
    found = [
        fault for fault in found
        if fault["type"] != "too_short"
        or not any(f["loc"][: len(fault["loc"])] == fault["loc"] != f["loc"] for f in found)
    ]  # fmt: skip
    faults = []
    for fault in found[:5]:
        path = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            text = "unknown field"
        faults.append(f"{path}: {text}" if path else text)
    if len(found) > 5:
        faults.append(f"and {len(found) - 5} more")
    return "; ".join(faults)


def packaged_names(folder: str = "") -> list[str]:
    """The TOML files of one folder of the package's models."""
    entries = (files("margin_core") / "models" / folder).iterdir()
    return sorted(p.name.removesuffix(".toml") for p in entries if p.name.endswith(".toml"))


def model_names() -> list[str]:
    """The models that come with the package."""
    return packaged_names()


@cache
def _packaged(name: str, folder: str) -> dict[str, Any]:
    path = files("margin_core") / "models" / folder / f"{name}.toml"
    return parse_toml(path.read_text(encoding="utf-8"), name)


def read_table(model: str | os.PathLike[str], folder: str = "") -> dict[str, Any]:
    """The tables of a file of the package, by name, or of one by its path.

    Raises
    ------
    ModelError
        The file cannot be read or is not TOML.
    """
    names = packaged_names(folder)
    if isinstance(model, str) and model in names:
        return dict(_packaged(model, folder))
    return parse_toml(read_model_text(Path(model), names), os.fspath(model))


def parse_toml(text: str, label: str) -> dict[str, Any]:
    """The tables of a text, or a ModelError that names it."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ModelError(f"{label}: not TOML: {error}") from None


def is_house_model(model: str) -> bool:
    """False for a venue preset, by name or file: a TOML table that says of which kind it is."""
    try:
        data = read_table(model)
    except ModelError:
        return True
    return "kind" not in data and "extends" not in data


def load_model(model: str | os.PathLike[str] | MarginModel = "house") -> MarginModel:
    """A model by the name of one that comes with the package, or from a TOML file.

    Raises
    ------
    ModelError
        The file cannot be read, is not TOML, or contradicts the schema; the path of the field is
        in the message.

    Examples
    --------
    >>> load_model("house").unit("DOGE").range_frac
    0.35
    """
    if isinstance(model, MarginModel):
        return model
    is_a("model", model, (str, os.PathLike))
    label = os.fspath(model)
    data = read_table(model)
    if data.get("kind") in ("scan", "weights"):
        raise ModelError(f"{label}: a venue preset, not a house model; load_preset reads it")
    return MarginModel.parse(data, source=label)


def read_model_text(path: Path, names: Sequence[str]) -> str:
    """The text of a model file, or a ModelError that names it."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        known = ", ".join(names)
        raise ModelError(f"{path}: {error.strerror} (models by name: {known})") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not UTF-8 at byte {error.start}") from None
    except ValueError:
        raise ModelError(f"{shown(str(path))}: no path, it holds a zero byte") from None
