# SPDX-License-Identifier: Apache-2.0
"""A crash as a picture. Needs margin-core[plot]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.plot import BLACK, BLUE, ORANGE, save_picture
from margin_core.render import clean

if TYPE_CHECKING:
    from margin_core.crash.simulate import Crash

__all__ = ["crash_picture"]

STYLES = {
    ("static", "at once"): (ORANGE, "-"),
    ("dynamic", "at once"): (ORANGE, "--"),
    ("static", "planned"): (BLUE, "-"),
    ("dynamic", "planned"): (BLUE, "--"),
}


def crash_picture(found: Crash, path: str | os.PathLike[str], *, seed: int | None = None) -> None:
    """Draw a seed's venues: the price that fell most, accounts liquidated, bad debt.

    Parameters
    ----------
    found : Crash
    path
        Ends in .png, .svg or .pdf; the file appears whole or not at all.
    seed : int, optional
        The first by default.

    Raises
    ------
    ArgumentError, MissingExtraError
        The name is not of a picture; matplotlib is not installed.
    """
    shown = found.runs[0].seed if seed is None else seed
    outside = found.paths[shown]
    runs = [run for run in found.runs if run.seed == shown]
    hours = (outside.time_ns - outside.time_ns[0]) / 3.6e12
    away = np.max([np.abs(run.mark_usd / outside.price_usd - 1.0).max(axis=0) for run in runs], 0)
    unit = int(away.argmax())

    def draw(figure: Any) -> None:
        price, hit, debt = figure.subplots(3, 1, sharex=True)
        base = outside.price_usd[0, unit]
        price.plot(hours, 100 * outside.price_usd[:, unit] / base, color=BLACK, lw=1.6,
                   label="outside the venue")  # fmt: skip
        for run in runs:
            colour, dashes = STYLES[run.thresholds, run.liquidation]
            line = {"color": colour, "ls": dashes, "lw": 1.2}
            price.plot(hours, 100 * run.mark_usd[:, unit] / base, **line)
            hit.plot(hours, run.liquidated, label=f"{run.thresholds} ranges, {run.liquidation}",
                     **line)  # fmt: skip
            debt.plot(hours, run.bad_debt_usd / 1e6, **line)
        titles = (f"{outside.units[unit]}, per cent of its price before", "accounts liquidated",
                  "losses beyond collateral, millions of USD")  # fmt: skip
        for axes, title in zip((price, hit, debt), titles, strict=True):
            axes.set_title(title, loc="left", fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylim(bottom=0)
        price.legend(frameon=False, fontsize=9, loc="upper right")
        hit.legend(frameon=False, fontsize=9, loc="best")
        debt.set_xlabel("hours")
        figure.suptitle(f"{clean(found.event.name)}: a synthetic venue of "
                        f"{runs[0].totals['accounts']:,.0f} traders", x=0.01, ha="left",
                        fontsize=12, fontweight="bold")  # fmt: skip

    save_picture(path, (9.0, 8.4), draw)
