# SPDX-License-Identifier: Apache-2.0
"""`margin-core crash`: what it reads and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from margin_core.cli import screen
from margin_core.crash.path import is_crash
from margin_core.crash.simulate import LIQUIDATION, THRESHOLDS, crash
from margin_core.dynamics.bars import read_bars
from margin_core.render import Column, clean, number
from margin_core.replay import find_event, read_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from margin_core.crash.simulate import Crash, Run
    from margin_core.replay import Event

MILLION = 1e6


def read(path: str | None) -> list[Event]:
    """Events whose figures say how prices moved."""
    return [event for event in read_events(path, builtin="crash") if is_crash(event)]


def show_events(events: Sequence[Event]) -> None:
    """A line each."""
    screen.show(
        [
            Column("event", [clean(event.id, 30) for event in events], right=False),
            Column("hours", [number(event.shock.horizon_s / 3600, 2) for event in events]),
            Column("moves", [_moves(event) for event in events], right=False),
        ]
    )


def _moves(event: Event) -> str:
    moves = (f"{clean(unit, 8)} {100 * move:+.0f} %" for unit, move in event.shock.spot.items())
    return ", ".join(list(moves)[:3])


def run(
    events: Sequence[Event],
    name: str,
    prices: Sequence[str],
    accounts: int,
    seeds: int,
    impact: float,
) -> Crash:
    """Read the files and play the event."""
    event = find_event(list(events), name)
    bars = None
    if prices:
        with screen.waiting("reading prices"):
            bars = read_bars(prices)
    with screen.progress("simulating") as progress:
        return crash(event, bars, n_accounts=accounts, seeds=range(seeds), impact=impact,
                     progress=progress)  # fmt: skip


def show(found: Crash) -> None:
    """A row a venue: means over seeds, and the least and most where that matters."""
    event, first = found.event, found.runs[0]
    screen.heading(f"{clean(event.name)} ({clean(event.date_utc, 10)})")
    screen.prose(clean(event.what))
    screen.say()
    rows = [(t, q, found.of(t, q)) for t in THRESHOLDS for q in LIQUIDATION]
    worst = [f"displaced_{unit}" for unit in found.paths[first.seed].units]

    def mean(runs: list[Run], name: str, scale: float = 1.0) -> str:
        return number(float(np.mean([r.totals[name] for r in runs])) / scale, 3)

    def span(runs: list[Run], name: str) -> str:
        values = [r.totals[name] for r in runs]
        return f"{number(min(values))}-{number(max(values))}"

    screen.show(
        [
            Column("thresholds", [t for t, _, _ in rows], right=False),
            Column("closing", [q for _, q, _ in rows], right=False),
            Column(
                "hit",
                [number(round(np.mean([x.totals["liquidated"] for x in r]))) for *_, r in rows],
            ),
            Column("least-most", [span(r, "liquidated") for *_, r in rows]),
            Column("bad debt", [mean(r, "bad_debt_usd", MILLION) for *_, r in rows]),
            Column("fund", [mean(r, "insurance_usd", MILLION) for *_, r in rows]),
            Column("ADL", [mean(r, "adl_usd", MILLION) for *_, r in rows]),
            Column("shared", [mean(r, "socialised_usd", MILLION) for *_, r in rows]),
            Column("pushed", [_pushed(r, worst) for *_, r in rows]),
        ]
    )
    screen.say()
    recorded = found.paths[first.seed].recorded
    of = f"recorded for {', '.join(recorded)}" if recorded else "from the event's figures"
    assumed = [f for f, origin in event.provenance.items() if not str(origin).startswith("S")]
    screen.prose(
        f"{number(first.totals['accounts'])} traders, {len(found.paths)} venues drawn; prices "
        f"outside are {of}. hit: accounts liquidated, in part or whole. Amounts in millions of "
        "USD: losses beyond an account's own collateral, and who bore them (the fund; winners' "
        "P&L; everybody). pushed: the furthest that the venue's own liquidations took a price from "
        f"the one outside. The ledger's residual was "
        f"{number(max(r.totals['residual_quanta'] for r in found.runs))} quanta throughout; ADL "
        "never took more than the deficit by "
        f"{number(max(0.0, *(r.totals['adl_excess_quanta'] for r in found.runs)))} quanta."
    )
    if assumed:
        screen.prose(
            f"Not published as such, derived or assumed: {', '.join(map(clean, assumed))}."
        )
    screen.prose("Traders, depth and their answers are assumptions: docs/method/crash.md.")


def _pushed(runs: list[Run], names: list[str]) -> str:
    most = [max(r.totals[name] for name in names) for r in runs]
    return f"{100 * float(np.mean(most)):.0f} %"
