# SPDX-License-Identifier: Apache-2.0
"""Ours and a peer, turn by turn, so that a slow phase of the machine hits both."""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

CPU, WALL = "CPU", "wall"
CLOCKS = {CPU: time.process_time, WALL: time.perf_counter}


@dataclass(frozen=True)
class Effort:
    """How long a run takes: samples of each side, and the shortest sample in seconds."""

    rounds: int
    sample_s: float


FULL = Effort(rounds=11, sample_s=0.05)
QUICK = Effort(rounds=3, sample_s=0.01)


@dataclass
class Runner:
    """One way to do a piece of work.

    `seconds`, where given, does the work once and says how long that took: for work that is done
    in another process.
    """

    name: str
    run: Callable[[], Any]
    n: int
    result: Callable[[], dict[str, Any]] | None = None
    tolerance: float = 0.0
    seconds: Callable[[], float] | None = None

    def sample(self, clock: Callable[[], float], repeats: int) -> float:
        """Seconds for one item."""
        if self.seconds is not None:
            return sum(self.seconds() for _ in range(repeats)) / (repeats * self.n)
        start = clock()
        for _ in range(repeats):
            self.run()
        return (clock() - start) / (repeats * self.n)


@dataclass
class Spread:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass
class Peer:
    name: str
    time: Spread
    ratio: Spread  # of its time to ours, sample by sample
    difference: float | None  # largest, of the column's largest value
    tolerance: float


@dataclass
class Case:
    """Our time for some work, and that of everybody else who can do it."""

    key: str
    what: str
    unit: str  # what a time is counted in: "ns/option"
    clock: str
    ours: Spread
    peers: list[Peer] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    note: str = ""
    processors: float | None = None  # CPU over wall time of ours, where the wall was the clock

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def fastest(self, *words: str) -> Peer | None:
        """The fastest peer whose name begins with one of these words; any, without words."""
        wanted = [p for p in self.peers if not words or p.name.startswith(words)]
        return min(wanted, key=lambda p: p.time.median, default=None)


SCALE = {"ns": 1e9, "us": 1e6, "ms": 1e3}


def race(
    key: str,
    what: str,
    unit: str,
    ours: Runner,
    peers: Iterable[tuple[str, Callable[[], Runner]]],
    effort: Effort,
    *,
    clock: str = CPU,
    note: str = "",
) -> Case:
    """Time our work against each peer's, in turns; a peer that fails is listed with its reason.

    The peers are given by name and as functions which load them, or raise why they cannot.
    """
    tick = CLOCKS[clock]
    cpu = wall = 0.0
    scale = SCALE[unit.split("/")[0]]
    expected = ours.result() if ours.result else None
    repeats = _repeats(ours, tick, effort)
    mine: list[float] = []
    found: list[Peer] = []
    missing: dict[str, str] = {}
    for name, load in peers:
        try:
            peer = load()
            difference = _difference(peer, expected)
        except Exception as error:  # whatever a peer does, the others are still measured
            missing[name] = _reason(error)
            continue
        if difference is not None and not difference <= peer.tolerance:
            missing[name] = f"differs by {difference:.1e}, more than {peer.tolerance:.0e}"
            continue
        theirs_repeats = _repeats(peer, tick, effort)
        theirs, ratios = [], []
        for _ in range(effort.rounds):
            used, since = time.process_time(), time.perf_counter()
            a = ours.sample(tick, repeats)
            cpu += time.process_time() - used
            wall += time.perf_counter() - since
            b = peer.sample(tick, theirs_repeats)
            mine.append(a * scale)
            theirs.append(b * scale)
            ratios.append(b / a)
        found.append(
            Peer(peer.name, Spread.of(theirs), Spread.of(ratios), difference, peer.tolerance)
        )
    if not mine:
        mine = [ours.sample(tick, repeats) * scale for _ in range(effort.rounds)]
    case = Case(key, what, unit, clock, Spread.of(mine), found, missing, note)
    if clock == WALL and wall > 0.0:
        case.processors = cpu / wall
    show(case)
    return case


def _reason(error: Exception) -> str:
    """One line, without the folders of this machine."""
    lines = f"{type(error).__name__}: {error}".splitlines()
    return re.sub(r"/\S*/", "", lines[0])[:160]


def _repeats(runner: Runner, tick: Callable[[], float], effort: Effort) -> int:
    once = min(runner.sample(tick, 1) for _ in range(2)) * runner.n
    return max(1, min(1000, int(effort.sample_s / max(once, 1e-9)) + 1))


def _difference(peer: Runner, expected: dict[str, Any] | None) -> float | None:
    """The largest difference of any output, as a share of the column's largest value."""
    if peer.result is None or expected is None:
        return None
    worst = 0.0
    for name, theirs in peer.result().items():
        n = len(theirs)
        mine = np.asarray(expected[name])[:n].astype(np.float64)
        size = float(np.abs(mine).max()) or 1.0
        worst = max(worst, float(np.abs(np.asarray(theirs, dtype=np.float64) - mine).max()) / size)
    return worst


def show(case: Case) -> None:
    ours = case.ours
    print(f"\n{case.what} ({case.unit}, {case.clock})" + (f": {case.note}" if case.note else ""))
    print(f"  {'margin_core':34} {ours.median:10.2f}  [{ours.low:.2f} .. {ours.high:.2f}]")
    if case.processors is not None:
        print(f"  {'processors that it had':34} {case.processors:10.2f}")
    for peer in sorted(case.peers, key=lambda p: p.time.median):
        t, r = peer.time, peer.ratio
        agreed = "" if peer.difference is None else f"  differs by {peer.difference:.0e}"
        print(
            f"  {peer.name:34} {t.median:10.2f}  [{t.low:.2f} .. {t.high:.2f}]"
            f"  {r.median:7.2f}x [{r.low:.2f} .. {r.high:.2f}]{agreed}"
        )
    for name, reason in case.missing.items():
        print(f"  {name:34} not measured: {reason}")
    sys.stdout.flush()
