# SPDX-License-Identifier: Apache-2.0
"""`margin-core plan`: what to close of every account below its maintenance margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from margin_core.cli import screen
from margin_core.liquidation import OUTCOMES, Depth
from margin_core.render import Column, amounts, clean, number

if TYPE_CHECKING:
    from margin_core.liquidation import Plans
    from margin_core.margin import Margin

SHOWN = 20
WORDS = {
    "restored": "above MM again",
    "waits": "wait for depth",
    "backstop": "handed to the backstop",
    "paused": "paused: a price allows no liquidation",
    "healthy": "healthy: nothing to do",
}


def depth_of(margin: Margin, depth_usd: float | None, impact: float | None, spread: float) -> Depth:
    """The square-root law at the depth given, or at each unit's own of the model."""
    units = {name: margin.model.unit(name) for name in margin.units}
    usd = {n: u.depth_usd if depth_usd is None else depth_usd for n, u in units.items()}
    frac = {n: u.impact_frac if impact is None else impact for n, u in units.items()}
    return Depth.square_root(margin, usd, frac, half_spread_frac=spread)


def show(plans: Plans) -> None:
    counts = plans.counts()
    screen.say(f"{number(len(plans))} accounts below MM", bold=True)
    for outcome in OUTCOMES:
        if counts[outcome]:
            screen.say(f"  {number(counts[outcome]):>9}  {WORDS[outcome]}")
    if not len(plans):
        return
    unit = plans.margin.risk.numeraire
    table = plans.table()
    lower = unit.lower()
    screen.heading("Plans, the worst first")
    first = slice(0, SHOWN)
    names = ("equity", "mm", "equity_after", "mm_after", "cost")
    headers = (f"equity, {unit}", "MM", "after", "MM after", "cost")
    screen.show(
        [
            Column("account", [clean(str(a), 14) for a in table["account"][first]], right=False),
            *(
                Column(header, amounts(table[f"{name}_{lower}"][first]))
                for header, name in zip(headers, names, strict=True)
            ),
            Column("trades", [number(n) for n in table["trades"][first]]),
            Column("outcome", list(table["outcome"][first]), right=False),
        ]
    )
    if len(plans) > SHOWN:
        screen.say(f"  and {number(len(plans) - SHOWN)} more")
    screen.say()
    screen.prose(
        f"Together they cost {amounts(np.array([table[f'cost_{lower}'].sum()]))[0]} {unit} of "
        f"slippage and {amounts(np.array([table[f'fee_{lower}'].sum()]))[0]} of fees, in "
        f"{number(len(plans.trades))} trades."
    )


def show_trades(plans: Plans, account: str) -> None:
    trades = plans.trade_table()
    mine = trades["account"] == account
    unit = plans.margin.risk.numeraire
    screen.heading(f"Trades of {clean(account)}")
    if not mine.any():
        screen.say("  none")
        return
    screen.show(
        [
            Column("instrument", [clean(n) for n in trades["instrument"][mine]], right=False),
            Column("quantity", [f"{q:+,.8g}" for q in trades["quantity"][mine]]),
            Column(f"cost, {unit}", amounts(trades[f"cost_{unit.lower()}"][mine])),
            Column("fee", amounts(trades[f"fee_{unit.lower()}"][mine])),
        ]
    )
