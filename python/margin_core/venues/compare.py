# SPDX-License-Identifier: Apache-2.0
"""One book under every model that fits it, side by side."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from margin_core.book import Book, Holdings
from margin_core.errors import ArgumentError, NotMarginableError
from margin_core.margin import Margin
from margin_core.market import Market
from margin_core.model import is_house_model
from margin_core.render import clean
from margin_core.sweep import sweep
from margin_core.table import Table
from margin_core.venues.preset import Preset, load_preset, preset_names
from margin_core.venues.standing import venue_margin

__all__ = ["Comparison", "Line", "compare", "comparison_picture"]

HOUSE = "house"


@dataclass(frozen=True)
class Line:
    """One model's view of a book, summed over its accounts; USD.

    `offset_frac` is what netting saves of the sum of every position's requirement alone (IM, or MM
    where there is none); `worst` the binding scenario of the account with the largest requirement;
    `unverified` how many tables of the preset nobody has checked.
    """

    model: str
    equity_usd: float
    im_usd: float
    mm_usd: float
    offset_frac: float
    worst: str
    unverified: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """The models that fit, and why the others do not.

    Attributes
    ----------
    lines : tuple of Line
    misfits : dict of str
        Model: why, with the position's row.
    accounts, positions : int
    """

    lines: tuple[Line, ...]
    misfits: Mapping[str, str]
    accounts: int
    positions: int

    def table(self) -> Table:
        """A row a model that fits."""
        names = ("equity_usd", "im_usd", "mm_usd", "offset_frac")
        columns: dict[str, Any] = {"model": np.array([x.model for x in self.lines], dtype=object)}
        columns |= {n: np.array([getattr(x, n) for x in self.lines], dtype=float) for n in names}
        columns["worst_scenario"] = np.array([x.worst for x in self.lines], dtype=object)
        columns["unverified"] = np.array([x.unverified for x in self.lines], dtype=np.int64)
        return Table(columns)


def compare(
    book: Book,
    market: Market,
    models: Sequence[str | os.PathLike[str]] | None = None,
    *,
    open_interest_usd: Mapping[str, float] | None = None,
) -> Comparison:
    """Margin one book under several models.

    Parameters
    ----------
    book : Book
        Without open orders.
    market : Market
    models : names or paths, optional
        Default: the house model and every venue preset.
    open_interest_usd : {unit: USD}, optional

    Raises
    ------
    ArgumentError
        Open orders: few models read them, and not alike.
    UnknownInstrumentError, DomainError
        The book does not fit the market.
    """
    if len(book.orders):
        raise ArgumentError("open orders cannot be compared: models read them differently")
    chosen = [HOUSE, *preset_names()] if models is None else [os.fspath(m) for m in models]
    alone = _alone(book)
    lines, misfits = [], {}
    for name in dict.fromkeys(chosen):
        model = None if is_house_model(name) else load_preset(name)
        try:
            lines.append(_line(name, model, book, alone, market, open_interest_usd))
        except NotMarginableError as error:
            misfits[name] = str(error)
    return Comparison(tuple(lines), misfits, len(book), len(alone))


def _alone(book: Book) -> Book:
    """Every position and balance as an account of its own."""
    n, more = len(book.positions), len(book.balances)
    if n + more == 0:
        raise ArgumentError("nothing is held: there is nothing to compare")
    rows, others = np.arange(n), np.arange(more)
    count = n + more
    none = np.full(count, -1, dtype=np.int64)
    return replace(
        book,
        accounts=np.array([str(i) for i in range(count)], dtype=object),
        mode=np.zeros(count, dtype=np.uint8),
        parent=none,
        owner=none,
        positions=book.positions.take(rows, rows),
        balances=book.balances.take(others, n + others),
        orders=Holdings.none("orders"),
    )


def _line(
    name: str,
    model: Preset | None,
    book: Book,
    alone: Book,
    market: Market,
    interest: Mapping[str, float] | None,
) -> Line:
    if model is None:
        margin = Margin.of(market, name, open_interest_usd=interest)
        standing = sweep(book, margin, threads=1)
        equity, im, mm = (standing.amount(part) for part in ("equity", "im", "mm"))
        worst = standing.worst_scenarios()
        parts = sweep(alone, margin, threads=1)
        apart = float(parts.amount("im").sum())
        unverified = 0 if margin.model.verified else 1
        label = margin.model.name
    else:
        found = venue_margin(book, market, model, open_interest_usd=interest)
        equity, im, mm, worst = found.equity_usd, found.im_usd, found.mm_usd, found.worst
        single = venue_margin(alone, market, model, open_interest_usd=interest)
        apart = float((single.mm_usd if np.isnan(im).all() else single.im_usd).sum())
        unverified, label = len(found.unverified), model.name
    need = mm if np.isnan(im).all() else im
    together = float(need.sum())
    return Line(
        model=label,
        equity_usd=float(equity.sum()),
        im_usd=float(im.sum()),
        mm_usd=float(mm.sum()),
        offset_frac=1.0 - together / apart if apart > 0.0 else math.nan,
        worst=str(worst[int(np.argmax(need))]),
        unverified=unverified,
    )


def comparison_picture(found: Comparison, path: str | os.PathLike[str]) -> None:
    """Bars of every model's IM and MM, the largest on top.

    Raises
    ------
    ArgumentError, MissingExtraError
        The name is not of a picture; matplotlib is not installed.
    """
    from margin_core.plot import BLUE, ORANGE, save_picture, thousands

    if not found.lines:
        raise ArgumentError("no model fits this book: there is nothing to draw")
    lines = sorted(found.lines, key=lambda x: x.mm_usd if math.isnan(x.im_usd) else x.im_usd)
    names = [clean(x.model, 24) + ("*" if x.unverified else "") for x in lines]
    largest = max(max(x.mm_usd, 0.0 if math.isnan(x.im_usd) else x.im_usd) for x in lines)
    scale, unit = (1e6, "million USD") if largest >= 1e7 else (1.0, "USD")

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        at = np.arange(len(lines))
        axes.barh(at + 0.2, [x.im_usd / scale for x in lines], 0.38, color=BLUE, label="IM")
        axes.barh(at - 0.2, [x.mm_usd / scale for x in lines], 0.38, color=ORANGE, label="MM")
        for offset, values in ((0.2, [x.im_usd for x in lines]), (-0.2, [x.mm_usd for x in lines])):
            for y, value in zip(at, values, strict=True):
                if not math.isnan(value):
                    axes.annotate(
                        thousands(round(value / scale, 1 if scale > 1.0 else 0)),
                        (max(value, 0.0) / scale, y + offset), xytext=(4, 0),
                        textcoords="offset points", va="center", fontsize=8,
                    )  # fmt: skip
        axes.set_yticks(at, names)
        axes.margins(x=0.12)
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.xaxis.set_major_formatter(thousands)
        axes.set_xlabel(f"must hold, {unit}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.legend(frameon=False, loc="lower right")
        what = f"{found.positions} position{'s' if found.positions > 1 else ''}"
        figure.suptitle(f"One book of {what}, margined by each model", x=0.01, ha="left",
                        fontsize=12, fontweight="bold")  # fmt: skip
        if any(x.unverified for x in lines):
            figure.supxlabel("* some of the preset's parameters have not been checked against the "
                             "venue", x=0.01, ha="left", fontsize=8, color="0.4")  # fmt: skip

    save_picture(path, (9.0, 1.6 + 0.55 * len(lines)), draw)
