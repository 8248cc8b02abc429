# SPDX-License-Identifier: Apache-2.0
"""`margin-core backtest`: what it reads and shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from margin_core.cli import screen
from margin_core.dynamics.backtest import METHODS, backtest
from margin_core.dynamics.bars import read_bars
from margin_core.dynamics.threshold import load_thresholds
from margin_core.render import Column, clean, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from margin_core.dynamics.backtest import Backtest
    from margin_core.table import Table

#: A test says no below this.
REFUSED = 0.05
#: What is shown; the table that --out writes has the days before the split apart, too.
PERIOD_WORDS = {"after": "from {split}", "whole": "whole"}


def run(
    prices: Sequence[str], thresholds: str, split: datetime, levels: Sequence[float]
) -> Backtest:
    """Read the files and test the thresholds."""
    model = load_thresholds(thresholds)
    with screen.waiting("reading prices"):
        bars = read_bars(prices)
    for unit, one in bars.items():
        for finding in one.findings:
            screen.prose(f"{clean(unit)}: {clean(finding)}")
    with screen.waiting("testing"):
        return backtest(bars, model, split=split, levels=levels or None)


def show(found: Backtest) -> None:
    """Coverage by unit, then what each range costs and how it moves, then all units together."""
    table, pooled = (t[t["period"] != "before"] for t in (found.table(), found.pooled()))
    for level in found.levels:
        rows = table[table["level"] == level]
        screen.heading(f"Moves of a day that {100 * level:g} % of days stay within: coverage")
        _coverage(found, rows)
        screen.heading(f"At {100 * level:g} %: what it takes, and how it moves")
        _requirement(found, rows)
        screen.heading(f"At {100 * level:g} %: all coins together")
        _pooled(found, pooled[pooled["level"] == level])
    screen.say()
    screen.prose(
        "Exceeded: days on which |move| passed the range in force at midnight UTC; up or down. "
        "In a row: exceedances on the day after one. p: of Kupiec's test of their share, "
        f"Christoffersen's of independence, and both; * below {REFUSED:g}, refused. Static and "
        "ewma are fitted on the days before the split. Mean: of the range. As static: the constant "
        "range that was exceeded as often, known only afterwards. Maintenance: the house range for "
        "positions that are open, which rises slowly. High/low: highest range over lowest. 95 %: "
        "bootstrap of blocks of 30 dates."
    )


def _label(found: Backtest, row: int, rows: Table) -> str:
    split = datetime.fromtimestamp(found.split_ns // 10**9, UTC).strftime("%Y-%m-%d")
    period = PERIOD_WORDS[str(rows["period"][row])].format(split=split)
    return f"{clean(rows['unit'][row], 8)} {period}" if "unit" in rows else period


def _first_of_block(found: Backtest, rows: Table) -> list[str]:
    """The label on the first of each block of methods alone."""
    return [_label(found, i, rows) if i % len(METHODS) == 0 else "" for i in range(len(rows))]


def _p(value: float) -> str:
    return f"{number(value, 3)}{'*' if value < REFUSED else ' '}"


def _coverage(found: Backtest, rows: Table) -> None:
    screen.show(
        [
            Column("", _first_of_block(found, rows), right=False),
            Column("range", [str(m) for m in rows["method"]], right=False),
            Column("days", [number(n) for n in rows["days"]]),
            Column("exceeded", [number(n) for n in rows["exceedances"]]),
            Column("up", [number(n) for n in rows["up"]]),
            Column("in a row", [number(n) for n in rows["successive"]]),
            Column("p share", [_p(p) for p in rows["kupiec"]]),
            Column("indep.", [_p(p) for p in rows["independence"]]),
            Column("both", [_p(p) for p in rows["conditional"]]),
        ],
        gap=1,
    )


def _percent(values: NDArray[np.float64], digits: int = 1) -> list[str]:
    return [number(100 * value, digits) for value in values.tolist()]


def _requirement(found: Backtest, rows: Table) -> None:
    screen.show(
        [
            Column("", _first_of_block(found, rows), right=False),
            Column("range", [str(m) for m in rows["method"]], right=False),
            Column("mean, %", _percent(rows["mean_range_frac"])),
            Column("as static, %", _percent(rows["equal_static_frac"])),
            Column("high/low", [number(v, 1) for v in rows["peak_to_trough"]]),
            Column("1 day, %", _percent(rows["rise_1d"], 0)),
            Column("5", _percent(rows["rise_5d"], 0)),
            Column("30", _percent(rows["rise_30d"], 0)),
        ],
        gap=1,
    )
    screen.prose("1 day, 5, 30: the largest rise over so many days, % of the range.", indent=2)


def _pooled(found: Backtest, rows: Table) -> None:
    screen.show(
        [
            Column("", _first_of_block(found, rows), right=False),
            Column("range", [str(m) for m in rows["method"]], right=False),
            Column("days", [number(n) for n in rows["days"]]),
            Column("exceeded, %", _percent(rows["exceedance_frac"], 2)),
            Column("95 %: from", _percent(rows["low_frac"], 2)),
            Column("to", _percent(rows["high_frac"], 2)),
        ]
    )
