# SPDX-License-Identifier: Apache-2.0
"""`margin-core replay`: recorded faults and falls of collateral, with what there is and without."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from margin_core.cli import screen
from margin_core.collateral.falls import STAND_INS, replay_falls
from margin_core.render import Column, clean, number
from margin_core.replay import AFTER_S, JUDGED, LOAN, N_SOURCES, ROOMS, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from margin_core.collateral.falls import Counted, Fall
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
    lines = [(event, run) for event in events for run in replay(event)]
    if lines:
        _show_lines(lines)
    falls = [(event, fall) for event in events for fall in replay_falls(event)]
    if falls:
        _show_fall_lines(falls)
    found = {event.id for event, _ in (*lines, *falls)}
    nothing = [event.id for event in events if event.id not in found]
    if nothing:
        screen.heading("Not a fault that a price guard can see")
        screen.prose(", ".join(clean(name) for name in nothing), indent=2)
    if left_out:
        screen.say()
        screen.prose(f"{left_out} other events of the file are neither.")
    played: list[Run | Fall] = [*(run for _, run in lines), *(fall for _, fall in falls)]
    failed = any(not all(one.verdicts.values()) for one in played)
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


def _show_fall_lines(lines: Sequence[tuple[Event, Fall]]) -> None:
    screen.heading("Falls of collateral")
    screen.show(
        [
            Column("event", [clean(event.id, 35) for event, _ in lines], right=False),
            Column("asset", [clean(fall.asset, 9) for _, fall in lines], right=False),
            Column("before", [_counted(fall, "before_frac") for _, fall in lines]),
            Column("during", [_counted(fall, "during_frac") for _, fall in lines]),
            Column("met", [_met(fall) for _, fall in lines]),
        ]
    )
    screen.say()
    screen.prose(
        "before, during: USD of credit granted then beyond the worth at the bottom, per USD of "
        "collateral at its peg, by an engine that counts it at 1.0 / at its last price / by ours. "
        "What haircuts leave is for the scan's event columns to hold."
    )
    _show_fall_assumptions()


def show_one(event: Event) -> int:
    """What happened, what either engine does, and what is assumed; the exit status."""
    screen.say(f"{clean(event.name)}, {clean(event.date_utc)}", bold=True)
    screen.prose(clean(event.what))
    lost = "not known" if event.loss.usd is None else f"USD {number(event.loss.usd)}"
    note = f" ({clean(event.loss.note)})" if event.loss.note else ""
    screen.prose(f"Lost then: {lost}{note}.")
    runs = replay(event)
    falls = replay_falls(event)
    played: list[Run | Fall] = [*runs, *falls]
    if not played:
        screen.say()
        screen.prose("Not replayed: no fault of an oracle, or one that a price guard cannot see.")
        return 0
    for run in runs:
        _show_run(run)
    for fall in falls:
        _show_fall(fall)
    screen.heading("Pass criteria")
    for code in event.pass_criteria:
        met = [one.verdicts[code] for one in played if code in one.verdicts]
        verdict = "met" if met and all(met) else "MISSED" if met else "not judged here"
        screen.prose(
            f"{clean(code)} {verdict}{': ' + SAID[code] if code in SAID else ''}", indent=2
        )
    assumed = event.assumed()
    screen.heading("Assumed")
    if assumed:
        screen.prose(f"Fields without a source: {clean(', '.join(assumed))}.", indent=2)
    if runs:
        _show_assumptions(indent=2)
    if falls:
        _show_fall_assumptions(indent=2)
    if event.sources:
        screen.heading("Sources")
        for source in event.sources:
            screen.say(f"  {clean(source)}")
    return FAILED if any(not all(one.verdicts.values()) for one in played) else 0


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


def _show_fall(fall: Fall) -> None:
    taken = "" if fall.taken_for == fall.asset else f", taken for {fall.taken_for}"
    screen.heading(f"{clean(fall.asset)}{taken}: credit beyond its worth at the bottom")
    engines = (fall.at_peg, fall.at_market, fall.ours)
    screen.show(
        [
            Column("", ["counted at 1.0", "at the last price", "after haircuts"], right=False),
            Column("granted before, USD per USD", [_beyond(x.before_frac) for x in engines]),
            Column("during", [_beyond(x.during_frac) for x in engines]),
        ]
    )
    if fall.ours.before_frac:
        screen.prose("What haircuts leave is for the scan's event columns to hold.", indent=2)


def _show_fall_assumptions(indent: int = 0) -> None:
    screen.prose(
        "Of a fall: queues, exits and bridges as in the house catalogue, no event columns; a "
        "straight line to the bottom; the backing is read at every instant; an asset outside the "
        f"catalogue is taken for {', '.join(sorted(set(STAND_INS.values())))}. Judged: P1, and "
        "where a backing is recorded P2 and P5.",
        indent=indent,
    )


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


def _beyond(part: float) -> str:
    return f"{part:.3f}" if part else "0"


def _counted(fall: Fall, when: str) -> str:
    engines: tuple[Counted, ...] = (fall.at_peg, fall.at_market, fall.ours)
    return " / ".join(_beyond(getattr(engine, when)) for engine in engines)


def _met(run: Run | Fall) -> str:
    return f"{sum(run.verdicts.values())}/{len(run.verdicts)}"
