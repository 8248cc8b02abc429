# SPDX-License-Identifier: Apache-2.0
"""Collateral as data: chains, bridges and assets in TOML, every table with its sources."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from margin_core.checks import is_a, shown
from margin_core.errors import ModelError, UnknownInstrumentError
from margin_core.model import faults, read_table
from margin_core.venues.sourced import Strict

__all__ = ["Asset", "Bridge", "Catalogue", "Chain", "Redemption", "load_catalogue"]

Fraction = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]
Amount = Annotated[float, Field(strict=True, ge=0.0, le=1e15, allow_inf_nan=False)]
Days = Annotated[float, Field(strict=True, ge=0.0, le=3650.0, allow_inf_nan=False)]
Rate = Annotated[float, Field(strict=True, ge=0.0, le=10.0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]

BridgeClass = Literal["canonical", "light_client", "optimistic", "external", "issuer", "liquidity"]
AssetKind = Literal[
    "coin", "stablecoin", "staked", "restaked", "lending_receipt", "tokenised_bill", "bridged"
]
YieldKind = Literal["none", "exchange_rate", "rebasing", "lending_index", "coupon"]

T = TypeVar("T")


class Referenced(Strict):
    """A table whose numbers come from somewhere; the fields in `assumed` are our own."""

    source: tuple[Name, ...] = Field(min_length=1, description="Keys of [sources].")
    assumed: tuple[Name, ...] = Field((), description="Fields that are assumptions.")

    @model_validator(mode="after")
    def _assumed_exist(self) -> Self:
        for name in self.assumed:
            if name not in type(self).model_fields:
                raise ValueError(f"assumed: there is no field {name!r}")
        return self


class Risk(Referenced):
    """Numbers that belong to no one asset; docs/method/collateral.md has the formulas."""

    z: float = Field(
        strict=True, gt=0.0, le=10.0, description="Standard deviations that a volatility counts."
    )
    tail_frac: float = Field(
        strict=True, gt=0.0, lt=0.5, description="Of outcomes, that a bridge must survive."
    )
    notice_days: Days = Field(description="From a bridge's failure to a market that knows it.")
    queue_stretch_frac: Rate = Field(description="By how much a queue may outlast its estimate.")
    carry_per_year: Rate = Field(description="Cost of waiting hedged.")
    reorg_left_frac: float = Field(
        strict=True, gt=0.0, lt=1.0, description="Risk left at the reorg depth."
    )
    concentration_free_frac: float = Field(
        strict=True, ge=0.0, lt=1.0, description="Of a cap, where the marginal rate begins."
    )
    cap_delay_days: Days = Field(description="From a cap's raise to its first effect.")
    cap_ramp_days: float = Field(
        strict=True, gt=0.0, le=3650.0, description="From there to the whole raise."
    )
    own_token_frac: Fraction
    linked_frac: Fraction = Field(description="For an asset that rests on the issuer.")


class Severity(Referenced):
    """Loss of one bridge failure in USD: lognormal."""

    losses: int = Field(strict=True, ge=2)
    log_mean: float = Field(strict=True, ge=0.0, le=40.0)
    log_sd: float = Field(strict=True, gt=0.0, le=10.0)


class SecurityClass(Referenced):
    """Bridges that fail in one way."""

    failures_per_year: Rate


class CollateralUnit(Referenced):
    """What assets follow: a coin or a currency."""

    vol: Rate = Field(description="Per root year, of its price in USD.")
    range_frac: Fraction = Field(description="Haircut where no scenario moves its price.")


class Chain(Referenced):
    """How a chain's blocks become final."""

    finality: Literal["deterministic", "probabilistic", "rollup"]
    finality_seconds: float = Field(strict=True, ge=0.0, le=7 * 86400.0, allow_inf_nan=False)
    block_seconds: float = Field(strict=True, ge=1e-3, le=3600.0, allow_inf_nan=False)
    reorg_blocks: int = Field(
        0, strict=True, ge=0, le=10_000, description="0: only finality is known."
    )
    settles_on: str | None = Field(None, description="Whose finality a rollup waits for.")

    @model_validator(mode="after")
    def _settlement(self) -> Self:
        if (self.finality == "rollup") != (self.settles_on is not None):
            raise ValueError("settles_on belongs to rollups, and to all of them")
        return self


class Bridge(Referenced):
    """A route from one chain to another."""

    security: BridgeClass
    backing_usd: Amount = Field(description="What the route holds or has issued.")
    share_at_risk_frac: Fraction = Field(description="Of the backing, that one failure can take.")
    exit_days: Days = Field(description="From asking to holding the original.")
    operator: str = Field("", description="Who runs it; empty: nobody but those of its name.")


class Redemption(Referenced):
    """What the issuer gives back, and when."""

    to: Name = Field(description="Another asset, or a unit without one.")
    delay_days: Days
    closed_days: Days = Field(description="Assumed wait while the exit is closed.")
    fee_frac: Fraction = Field(description="Of what is redeemed.")
    open: bool = Field(True, strict=True)


class Asset(Referenced):
    """One token on one chain."""

    chain: Name
    unit: Name
    kind: AssetKind
    issuer: str = Field("", description="Empty: nobody's liability.")
    rests_on: tuple[Name, ...] = Field((), description="Other issuers that its value needs.")
    bridge: str | None = None
    factors: tuple[Name, ...] = Field((), description="Event columns of the scenarios it follows.")
    yields: YieldKind = "none"
    redemption: Redemption | None = None
    basis_vol: Rate = Field(0.0, description="Per root year, of its price in what it follows.")
    depth_usd: Amount = Field(description="Market depth: its sale moves the price impact_frac.")
    impact_frac: Fraction
    cap_usd: Amount = Field(description="What the whole venue takes at most.")
    owner_cap_usd: Amount = Field(description="What one owner counts at most.")
    projected_yield_haircut_frac: Fraction = Field(1.0, description="1: none of it counts.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "bridged" and self.bridge is None:
            raise ValueError("bridge: a bridged form names its bridge")
        if bool(self.depth_usd) != bool(self.impact_frac):
            raise ValueError("depth_usd and impact_frac go together: both 0 or neither")
        if self.owner_cap_usd > self.cap_usd:
            raise ValueError("owner_cap_usd is above cap_usd")
        return self


class FactorEvent(Referenced):
    """What happens to whoever follows a factor."""

    move_frac: float = Field(
        strict=True, ge=-1.0, lt=0.0, description="Extra move of the asset's price."
    )


class Catalogue(Strict):
    """Everything known about collateral; models/collateral/house.toml is a commented one."""

    name: Name
    sources: dict[str, Name]
    risk: Risk
    severity: Severity
    bridge_classes: dict[BridgeClass, SecurityClass]
    units: dict[str, CollateralUnit] = Field(min_length=1)
    chains: dict[str, Chain] = Field(min_length=1)
    bridges: dict[str, Bridge]
    assets: dict[str, Asset] = Field(min_length=1)
    events: dict[str, FactorEvent] = Field(
        {}, description='By factor, or by what stands before its first dot: "discount".'
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for path, table in self.tables():
            for key in table.source:
                if key not in self.sources:
                    raise ValueError(f"{path}.source: no {key!r} in [sources]")
        for name, chain in self.chains.items():
            if chain.settles_on is not None:
                _known(f"chains.{name}.settles_on", chain.settles_on, self.chains)
                if self.chains[chain.settles_on].settles_on is not None:
                    raise ValueError(f"chains.{name}.settles_on: itself a rollup")
        for name, bridge in self.bridges.items():
            _known(f"bridges.{name}.security", bridge.security, self.bridge_classes)
        for name, asset in self.assets.items():
            path = f"assets.{name}"
            _known(f"{path}.chain", asset.chain, self.chains)
            _known(f"{path}.unit", asset.unit, self.units)
            if asset.bridge is not None:
                _known(f"{path}.bridge", asset.bridge, self.bridges)
            for factor in asset.factors:
                if asset.factors.count(factor) > 1:
                    raise ValueError(f"{path}.factors: {factor!r} is there twice")
                kind, _, of = factor.partition(".")
                if self.events.get(factor, self.events.get(kind)) is None:
                    raise ValueError(f"{path}.factors: events has neither {factor!r} nor its kind")
                _known(f"{path}.factors: {factor}", of, (*self.assets, *self.bridges))
            self._redemption_path(name)
        return self

    def _redemption_path(self, name: str) -> None:
        """A path ends, and stays within the unit that the asset follows."""
        at, seen = name, [name]
        while (redemption := self.assets[at].redemption) is not None:
            path, to = f"assets.{at}.redemption.to", redemption.to
            if to not in self.assets:
                _known(path, to, self.units)
            unit = self.assets[to].unit if to in self.assets else to
            if unit != self.assets[at].unit:
                raise ValueError(f"{path}: {at} follows {self.assets[at].unit!r}, {to} {unit!r}")
            if to not in self.assets:
                return
            if to in seen:
                raise ValueError(f"{path}: goes in a circle")
            seen.append(at := to)

    def tables(self) -> Iterator[tuple[str, Referenced]]:
        """Every table that names sources, with its path."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Referenced):
                yield name, value
            elif isinstance(value, dict):
                for key, table in value.items():
                    if isinstance(table, Referenced):
                        yield f"{name}.{key}", table
                    if isinstance(table, Asset) and table.redemption is not None:
                        yield f"{name}.{key}.redemption", table.redemption

    def asset(self, symbol: str) -> Asset:
        """An asset by symbol.

        Raises
        ------
        UnknownInstrumentError
            There is none.
        """
        return _found("asset", symbol, self.assets)

    def within_a_day(self, symbol: str) -> tuple[str, ...]:
        """The asset, and what it turns into in less than a day: for caps, wstETH is stETH."""
        found = [symbol]
        while (redemption := self.asset(found[-1]).redemption) is not None:
            if redemption.delay_days >= 1.0 or redemption.to not in self.assets:
                break
            found.append(redemption.to)
        return tuple(found)

    def units_of(self, symbols: Iterable[str]) -> dict[str, str]:
        """The unit that each asset follows, for `Market.with_assets`."""
        return {symbol: self.asset(symbol).unit for symbol in symbols}

    def factors_of(
        self, symbols: Iterable[str], events: Collection[str]
    ) -> dict[str, tuple[str, ...]]:
        """The events that each asset follows, of those that there are, for `Margin.of`.

        An asset that follows none is left out.
        """
        found = {s: tuple(f for f in self.asset(s).factors if f in events) for s in symbols}
        return {symbol: factors for symbol, factors in found.items() if factors}

    @property
    def factors(self) -> frozenset[str]:
        """Every event that an asset follows or a bridge's failure is."""
        own = (factor for asset in self.assets.values() for factor in asset.factors)
        return frozenset(own) | {f"bridge.{name}" for name in self.bridges}

    @property
    def issuers(self) -> frozenset[str]:
        """Whoever an asset's value may rest on: issuers, bridges and those who run them."""
        found = {name for a in self.assets.values() for name in (a.issuer, *a.rests_on)}
        found |= {
            name for bridge in self.bridges for name in (bridge, self.bridges[bridge].operator)
        }
        return frozenset(found - {""})

    def event_move(self, factor: str) -> float:
        """How far a factor's event takes the assets that follow it; raises `ModelError`."""
        event = self.events.get(factor, self.events.get(factor.partition(".")[0]))
        if event is None:
            raise ModelError(f"{self.name}: events has neither {factor!r} nor its kind")
        return event.move_frac

    def bridge(self, name: str) -> Bridge:
        """A bridge by name; raises `UnknownInstrumentError`."""
        return _found("bridge", name, self.bridges)

    def chain(self, name: str) -> Chain:
        """A chain by name; raises `UnknownInstrumentError`."""
        return _found("chain", name, self.chains)

    @classmethod
    def parse(cls, data: dict[str, Any], *, source: str = "catalogue") -> Catalogue:
        """Check a catalogue given as nested dicts.

        Raises
        ------
        ModelError
            Names `source` and the path of every field at fault.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ModelError(f"{source}: {faults(error)}") from None


def load_catalogue(catalogue: str | os.PathLike[str] | Catalogue = "house") -> Catalogue:
    """The catalogue that comes with the package, or one from a TOML file.

    Raises
    ------
    ModelError
        The file cannot be read, is not TOML, or contradicts the schema; the path of the field is
        in the message.

    Examples
    --------
    >>> load_catalogue().assets["wstETH"].redemption.to
    'stETH'
    """
    if isinstance(catalogue, Catalogue):
        return catalogue
    is_a("catalogue", catalogue, (str, os.PathLike))
    return Catalogue.parse(read_table(catalogue, "collateral"), source=os.fspath(catalogue))


def _known(path: str, name: str, table: Iterable[str]) -> None:
    if name not in table:
        raise ValueError(f"{path}: there is no {name!r}")


def _found(what: str, name: str, table: dict[str, T]) -> T:
    if not isinstance(name, str) or name not in table:
        raise UnknownInstrumentError(f"there is no {what} {shown(name)} in the catalogue")
    return table[name]
