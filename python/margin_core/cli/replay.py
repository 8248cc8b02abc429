# SPDX-License-Identifier: Apache-2.0
"""`margin-core replay`: recorded oracle faults, with the guard and without."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from margin_core.cli import screen
from margin_core.render import Column, clean, number
from margin_core.replay import AFTER_S, JUDGED, LOAN, N_SOURCES, ROOMS, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from margin_core.replay import Event, Run

FAILED = 1
SAID = {
    "P1": "no account liquidated that is healthy at the true price",
    "P2": "no new credit while the price is in doubt",
    "P5": "seen by the first faulty tick, or when its age is too great",
    "P7": "after an outage no liquidation before new prices and the grace period",
    "P11": "nothing to gain by borrowing against the wrong price",
}


def show_all(events: Sequence[Event], left_out: int) -> int:
    """A line a run; the exit status."""
    played = [(event, replay(event)) for event in events]
    lines = [(event, run) for event, runs in played for run in runs]
    if lines:
        _show_lines(lines)
    nothing = [event.id for event, runs in played if not runs]
    if nothing:
        screen.heading("Not a fault that a price guard can see")
        screen.prose(", ".join(clean(name) for name in nothing), indent=2)
    if left_out:
        screen.say()
        screen.prose(f"{left_out} other events of the file are no oracle faults.")
    failed = any(not all(run.verdicts.values()) for _, run in lines)
    return FAILED if failed else 0


def _show_lines(lines: Sequence[tuple[Event, Run]]) -> None:
    screen.show(
        [
            Column("event", [clean(event.id, 35) for event, _ in lines], right=False),
            Column("asset", [clean(run.asset, 9) for _, run in lines], right=False),
            Column("liquidated", [_liquidated(run) for _, run in lines]),
            Column("lent", [_lent(run) for _, run in lines]),
            Column("met", [_met(run) for _, run in lines]),
        ]
    )
    screen.say()
    screen.prose(
        "liquidated: share of accounts that are healthy at the true price, in %, by an engine "
        "that believes the faulty price / by the guard. lent: USD beyond each USD that the "
        "collateral is worth, likewise. met: pass criteria, of those judged here."
    )
    _show_assumptions()


def show_one(event: Event) -> int:
    """What happened, what either engine does, and what is assumed; the exit status."""
    screen.say(f"{clean(event.name)}, {clean(event.date_utc)}", bold=True)
    screen.prose(clean(event.what))
    lost = "not known" if event.loss.usd is None else f"USD {number(event.loss.usd)}"
    note = f" ({clean(event.loss.note)})" if event.loss.note else ""
    screen.prose(f"Lost then: {lost}{note}.")
    runs = replay(event)
    if not runs:
        screen.say()
        screen.prose("Not replayed: no fault of an oracle, or one that a price guard cannot see.")
        return 0
    for run in runs:
        _show_run(run)
    screen.heading("Pass criteria")
    for code in event.pass_criteria:
        met = [run.verdicts[code] for run in runs if code in run.verdicts]
        verdict = "met" if met and all(met) else "MISSED" if met else "not judged here"
        screen.prose(
            f"{clean(code)} {verdict}{': ' + SAID[code] if code in SAID else ''}", indent=2
        )
    assumed = event.assumed()
    screen.heading("Assumed")
    if assumed:
        screen.prose(f"Fields without a source: {clean(', '.join(assumed))}.", indent=2)
    _show_assumptions(indent=2)
    if event.sources:
        screen.heading("Sources")
        for source in event.sources:
            screen.say(f"  {clean(source)}")
    return FAILED if any(not all(run.verdicts.values()) for run in runs) else 0


def _show_run(run: Run) -> None:
    screen.heading(f"{clean(run.asset)}: {run.fault} at fault")
    screen.show(
        [
            Column("", ["without a guard", "with the guard"], right=False),
            Column(
                "liquidated wrongly, %",
                [_percent(x.liquidated_frac) for x in (run.without, run.guarded)],
            ),
            Column(
                "lent beyond worth, USD per USD",
                [_amount(x.lent_frac) for x in (run.without, run.guarded)],
            ),
        ]
    )
    if run.tripped_s == math.inf:
        screen.prose("The guard had nothing to say: the fault was within its limits.", indent=2)
    else:
        said = ", ".join(run.reasons).replace("_", " ")
        screen.prose(f"The guard said so after {run.tripped_s:g} s: {said}.", indent=2)


def _show_assumptions(indent: int = 0) -> None:
    screen.prose(
        f"Of the replay: {N_SOURCES} sources with equal depth, a contract alone; which of them is "
        f"at fault is read from the event's classes; a straight line to the new price; "
        f"{2 * len(ROOMS)} accounts, half of them short, {ROOMS[0]:.1%} to {ROOMS[-1]:.0%} from "
        f"their limit; loans up to {LOAN:.0%} of collateral; {AFTER_S // 60} minutes watched after "
        f"it. Judged: {', '.join(JUDGED)}.",
        indent=indent,
    )


def _percent(part: float) -> str:
    return number(100 * part, 1) if part else "0"


def _amount(part: float) -> str:
    return "0" if not part else number(part, 2) if part < 1e5 else f"{part:.1e}"


def _liquidated(run: Run) -> str:
    return f"{_percent(run.without.liquidated_frac)} / {_percent(run.guarded.liquidated_frac)}"


def _lent(run: Run) -> str:
    return f"{_amount(run.without.lent_frac)} / {_amount(run.guarded.lent_frac)}"


def _met(run: Run) -> str:
    return f"{sum(run.verdicts.values())}/{len(run.verdicts)}"
