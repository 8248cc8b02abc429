# SPDX-License-Identifier: Apache-2.0
"""Recorded oracle faults, played against the guard and against an engine that believes its feed."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from margin_core.errors import FileError, UnknownInstrumentError
from margin_core.model import faults
from margin_core.oracle import Feed, OracleReading, OracleState, Quote, Source

__all__ = ["Event", "Outcome", "Run", "read_events", "replay"]

S = 1_000_000_000
START = 1_700_000_000 * S
DECIMALS = 12
#: What the recorded facts do not say, and every replay assumes.
N_SOURCES = 5
WARM_S, AFTER_S = 480, 1800
#: Part of its collateral's value that a loan may reach; the house's range of other coins is 35 %.
LOAN = 0.65
#: How far accounts that are healthy at the true price are from their limit, long and short.
ROOMS = np.geomspace(0.005, 0.9, 500)

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Move = Annotated[float, Field(strict=True, ge=-1.0, le=1e12, allow_inf_nan=False)]
Times = Annotated[float, Field(strict=True, ge=0.0, le=1e8, allow_inf_nan=False)]
Fault = Literal["one source", "all sources", "contract", "constant", "frozen", "few sources"]

#: Which part of an oracle failed, by the event's class; the first that fits.
_FAULT_OF_CLASS: dict[str, Fault] = {
    "quorum_loss": "few sources",
    "hardcoded_oracle": "constant",
    "oracle_floor": "frozen",
    "exchange_rate_donation": "contract",
    "guard_rail_inconsistency": "contract",
    "oracle_composition": "all sources",
    "single_venue_manipulation": "one source",
    "single_venue_mark": "one source",
    "off_venue_manipulation": "one source",
    "oracle_outlier": "one source",
    "confidence": "one source",
    "lst_discount": "one source",
    "synthetic": "one source",
    "oracle_unit_error": "all sources",
}
#: Judged here; the other criteria need stages that are not replayed.
JUDGED = ("P1", "P2", "P5", "P7", "P11")


class _Open(BaseModel):
    """Fields that other replays use may stand beside."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Shock(_Open):
    """What happened, relative to before; names as in the file."""

    horizon_s: Times
    fast_leg_s: Times | None = None
    spot: dict[str, Move] = {}
    depeg: dict[str, Move] = {}
    backing_ratio: dict[str, Annotated[Move, Field(ge=0.0)]] = {}
    oracle_dev: dict[str, Move] = {}
    oracle_conf: dict[str, Annotated[Move, Field(ge=0.0)]] = {}
    oracle_stale_s: Times | None = None
    oracle_sources_live: int | None = Field(None, ge=0, le=N_SOURCES, strict=True)
    liquidity: dict[str, Annotated[Move, Field(ge=0.0)]] = {}
    # Whether issuers redeem, before and during; the wait for it during.
    exit_open: dict[str, bool] = {}
    queue_days: dict[str, Annotated[Number, Field(ge=0.0, le=3650.0)]] = {}
    # What only a crash simulation reads: {unit: [[seconds, move], ...]}, and volatility before.
    waypoints: dict[str, tuple[tuple[Times, Annotated[Move, Field(gt=-1.0)]], ...]] = {}
    vol_before: dict[str, Annotated[Number, Field(gt=0.0, le=10.0)]] = {}
    begins: str | None = None


class Loss(_Open):
    usd: Annotated[Number, Field(ge=0.0)] | None = None
    note: str = ""


class Event(_Open):
    """One recorded fault."""

    id: str = Field(min_length=1)
    name: str
    date_utc: str
    classes: tuple[str, ...]
    what: str
    shock: Shock
    loss: Loss = Loss()
    provenance: dict[str, str] = Field(description="S sourced, D derived, A assumed, by field.")
    pass_criteria: tuple[str, ...]
    sources: tuple[str, ...] = ()

    @property
    def is_oracle_fault(self) -> bool:
        """A reported price was wrong, or none came."""
        return bool(self.shock.oracle_dev or self.shock.oracle_stale_s)

    def assumed(self) -> list[str]:
        """Fields that nobody has found a source for."""
        return sorted(name for name, kind in self.provenance.items() if "A" in kind.split("(")[0])


class _Catalogue(_Open):
    schema_name: Literal["margin_core.black_swans/1"] = Field(alias="schema")
    scenarios: tuple[Event, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Outcome:
    """What one engine did.

    Attributes
    ----------
    liquidated_frac : float
        Of accounts that are healthy at the true price at every instant.
    lent_frac : float
        Most that could be borrowed beyond the collateral's true worth, as a part of it.
    """

    liquidated_frac: float
    lent_frac: float


@dataclass(frozen=True)
class Run:
    """One asset of an event.

    Attributes
    ----------
    asset : str
    fault : str
        Which part failed.
    without, guarded : Outcome
        An engine that takes the faulty price at face, and ours.
    tripped_s : float
        After how long with the fault the guard said so; infinity: never.
    reasons : tuple of str
        What it said first.
    verdicts : dict of str to bool
        The pass criteria judged here.
    """

    asset: str
    fault: Fault
    without: Outcome
    guarded: Outcome
    tripped_s: float
    reasons: tuple[str, ...]
    verdicts: dict[str, bool]
    breaches: ClassVar[dict[str, float]] = {}

    @property
    def missed(self) -> list[str]:
        """Criteria that are not met."""
        return [code for code, met in self.verdicts.items() if not met]


@dataclass
class _Tally:
    """Worst of what an engine let happen."""

    liquidated: set[tuple[int, int]] = field(default_factory=set)
    lent_frac: float = 0.0

    def liquidate(self, price: float, side: int, low: float, high: float) -> None:
        """Accounts of one side whose limit `price` passes; healthy between low and high."""
        limits = low * (1 - ROOMS) if side > 0 else high * (1 + ROOMS)
        hit = price < limits if side > 0 else price > limits
        self.liquidated.update((side, int(i)) for i in np.flatnonzero(hit))

    def lend(self, price: float, truth: float) -> None:
        self.lent_frac = max(self.lent_frac, LOAN * price / truth - 1.0 if truth > 0 else 0.0)

    def outcome(self) -> Outcome:
        return Outcome(len(self.liquidated) / (2 * len(ROOMS)), self.lent_frac)


def read_events(
    path: str | os.PathLike[str] | None = None, *, builtin: str = "oracle"
) -> list[Event]:
    """The events of a catalogue.

    Parameters
    ----------
    path : path, optional
        JSON or TOML: schema = "margin_core.black_swans/1" and a list of scenarios, fields as in
        `Event`. Default: the few that come with the package.
    builtin : "oracle", "collateral" or "crash"
        Which of the package's own files.

    Raises
    ------
    FileError
        The file cannot be read, or a field is not what it must be; its path is in the message.
    """
    if path is None:
        path = f"{builtin}.toml"
        data = _toml((files("margin_core") / "faults" / path).read_text(encoding="utf-8"), path)
    else:
        data = _read(Path(path))
    try:
        events = list(_Catalogue.model_validate(data).scenarios)
    except ValidationError as error:
        raise FileError(f"{Path(path).name}: {faults(error)}") from None
    seen: set[str] = set()
    for i, event in enumerate(events):
        if event.id in seen:
            raise FileError(f"{Path(path).name}: scenarios.{i}.id: {event.id!r:.60} twice")
        seen.add(event.id)
    return events


def _read(path: Path) -> Any:
    from margin_core.adapters.files import read_json, read_text

    return _toml(read_text(path), path.name) if path.suffix == ".toml" else read_json(path)


def _toml(text: str, name: str) -> Any:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileError(f"{name}: not TOML: {error}") from None


def find_event(events: list[Event], name: str) -> Event:
    """The event of an id.

    Raises
    ------
    UnknownInstrumentError
        There is none; ids that hold the name are in the message.
    """
    for event in events:
        if event.id == name:
            return event
    near = [event.id for event in events if name.lower() in event.id] or [e.id for e in events]
    more = " ..." if len(near) > 4 else ""
    raise UnknownInstrumentError(f"no event {name!r:.60}; there is {', '.join(near[:4])}{more}")


def replay(event: Event) -> list[Run]:
    """Every wrong or missing price of an event, each played on its own.

    Returns
    -------
    list of Run
        Empty where the event is no fault of an oracle, or one that no price guard can see: a token
        that its makers trade among themselves has a price.
    """
    shock = event.shock
    runs = []
    if "fake_collateral" in event.classes:
        return []
    for asset, deviation in shock.oracle_dev.items():
        runs.append(_run(event, asset, deviation, _fault_of(event)))
    if shock.oracle_stale_s:
        moved = shock.spot or shock.depeg
        others = [asset for asset in moved if asset not in shock.oracle_dev]
        runs += [_run(event, asset, 0.0, "frozen") for asset in others]
    return runs


def _fault_of(event: Event) -> Fault:
    for name, fault in _FAULT_OF_CLASS.items():
        if name in event.classes:
            return fault
    return "all sources"


def _run(event: Event, asset: str, deviation: float, fault: Fault) -> Run:
    model = "contract_rate" if fault == "contract" else "house"
    kind = "contract" if fault == "contract" else "venue"
    count = 1 if fault == "contract" else N_SOURCES
    sources = [Source(f"s{i}", kind=kind, decimals=DECIMALS) for i in range(count)]
    feed = Feed("ASSET", "USD", sources, model=model, quorum=1 if count == 1 else None)
    world = _World(event, asset, deviation, fault, kind)
    without, guarded = _Tally(), _Tally()
    state, tripped_s = OracleState(), math.inf
    reasons: tuple[str, ...] = ()
    verdicts = dict.fromkeys(("P1", "P2", "P5", "P7"), True)
    for age_s in _instants(world.lasts_s):
        truth, now_ns = world.truth(age_s), START + round(age_s * S)
        state, reading, _ = feed.update_without_refused(state, world.quotes(feed, age_s), now_ns)
        if age_s < 0:
            continue
        _believe(without, world.reported(age_s), truth, world)
        _obey(guarded, reading, truth, world)
        wrong = 0 < age_s <= world.lasts_s and set(reading.reasons) - {"silent", "wide"}
        if wrong and tripped_s == math.inf:
            tripped_s, reasons = age_s, reading.reasons
        if reading.validity != "valid" and (
            reading.allows("withdrawal") or reading.allows("risk_increasing")
        ):
            verdicts["P2"] = False
        back_s = age_s - world.lasts_s
        if fault == "frozen" and 0 < back_s < feed.model.outage.grace_s:
            verdicts["P7"] &= not reading.allows("liquidation")
    within_s = feed.model.age.max_s if fault in ("constant", "frozen") else 1.0
    verdicts["P1"] = not guarded.liquidated
    verdicts["P5"] = tripped_s <= within_s
    verdicts["P11"] = guarded.lent_frac <= 0.0
    asked = [p for p in JUDGED if p in event.pass_criteria and (p != "P7" or fault == "frozen")]
    judged = {p: verdicts[p] for p in asked}
    judged.setdefault("P1", verdicts["P1"])  # asked of every oracle fault
    return Run(asset, fault, without.outcome(), guarded.outcome(), tripped_s, reasons, judged)


def _instants(lasts_s: float) -> Iterator[float]:
    """Seconds from the fault's beginning: before it, the first ticks, on, and after it."""
    yield from np.arange(-WARM_S, 0, 10.0).tolist()
    age_s = 1.0
    while age_s < lasts_s:
        yield age_s
        age_s += 1.0 if age_s < 60 else 10.0 if age_s < 3600 else 60.0
    yield from (lasts_s + np.arange(0.0, AFTER_S, 5.0)).tolist()


class _World:
    """The true price, what the faulty part reports, and what every source says."""

    def __init__(self, event: Event, asset: str, deviation: float, fault: Fault, kind: str) -> None:
        shock = event.shock
        self.deviation, self.fault, self.kind = deviation, fault, kind
        self.move = shock.depeg.get(asset, shock.spot.get(asset, 0.0))
        if fault == "constant" and not self.move:  # the truth left, the report stayed
            self.move = 1.0 / (1.0 + deviation) - 1.0
        self.lasts_s = max(shock.horizon_s, 1.0)
        if fault == "frozen" and shock.oracle_stale_s:
            self.lasts_s = shock.oracle_stale_s
        self.over_s = min(shock.fast_leg_s or self.lasts_s, self.lasts_s)
        self.confidence = shock.oracle_conf.get(asset, 0.0)
        self.live = shock.oracle_sources_live
        self.low, self.high = min(1.0, 1.0 + self.move), max(1.0, 1.0 + self.move)

    def truth(self, age_s: float) -> float:
        """1 before, and on a straight line to where it went."""
        part = min(max(age_s / self.over_s, 0.0), 1.0)
        return max(1.0 + self.move * part, 1e-6)

    def reported(self, age_s: float) -> float:
        """By the part that failed."""
        if not 0 < age_s <= self.lasts_s:
            return self.truth(age_s)
        if self.fault in ("constant", "frozen"):
            return 1.0
        return self.truth(age_s) * (1.0 + self.deviation)

    def quotes(self, feed: Feed, age_s: float) -> list[Quote]:
        """A constant and a frozen feed say what they said at first, with that time."""
        during = 0 < age_s <= self.lasts_s
        names = [source.name for source in feed.sources]
        if during and self.fault == "few sources" and self.live is not None:
            names = names[: self.live]
        still = during and self.fault in ("constant", "frozen")
        everywhere = self.fault != "one source" and self.fault != "few sources"
        return [
            self._quote(name, age_s, still=still, faulty=during and (everywhere or i == 0))
            for i, name in enumerate(names)
        ]

    def _quote(self, name: str, age_s: float, *, still: bool, faulty: bool) -> Quote:
        price = self.reported(age_s) if faulty else self.truth(age_s)
        mantissa = min(round(price * 10**DECIMALS), 2**62)
        wide = self.confidence if faulty else 0.0
        return Quote(
            name,
            "ASSET",
            "USD",
            mantissa,
            DECIMALS,
            START + round((-10.0 if still else age_s) * S),
            confidence=min(round(mantissa * wide), 2**62),
            executed_usd=1e7,
            displayed_usd=1e7,
            kind=self.kind,
        )


def _believe(tally: _Tally, price: float, truth: float, world: _World) -> None:
    """An engine without a guard: the reported price, for everything."""
    tally.lend(price, truth)
    for side in (1, -1):
        tally.liquidate(price, side, world.low, world.high)


def _obey(tally: _Tally, reading: OracleReading, truth: float, world: _World) -> None:
    """Ours: what the ladder allows, at the price it allows it at."""
    lent = reading.price_for("withdrawal")
    if lent is not None:
        tally.lend(lent, truth)
    for side in (1, -1):
        price: Any = reading.price_for("liquidation", owed=side < 0)
        if price is not None:
            tally.liquidate(price, side, world.low, world.high)
