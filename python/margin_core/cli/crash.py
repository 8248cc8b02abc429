# SPDX-License-Identifier: Apache-2.0
"""`margin-core crash`: a venue in a crash, under four pairs of rules."""

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

VENUES = [(t, q) for t in THRESHOLDS for q in LIQUIDATION]


def read(path: str | None) -> list[Event]:
    """Events whose figures say how prices moved."""
    return [event for event in read_events(path, builtin="crash") if is_crash(event)]


def show_events(events: Sequence[Event]) -> None:
    """A line each."""
    screen.show(
        [
            Column("event", [clean(event.id, 30) for event in events], right=False),
            Column("moves of the price, %", [_moves(event) for event in events], right=False),
        ]
    )


def _moves(event: Event) -> str:
    moves = event.shock.spot.items()
    return clean(", ".join(f"{unit} {100 * move:+.0f}" for unit, move in moves), 44)


def run(
    events: Sequence[Event],
    name: str,
    prices: Sequence[str],
    accounts: int,
    seeds: int,
    impact: float,
    window_days: float,
) -> Crash:
    """Read the files and play the event."""
    event = find_event(list(events), name)
    bars = None
    if prices:
        with screen.waiting("reading prices"):
            bars = read_bars(prices)
    with screen.progress("simulating") as progress:
        return crash(event, bars, n_accounts=accounts, seeds=range(seeds), impact=impact,
                     window_days=window_days, progress=progress)  # fmt: skip


def show(found: Crash) -> None:
    """What happened, the four venues beside each other, and what is assumed."""
    event = found.event
    screen.say(f"{clean(event.name)}, {clean(event.date_utc)}", bold=True)
    screen.prose(clean(event.what))
    path = next(iter(found.paths.values()))
    recorded = ", ".join(path.recorded)
    screen.prose(
        f"Recorded prices: {recorded}." if recorded else "Prices after the event's figures."
    )
    _show_venues(found)
    if len(found.paths) > 1:
        _show_spread(found)
    _show_displaced(found, path.units)
    screen.say()
    screen.prose(
        "liquidated: accounts, whole or in part. whole: with nothing left. sold, delev.: positions "
        "closed in the market, and handed to winners without a sale, % of open interest. IM: all "
        "accounts', before the crash. Amounts in million USD; bad debt is paid by the insurance "
        "fund, then by ADL, then by everybody."
    )
    assumed = event.assumed()
    screen.prose(
        "Static ranges are the mean of the dynamic ones over the window before the crash; traders "
        "lever up to what margin allows. Assumed: the venue, its traders and its depth "
        "(docs/method/crash.md)" + (f", and of the event {clean(', '.join(assumed))}." if assumed
                                    else ".")
    )  # fmt: skip
    residual = max(run.totals["residual_quanta"] for run in found.runs)
    excess = max(run.totals["adl_excess_quanta"] for run in found.runs)
    screen.prose(
        f"The ledger's residual was {number(residual)} quanta after every step; no round of ADL "
        f"took more than {number(max(excess, 0.0))} quanta beyond the deficit."
    )


def _mean(runs: Sequence[Run], name: str) -> float:
    return float(np.mean([run.totals[name] for run in runs]))


def _share(runs: Sequence[Run], name: str) -> float:
    return 100 * float(np.mean([r.totals[name] / r.totals["open_interest_usd"] for r in runs]))


def _show_venues(found: Crash) -> None:
    venues = [found.of(*pair) for pair in VENUES]

    def money(name: str) -> list[str]:
        return [number(_mean(runs, name) / 1e6, 2) for runs in venues]

    many = len(found.paths)
    screen.heading(f"Mean of {many} seeds" if many > 1 else "Four venues")
    screen.show(
        [
            Column("ranges", [t for t, _ in VENUES], right=False),
            Column("closing", [q for _, q in VENUES], right=False),
            Column("IM", [number(_mean(runs, "im_usd") / 1e6) for runs in venues]),
            Column("liquidated", [number(_mean(runs, "liquidated")) for runs in venues]),
            Column("whole", [number(_mean(runs, "closed")) for runs in venues]),
            Column("sold", [number(_share(runs, "sold_usd"), 1) for runs in venues]),
            Column("delev.", [number(_share(runs, "deleveraged_usd"), 1) for runs in venues]),
            Column("bad debt", money("bad_debt_usd")),
            Column("fund", money("insurance_usd")),
            Column("ADL", money("adl_usd")),
        ],
        gap=1,
    )


def _show_spread(found: Crash) -> None:
    venues = [found.of(*pair) for pair in VENUES]

    def span(name: str, scale: float, digits: int) -> list[str]:
        out = []
        for runs in venues:
            held = [run.totals[name] / scale for run in runs]
            out.append(f"{number(min(held), digits)} to {number(max(held), digits)}")
        return out

    screen.heading("From the least to the most of them")
    screen.show(
        [
            Column("ranges", [t for t, _ in VENUES], right=False),
            Column("closing", [q for _, q in VENUES], right=False),
            Column("liquidated", span("liquidated", 1.0, 0)),
            Column("bad debt", span("bad_debt_usd", 1e6, 2)),
            Column("ADL", span("adl_usd", 1e6, 2)),
        ]
    )


def _show_displaced(found: Crash, units: Sequence[str]) -> None:
    venues = [found.of(*pair) for pair in VENUES]
    screen.heading("Largest distance from the price outside, %; range before the crash, %")
    shown = units[:4]
    screen.show(
        [
            Column("ranges", [t for t, _ in VENUES], right=False),
            Column("closing", [q for _, q in VENUES], right=False),
            *(
                Column(clean(unit, 8), [
                    f"{number(100 * _mean(runs, f'displaced_{unit}'), 1)}; "
                    f"{number(100 * _mean(runs, f'range_before_{unit}'), 1)}" for runs in venues])
                for unit in shown
            ),
        ]
    )  # fmt: skip
