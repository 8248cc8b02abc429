# SPDX-License-Identifier: Apache-2.0
"""A backtest as a picture. Needs margin-core[plot]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.plot import BLACK, BLUE, ORANGE, save_picture
from margin_core.render import clean

if TYPE_CHECKING:
    from margin_core.dynamics.backtest import Backtest

__all__ = ["backtest_picture"]

#: The axis ends above this share of the moves; a mark at its edge stands for what is beyond.
SHOWN = 0.9985
STYLES = {"static": (BLUE, "--", 1.1), "ewma": ("0.55", "-", 0.9), "house": (BLACK, "-", 1.3)}


def backtest_picture(
    found: Backtest, path: str | os.PathLike[str], *, level: float | None = None
) -> None:
    """Draw each unit's moves, the ranges of the three methods, and where the last was exceeded.

    Parameters
    ----------
    found : Backtest
    path
        Ends in .png, .svg or .pdf; the file appears whole or not at all.
    level : float, optional
        The first of the backtest's by default.

    Raises
    ------
    ArgumentError, MissingExtraError
        The name is not of a picture; matplotlib is not installed.
    """
    shown = found.levels[0] if level is None else level
    units = list(found.days)

    def draw(figure: Any) -> None:
        panels = figure.subplots(len(units), 1, sharex=True, squeeze=False)[:, 0]
        for axes, unit in zip(panels, units, strict=True):
            _panel(axes, found, unit, shown)
        legend = panels[0].legend(frameon=False, fontsize=9, ncols=5, loc="lower right",
                                  bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)  # fmt: skip
        legend.set_in_layout(False)
        figure.suptitle(_finding(found, shown), x=0.01, ha="left", fontsize=12, fontweight="bold")
        figure.supxlabel(
            "Each midnight's range against the next day's move, UTC. Parameters are fitted on what "
            "is left of the dotted line. A triangle: beyond the axis.",
            x=0.01, ha="left", fontsize=8, color="0.4",
        )  # fmt: skip

    save_picture(path, (10.5, 1.4 + 2.3 * len(units)), draw)


def _finding(found: Backtest, level: float) -> str:
    """What the back-test says, in one sentence."""
    table = found.table()
    house = table[(table["level"] == level) & (table["period"] == "whole")
                  & (table["method"] == "house")]  # fmt: skip
    saved = 1.0 - float((house["mean_range_frac"] / house["equal_static_frac"]).mean())
    covered = 100 * (1.0 - house["exceedances"].sum() / house["days"].sum())
    words = "less" if saved >= 0 else "more"
    return (
        f"House ranges covered {covered:.1f} % of days (aim {100 * level:g} %) with "
        f"{100 * abs(saved):.0f} % {words} margin than static ones of equal coverage"
    )


def _panel(axes: Any, found: Backtest, unit: str, level: float) -> None:
    days = found.days[unit]
    when = days.begin_ns.astype("M8[ns]").astype("M8[s]")
    size = 100 * np.abs(days.move)
    highest = [float(np.quantile(days.ranges[method, level], 0.995)) for method in STYLES]
    top = max(float(np.quantile(size, SHOWN)), 105.0 * max(highest))
    over = size > 100 * days.ranges["house", level]
    axes.vlines(when, 0.0, np.minimum(size, top), color="0.82", linewidth=0.6, label="|move|")
    for method, (colour, style, width) in STYLES.items():
        axes.plot(when, 100 * days.ranges[method, level], style, color=colour, linewidth=width,
                  label="EWMA" if method == "ewma" else method)  # fmt: skip
    inside, beyond = over & (size <= top), over & (size > top)
    axes.plot(when[inside], size[inside], "o", color=ORANGE, markersize=3.5,
              label="beyond the house range")  # fmt: skip
    if beyond.any():  # without points, matplotlib would leave room for one at the origin
        axes.plot(when[beyond], np.full(int(beyond.sum()), top), "^", color=ORANGE, markersize=5,
                  clip_on=False)  # fmt: skip
    axes.axvline(np.datetime64(found.split_ns, "ns").astype("M8[s]"), color="0.3", linestyle=":",
                 linewidth=1.0)  # fmt: skip
    axes.set_ylim(0.0, top)
    axes.set_ylabel("% of the price")
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    n = f"{int(over.sum())} of {len(over):,} days beyond"
    axes.set_title(f"{clean(unit, 12)}: {n}", loc="left", fontsize=10)
