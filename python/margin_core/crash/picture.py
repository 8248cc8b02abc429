# SPDX-License-Identifier: Apache-2.0
"""A crash as a picture. Needs margin-core[plot]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.crash.simulate import LIQUIDATION
from margin_core.plot import BLACK, BLUE, ORANGE, save_picture, thousands
from margin_core.render import clean, number

if TYPE_CHECKING:
    from margin_core.crash.simulate import Crash, Run

__all__ = ["crash_picture"]

COLOUR = {"static": BLUE, "dynamic": ORANGE}
STYLE = {"at once": "--", "planned": "-"}


def crash_picture(found: Crash, path: str | os.PathLike[str]) -> None:
    """Draw prices, ranges, liquidated accounts and bad debt of the first seed.

    Parameters
    ----------
    found : Crash
    path
        Ends in .png, .svg or .pdf; the file appears whole or not at all.

    Raises
    ------
    ArgumentError, MissingExtraError
        The name is not of a picture; matplotlib is not installed.
    """
    seed = found.runs[0].seed
    way = found.paths[seed]
    runs = [run for run in found.runs if run.seed == seed]
    hours = (way.time_ns - way.time_ns[0]) / 3.6e12
    pushed = max(
        range(len(way.units)),
        key=lambda u: max(run.totals[f"displaced_{way.units[u]}"] for run in runs),
    )
    shown = list(dict.fromkeys([0, pushed]))

    def draw(figure: Any) -> None:
        panels = figure.subplots(2, 2, sharex=True)
        for axes, title in zip(
            panels.flat,
            (f"Mark price of {' and '.join(way.units[u] for u in shown)}, % of before",
             f"Range in force, {way.units[0]}, %", "Accounts liquidated, whole or in part",
             "Bad debt, million USD"), strict=True,
        ):  # fmt: skip
            axes.set_title(title, loc="left", fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
            axes.margins(x=0.01)
            axes.yaxis.set_major_formatter(thousands)
        _prices(panels[0, 0], way, runs, hours, shown)
        for run in runs:
            label = f"{run.thresholds}, {run.liquidation}"
            how = {"color": COLOUR[run.thresholds], "linestyle": STYLE[run.liquidation]}
            panels[1, 0].plot(hours, run.liquidated, label=label, **how)
            panels[1, 1].plot(hours, run.bad_debt_usd / 1e6, label=label, **how)
            if run.liquidation == LIQUIDATION[1]:
                panels[0, 1].step(hours, 100 * run.ranges[:, 0], where="post", **how,
                                  label=run.thresholds)  # fmt: skip
        panels[0, 1].set_ylim(bottom=0.0)
        panels[0, 1].legend(frameon=False, fontsize=9, loc="upper left")
        panels[1, 0].legend(frameon=False, fontsize=9, loc="best")
        for axes in panels[1]:
            axes.set_ylim(bottom=0.0, top=max(1.0, axes.get_ylim()[1]))
            axes.set_xlabel("hours")
        figure.suptitle(_finding(found), x=0.01, ha="left", fontsize=12, fontweight="bold")
        figure.supxlabel(
            f"A synthetic venue of {number(runs[0].totals['accounts'])} accounts, seed {seed}; "
            "dashed: liquidation at once, solid: planned.", x=0.01, ha="left", fontsize=8,
            color="0.4",
        )  # fmt: skip

    save_picture(path, (10.5, 6.6), draw)


def _prices(axes: Any, way: Any, runs: list[Run], hours: Any, shown: list[int]) -> None:
    for u in shown:
        start = way.price_usd[0, u]
        axes.plot(hours, 100 * way.price_usd[:, u] / start, color=BLACK, linewidth=1.4, zorder=3,
                  label="outside" if u == shown[0] else None)  # fmt: skip
        for run in runs:
            axes.plot(hours, 100 * run.mark_usd[:, u] / start, color=COLOUR[run.thresholds],
                      linestyle=STYLE[run.liquidation], linewidth=0.9)  # fmt: skip
        if len(shown) > 1:
            axes.annotate(
                way.units[u],
                (hours[-1], 100 * way.price_usd[-1, u] / start),
                xytext=(-2, 5),
                textcoords="offset points",
                ha="right",
                fontsize=9,
            )
    axes.legend(frameon=False, fontsize=9, loc="lower left")


def _finding(found: Crash) -> str:
    """What both rules together change, in one sentence."""
    first, last = found.of("static", "at once"), found.of("dynamic", "planned")

    def mean(runs: list[Run], name: str) -> float:
        return float(np.mean([run.totals[name] for run in runs]))

    debt = [mean(runs, "bad_debt_usd") / 1e6 for runs in (first, last)]
    count = [mean(runs, "liquidated") for runs in (first, last)]
    return (
        f"{clean(found.event.name, 40)}: static and at once, {number(count[0])} liquidated, "
        f"{number(debt[0], 1)} M bad debt;\ndynamic and planned, {number(count[1])} and "
        f"{number(debt[1], 1)} M"
    )
