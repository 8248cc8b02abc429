# SPDX-License-Identifier: Apache-2.0
"""`margin-core replay`: recorded faults and falls of collateral, with what there is and without."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from margin_core.cli import screen
from margin_core.collateral.falls import AMOUNT_USD, FEE, FUND, STAND_INS, STEPS, replay_falls
from margin_core.render import Column, clean, link, number, paragraph
from margin_core.replay import AFTER_S, JUDGED, LOAN, N_SOURCES, ROOMS, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from margin_core.collateral.falls import Fall, Played
    from margin_core.replay import Event, Run

FAILED = 1
SAID = {
    "P1": "no account liquidated that is healthy at the true price",
    "P2": "no new credit while the price is in doubt",
    "P3": "bad debt within the insurance fund, and the ledger adds up to the quantum",
    "P4": "margin held before covers the loss of closing at the bottom",
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
        screen.heading("Nothing to replay: no fault that a price guard can see")
        screen.prose(", ".join(clean(name) for name in nothing), indent=2)
    if left_out:
        screen.say()
        screen.prose(f"{left_out} other events of the file are neither.")
    return _status([*(run for _, run in lines), *(fall for _, fall in falls)])


def _status(played: Sequence[Run | Fall]) -> int:
    return FAILED if any(one.missed for one in played) else 0


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
    screen.heading("Falls of collateral: bad debt, USD per USD of collateral")
    engines = [(fall.at_peg, fall.at_market, fall.ours) for _, fall in lines]
    screen.show(
        [
            Column("event", [clean(event.id, 35) for event, _ in lines], right=False),
            Column("asset", [clean(fall.asset, 9) for _, fall in lines], right=False),
            Column("lent", [_part(ours.lent_frac) for _, _, ours in engines]),
            Column("at 1", [_part(peg.bad_debt_frac) for peg, _, _ in engines]),
            Column("last", [_part(last.bad_debt_frac) for _, last, _ in engines]),
            Column("ours", [_part(ours.bad_debt_frac) for _, _, ours in engines]),
            Column("met", [_met(fall) for _, fall in lines]),
        ]
    )
    screen.say()
    screen.prose(
        "lent: what ours lends before, per USD. Bad debt of an engine that counts the asset at 1.0 "
        "and lends that / of one that counts its last price / of ours, with haircuts and the event "
        "columns of the scan."
    )
    breached = [(event, fall) for event, fall in lines if fall.breaches]
    if breached:
        screen.heading("Breaches: more was lost than was held, USD per USD of collateral")
        for event, fall in breached:
            sizes = ", ".join(f"{code} {size:.3f}" for code, size in fall.breaches.items())
            screen.prose(f"{clean(event.id)}, {_named(fall)}: {sizes}", indent=2)
        screen.say()
        screen.prose(
            "P3: beyond the insurance fund. P4: beyond margin, at the bottom. A breach is not met, "
            "and no exit status: what margin covers in 99.5 % of cases is exceeded in others."
        )
    _show_fall_assumptions()


def show_one(event: Event) -> int:
    """What happened, what either engine does, and what is assumed; the exit status."""
    screen.say(paragraph(f"{clean(event.name)}, {clean(event.date_utc)}"), bold=True)
    screen.prose(clean(event.what))
    lost = "not known" if event.loss.usd is None else f"USD {number(event.loss.usd)}"
    note = f" ({clean(event.loss.note)})" if event.loss.note else ""
    screen.prose(f"Lost then: {lost}{note}.")
    runs = replay(event)
    falls = replay_falls(event)
    played: list[Run | Fall] = [*runs, *falls]
    if not played:
        screen.say()
        screen.prose(
            "Not replayed: no fault of an oracle, or one that a price guard cannot see, and no "
            "fall of collateral."
        )
        return 0
    for run in runs:
        _show_run(run)
    for fall in falls:
        _show_fall(fall)
    screen.heading("Pass criteria")
    for code in event.pass_criteria:
        said = f": {SAID[code]}" if code in SAID else ""
        screen.prose(f"{clean(code)} {_verdict(code, played)}{said}", indent=2)
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
            screen.say(link(clean(source)))
    return _status(played)


def _verdict(code: str, played: Sequence[Run | Fall]) -> str:
    judged = [one for one in played if code in one.verdicts]
    if any(code in one.missed for one in judged):
        return "MISSED"
    sizes = [(one, one.breaches[code]) for one in judged if code in one.breaches]
    if sizes:
        return "breach, " + ", ".join(f"{clean(one.asset)} {size:.3f} per USD"
                                      for one, size in sizes)  # fmt: skip
    return "met" if judged else "not judged here"


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


def _named(fall: Fall) -> str:
    asset = clean(fall.asset, 30)
    return asset if fall.known else f"{asset}, taken for {fall.taken_for}"


def _show_fall(fall: Fall) -> None:
    screen.heading(f"{_named(fall)}: an account that borrows all it may")
    engines: tuple[Played, ...] = (fall.at_peg, fall.at_market, fall.ours)
    screen.show(
        [
            Column("", ["counted at 1.0", "at the last price", "ours"], right=False),
            Column("lent", [_part(x.lent_frac) for x in engines]),
            Column("during", [_part(x.during_frac) for x in engines]),
            Column("liquidated", [_at(x.at_frac) for x in engines]),
            Column("sold for", [_part(x.sold_frac) for x in engines]),
            Column("bad debt", [_part(x.bad_debt_frac) for x in engines]),
            Column("at bottom", [_part(x.short_frac) for x in engines]),
        ]
    )
    screen.prose(
        "USD per USD: lent before the event; most that is lent during it; the price at which the "
        "account is liquidated; bad debt, and bad debt had it been sold at the bottom.", indent=2,
    )  # fmt: skip
    state = "Its exit is believed open." if fall.exit_open else "Its exit is closed."
    if not fall.backed:
        state = "Claims on it exceed what is behind them."
    held, fell = 1.0 - fall.ours.lent_frac, 1.0 - fall.bottom_frac
    screen.prose(f"{state} Ours held {held:.3f} against a fall of {fell:.3f}.", indent=2)
    if not fall.known:
        screen.prose(
            f"The catalogue does not have {clean(fall.asset)}: what it holds is "
            f"{fall.taken_for}'s, and was not made for this.", indent=2,
        )  # fmt: skip
    if fall.ours.bad_debt_frac:
        screen.prose(
            f"Of the bad debt the fund pays {fall.fund_frac:.3f}, the lenders "
            f"{fall.shared_frac:.3f}.", indent=2,
        )  # fmt: skip


def _show_fall_assumptions(indent: int = 0) -> None:
    stand_ins = ", ".join(sorted(set(STAND_INS.values())))
    screen.prose(
        f"Of a fall: {number(AMOUNT_USD)} USD of collateral, a debt in what it follows, all in "
        f"units of the peg; a straight line of {STEPS} instants to the bottom, the sale at the one "
        "after the liquidation, or at the bottom; depth and impact as in the house catalogue, "
        "queue and exit too where not recorded; the backing is read at every instant; a fund of "
        f"{FUND:.0%} of collateral, a fee of {FEE:.1%}; an asset outside the catalogue is taken "
        f"for {stand_ins}. Judged: P1, P3, P4, and where a backing is recorded P2 and P5.",
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


def _part(part: float) -> str:
    return f"{part:.3f}" if part else "0"


def _at(price: float) -> str:
    return "–" if math.isnan(price) else f"{price:.3f}"


def _met(run: Run | Fall) -> str:
    return f"{sum(run.verdicts.values())}/{len(run.verdicts)}"
